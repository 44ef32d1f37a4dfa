#!/bin/bash
# SPDX-License-Identifier: MIT
# Each example shows in its report what examples/README.md promises, in the figures that the program prints itself.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

MIB=$((1024 * 1024))
PAGE=4096
BOOKS=65536     # bytes: how far the heap rows may be off the allocator's own books

same() { check_eq "$EXAMPLE: $1" "$2" "$3"; }
within() { check_between "$EXAMPLE: $1" "$2" "$3" "$4"; }

# example NAME STATUS: runs it observed; one check for its exit status, one for its ledgers. OBSERVED_SETTING is a variable
# for its environment.
example() {
	EXAMPLE=$1
	record ${OBSERVED_SETTING:+env "$OBSERVED_SETTING"} "$BUILD/examples/$1"
	same "ends as it does alone" "$2" "$(<"$here/status")"
	same "every ledger adds up to the kernel's figures" "" "$(jq -r "$HARNESS_UNBALANCED" "$here/report.json")"
}

# tells SENTENCE PATTERN: the text report, its lines joined, has the words
tells() {
	check "$EXAMPLE: $1" grep -qE "$2" <<<"$(tr -s ' \n' ' ' <"$here/report.txt")"
}

# said NAME: a number that the program printed as "NAME number"
said() { awk -v name="$1" '$1 == name { print $2 }' "$here/stdout"; }

# process PID FILTER: a figure of a process, of its first image; of the first process without a PID
process() {
	of_report "[.processes[] | select(${1:-.pid} == .pid)][0] | $2"
}

# at MARK ROW COLUMN [PID]: bytes of a row of the ledger that was taken at a mark; "heap": the three heap rows together
at() {
	process "${4:-}" '.snapshots | map(select(.name == "'"$1"'")) | last
		| [.rows[] | select(.row == "'"$2"'" or (.row | startswith("'"$2"'.")))."'"$3"'_bytes"] | add'
}

# grown MARK ROW: mapped bytes of a row at a mark since the mark "empty"
grown() { echo $(($(at "$1" "$2" mapped) - $(at empty "$2" mapped))); }

# sparse_pages MARK: resident heap pages with live bytes on less than 10 % of them, then all resident heap pages
sparse_pages() {
	process "" '.snapshots | map(select(.name == "'"$1"'")) | last.page_fill
		| [map(select(.from_percent < 10) | .pages), map(.pages)] | map(add) | @tsv'
}

# Reads of fresh memory need none of it, but on a kernel without the zero page.
ZERO_PAGE=$("$BUILD/tests/oracle/zero_page")
check "it is known whether this kernel has the zero page" test "$ZERO_PAGE" = 0 -o "$ZERO_PAGE" = 1

example malloc_pool 0
for mark in full half; do
	requested=$(said ${mark}_requested_bytes)
	usable=$(said ${mark}_usable_bytes)
	held=$(said ${mark}_held_bytes)
	same "at $mark, live bytes are the bytes asked for" "$requested" "$(grown $mark heap.live)"
	same "at $mark, slack is what malloc rounded up" $((usable - requested)) "$(grown $mark heap.slack)"
	within "at $mark, the heap is what malloc holds" $((held - BOOKS)) $((held + BOOKS)) "$(at $mark heap mapped)"
done
tells "the text says how much a block is rounded up" "slack: .* 4 B on average for 50,001 live blocks"
tells "and that no trim can give the free blocks back" "free inside the allocator.* pages that also hold live blocks"

example fragmentation 0
kept=$(said survivors) all=$(at all heap resident) survivors=$(at survivors heap resident)
same "the survivors' bytes are live" "$(said survivors_live_bytes)" "$(grown survivors heap.live)"
within "the heap stays as resident as it was full" $((all * 99 / 100)) "$all" "$survivors"
within "trimming cannot help" $((survivors * 99 / 100)) "$survivors" "$(at trimmed heap resident)"
read -r sparse pages <<<"$(sparse_pages survivors)"
within "all of its pages are filled below 10 %" $((pages * 99 / 100)) "$pages" "$sparse"
within "there is one page for each survivor" $((kept * 99 / 100)) $((kept * 102 / 100)) "$pages"
within "trimming helps when they are gone" 0 $((all / 20)) "$(at gone heap resident)"

example demand_paging 0
read_mib=0
[[ $ZERO_PAGE != 0 ]] || read_mib=16
for pair in mapped:0 written:32 read:$((32 + read_mib)) "given back:$read_mib"; do
	mark=${pair%:*} mib=${pair#*:}
	same "at '$mark', 64 MiB are mapped" "$(said mapped_bytes)" "$(at "$mark" anon mapped)"
	same "at '$mark', $mib MiB are resident" $((mib * MIB)) "$(at "$mark" anon resident)"
done
tells "the text says that nothing is behind it" "64\.0 MiB are anonymous .* $((64 - read_mib))\.0 MiB of it have no page behind them"

example file_writeback 0
written=$(said written_bytes)
same "the file is mapped" "$(said mapped_bytes)" "$(at written file mapped)"
same "its written pages are resident" "$written" "$(at written file resident)"
same "and dirty" "$written" "$(at written file dirty)"
same "they stay resident when written back" "$written" "$(at synced file resident)"
if [[ $(said tmpfs) == 1 ]]; then
	skip "file_writeback: and are clean then" "this directory is on tmpfs, where pages have nowhere to go"
else
	same "and are clean then" 0 "$(at synced file dirty)"
fi
same "the file has the bytes" x "$(said read_back)"

example fork_exec 0
writer=$(said writer_pid) executor=$(said executor_pid)
same "the writer is born by fork" fork "$(process "$writer" .born_by)"
within "it has its parent's memory at once" $((32 * MIB)) $((32 * MIB + BOOKS)) \
	"$(at "child wrote" heap.live resident "$writer")"
within "all but the pages it wrote is still shared" $((24 * MIB - BOOKS)) $((24 * MIB + BOOKS)) \
	"$(at "child wrote" heap.live shared "$writer")"
images="[.processes[] | select(.pid == $executor)]"
born=$(of_report "$images | map(.born_by) | @json") ended=$(of_report "$images | map(.ended_by.kind) | @json")
same "the executor's images are born by fork and exec" '["fork","exec"]' "$born"
same "the first ends by exec, the last by itself" '["exec","exit"]' "$ended"
same "with the status that its parent saw" "$(said executor_status)" "$(of_report "$images | last.ended_by.code")"
same "the second was given an argument" again "$(of_report "$images | last.argv[1]")"
same "and has no heap" 0 "$(of_report "$images | last.heap.live_requested_bytes")"
tells "the text lists the processes" "Processes 3 in 4 images.* start .* exit 0 .* fork .* exec .* exit 7"

example copy_on_write 0
inherited=$(said inherited_pages)
for pair in reader:0 writer:$((inherited / 4)) waiter:$((inherited / 8)); do
	child=${pair%:*} unshared=${pair#*:}
	cow=$(process "$(said "${child}_pid")" ".cow.by_row.anon
		| [.inherited_pages, .copied_pages + (.unshared_pages // 0), .still_shared_pages] | @tsv")
	same "the $child shares all but $unshared of its pages at its end" \
		"$(printf '%s\t' "$inherited" "$unshared")$((inherited - unshared))" "$cow"
done
tells "the text says it for the parent" "Forks 3; of 3 it is known what stayed shared"
if [[ $(process "" .cow.method) == write-protect ]]; then
	same "the writer copied what it wrote" $((inherited / 4)) "$(process "$(said writer_pid)" .cow.by_row.anon.copied_pages)"
	same "the waiter copied nothing" 0 "$(process "$(said waiter_pid)" .cow.by_row.anon.copied_pages)"
	same "for its parent did" $((inherited / 8)) "$(process "" .cow.by_row.anon.copied_pages)"
	tells "the text tells it of the parent" "copied by this process [^;]* 2\.00 MiB own mappings"
	tells "and the process tree" "shared [0-9.]* MiB, copied [0-9.]* MiB: 4\.00 MiB own mappings"
	tells "and of the child" "copied by it [^;]* 4\.00 MiB own mappings"
else
	skip "copy_on_write: who copied" "userfaultfd is not to be had here"
fi

RUN_OPTIONS=(--faults=all)
example zero_page 0
read=$(said read_bytes) written=$(said written_bytes)
if [[ $ZERO_PAGE == 0 ]]; then
	which="each read of a fresh page is a fault, and the write after it is none, without the zero page"
	faults=$((read / PAGE)) counted=1,000
else
	which="each read and each write of a fresh page is a fault"
	faults=$(((read + written) / PAGE)) counted=1,400
fi
if [[ $(process "" .faults.method) == counts ]]; then
	skip "zero_page: $which" "the kernel gives no samples of page faults"
else
	same "$which" "$faults" "$(process "" .faults.by_row.anon.minor)"
	tells "the text says whose faults they are" "Faults .* own mappings $counted"
fi
if [[ $ZERO_PAGE == 0 ]]; then
	same "reads need memory without the zero page" "$read" "$(at read anon resident)"
	same "and the writes no more" "$read" "$(at written anon resident)"
else
	same "reads need no memory" 0 "$(at read anon resident)"
	same "writes do" "$written" "$(at written anon resident)"
fi

example trim_churn 0
if [[ $(process "" .faults.method) == counts ]]; then
	skip "trim_churn: what is given back and faulted in again is told" "the kernel gives no samples of page faults"
else
	pages=$(said pages) again=$(said again) without=$(said minor_faults)
	within "nearly all pages of the heap come again" $((pages * 95 / 100)) "$pages" "$(process "" .faults.churn.heap.pages)"
	within "each of them, each time" $((again * 95 / 100)) "$again" "$(process "" .faults.churn.heap.faults)"
	advice=$(process "" .faults.churn.advice)
	tells "the text says what to set" "churn: 15\.[0-9] MiB of heap given back and faulted in again 1[89] times, .* faults; $advice in "
	within "and sets M_TRIM_THRESHOLD above what was free" $((16 * MIB)) $((32 * MIB)) "${advice#MALLOC_TRIM_THRESHOLD_=}"
	RUN_OPTIONS=(--faults=count)
	OBSERVED_SETTING=$advice example trim_churn 0
	within "with that setting, these faults are gone" 0 $((without - again * 95 / 100)) "$(said minor_faults)"
fi
RUN_OPTIONS=()

# tables MARK: bytes of page tables
tables() { process "" ".snapshots | map(select(.name == \"$1\")) | last.page_table_bytes"; }

example page_tables 0
within "pages side by side need hardly any tables" 0 16384 $(($(tables dense) - $(tables empty)))
needed=$(said table_bytes)
within "pages far apart need a table each" "$needed" $((needed + 16384)) $(($(tables sparse) - $(tables dense)))
same "though no more memory is resident" "$(said touched_bytes)" \
	$(($(at sparse anon resident) - $(at dense anon resident)))

example huge_fork 0
bytes=$(said bytes)
same "small pages are small" 0 "$(at small anon huge)"
for which in small huge; do
	tables=$(tables $which)
	within "the child of '$which' is born with its parent's page tables" $((tables * 9 / 10)) $((tables + 16384)) \
		"$(process "$(said ${which}_pid)" .fork.page_table_bytes)"
done
if [[ $(at huge anon huge) == "$bytes" ]]; then
	fork_ns() { process "$(said "$1_pid")" .fork.fork_ns; }
	for _ in {1..9}; do # whatever else the machine does: once in so many times it does not
		(($(fork_ns huge) < $(fork_ns small) / 2)) && break
		example huge_fork 0 >/dev/null
	done
	within "with huge pages, a fork takes less time" 1 $(($(fork_ns small) / 2)) "$(fork_ns huge)"
	tells "the text says how long they took" "Page tables 2 forks of its own took [0-9.]+ ms, the longest [0-9.]+"
else
	skip "huge_fork: with huge pages, a fork takes less time" "there are not so many huge pages here"
fi

RUN_OPTIONS=(--faults=all)
example major_faults 0
RUN_OPTIONS=()
majors=$(said major_faults)
if [[ $majors == 0 ]]; then
	skip "major_faults: a page that must be read is a major fault" "this file system keeps its pages in memory"
elif [[ $(process "" .faults.method) == counts ]]; then
	skip "major_faults: whose major faults they are" "the kernel gives no samples of page faults"
else
	same "each page is one major fault, once" $(($(said file_bytes) / PAGE)) "$majors"
	same "they are the file's" "$majors" "$(process "" .faults.by_row.file.major)"
	tells "the text says what kind they are" "by kind: .*read from files 6[4-9]"
fi

if (($(wc -l </proc/swaps) < 2)); then
	skip "swap_out: memory in swap space" "this machine has no swap space"
else
	example swap_out 0
	bytes=$(said bytes)
	same "what is written is in memory" "$bytes" "$(at written anon resident)"
	within "what is paged out is in swap space" $((bytes * 9 / 10)) "$bytes" "$(at 'paged out' anon swap)"
	within "what is read comes back" $((bytes / 2)) "$bytes" "$(at 'half read' anon resident)"
fi

# The kernel splits the exact sum by sampled ticks: what is read a little later is split a little otherwise.
example user_system 0
for who in computing asking; do
	pid=$(said ${who}_pid)
	slack=$((20000 + ($(said ${who}_user_us) + $(said ${who}_system_us)) / 20))
	for kind in user system; do
		us=$(said ${who}_${kind}_us)
		within "$kind time of the $who child is getrusage's" $(((us - slack) * 1000)) $(((us + slack) * 1000)) \
			"$(process "$pid" .time.${kind}_ns)"
	done
done

example run_wait_sleep 0
hold=$(said hold_ns)
for who in busy busy2 sleeper; do
	pid=$(said ${who}_pid)
	wall=$(process "$pid" .time.wall_ns) wait=$(process "$pid" .time.runnable_wait_ns)
	run=$(process "$pid" '.time | .user_ns + .system_ns')
	within "$who lives as long as it says" "$hold" $((wall + 1)) "$wall"
	if [[ $who == sleeper ]]; then
		within "$who hardly runs" 0 $((wall / 5)) "$run"
		within "$who is asleep while it sleeps" $((hold * 49 / 50 - wait)) "$wall" $((wall - run - wait))
	else
		within "$who waits for a processor while the other runs" $((wall / 4)) "$wall" "$wait"
		within "$who is never asleep" $((wall * 9 / 10)) $((wall * 11 / 10)) $((run + wait))
	fi
done
tells "the text lists the processes" "Processes 4 in 4 images.* fork .* fork .* fork "

# site FUNCTION FIGURE: of the sites that a function asked from, summed
site() { process "" '[.sites[] | select(.stack[0].function == "'"$1"'") | .'"$2"'] | add'; }
RUN_OPTIONS=(--stacks=all)
example pinned_pages 0
same "names are live at the end" "$(said name_blocks) $(said name_bytes)" "$(site intern_name live_blocks) $(site intern_name live_requested_bytes)"
within "they alone keep the pages" $(($(said whole_pages) - 30)) $(($(said whole_pages) + 30)) "$(site intern_name pinned_pages)"
within "which are nearly empty" $(($(said whole_pages) - 30)) $(($(said whole_pages) + 30)) "$(site intern_name sparse_pages)"
tells "the text says so in a sentence" "19\.[0-9] MiB resident are kept by 40,000 blocks of 48 bytes from intern_name"
example leak 0
same "what was never freed" "$(said leaked_blocks) $(said leaked_bytes)" "$(site make_buffer never_freed) $(site make_buffer live_requested_bytes)"
same "by tag" "GET 0 PUT 500" "$(process "" '[.sites[] | select(.stack[0].function == "make_buffer")] | group_by(.tag)
	| map("\(.[0].tag) \(map(.live_blocks) | add)") | join(" ")')"
tells "the text has the tags" "488 KiB 500 .* PUT"
example temporary_storm 0
same "each of the blocks was temporary" "$(said temporary_blocks) $(said temporary_blocks)" "$(site copy_word allocations) $(site copy_word temporary)"
if command -v python3 >/dev/null; then
	EXAMPLE=language_objects
	for setting in PYTHONMALLOC=pymalloc PYTHONMALLOC=malloc; do
		record env "$setting" PYTHONDONTWRITEBYTECODE=1 python3 -S "$SRC/examples/language_objects.py"
		objects=$(said objects)
		if [[ $setting == *=malloc ]]; then
			within "with malloc each object is a block" "$objects" $((objects * 3)) "$(of_report '[.processes[].heap.allocations // 0] | max')"
		else
			within "with its own allocator, malloc hears of few" 0 $((objects / 10)) "$(of_report '[.processes[].heap.allocations // 0] | max')"
			within "which keeps them in mappings" $((10 * MIB)) $((40 * MIB)) "$(of_report '[.processes[].snapshots[] | [.rows[] | select(.row == "anon").resident_bytes] | add] | max')"
		fi
	done
else
	skip "language_objects" "python3 is not installed"
fi
RUN_OPTIONS=()

# The block map needs 4 MiB for each new 64 MiB of addresses: when there are none left, blocks are counted but have no
# place in the heap rows, and the report says how many.
example exhaust_memory 0
blocks=$(said blocks) bytes=$(said block_bytes) missing=0
note=$(grep -A 3 "no memory for the block map" "$here/report.txt" | tr -s ' \n' ' ')
[[ -z $note ]] || missing=1
[[ ! $note =~ \(([0-9]+)\ times\) ]] || missing=${BASH_REMATCH[1]}
known=$(((blocks - missing) * bytes))
within "some blocks came" 1 64 "$blocks"
same "one allocation failed" 1 "$(process "" .heap.failed)"
within "every block that came was counted" $((blocks * bytes)) $((blocks * bytes + BOOKS)) \
	"$(process "" .heap.requested_bytes)"
within "they are live, but $missing that the report says are missing" "$known" $((known + BOOKS)) \
	"$(process "" .heap.live_requested_bytes)"
within "a ledger was taken when memory was short" "$known" $((known + BOOKS)) "$(at exhausted heap.live mapped)"
same "the recording has its end" "exit 0" "$(process "" '.ended_by | "\(.kind) \(.code)"')"
tells "the text counts the failure" "Heap [0-9,]+ allocations .*; 1 failed"
same "the limit is named" "RLIMIT_AS $(said limit_bytes)" "$(process "" '.refused | "\(.limit) \(.limit_bytes)"')"
tells "the text says by which limit" "Memory refused malloc 1 time, 1\.00 MiB, .* the limit: RLIMIT_AS \(ulimit -v\)"
within "the ledger of that moment is there" "$known" $((known + BOOKS)) \
	"$(process "" '.snapshots[] | select(.why == "refused")
		| [.rows[] | select(.row == "heap.live").mapped_bytes] | add')"

example invalid_access 139
same "it ended by signal 11" "signal 11" "$(process "" '.ended_by | "\(.kind) \(.code)"')"
same "every allocation was recorded" "$(said allocations)" "$(process "" .heap.allocations)"
same "and every free" "$(said frees)" "$(process "" .heap.frees)"
same "and the live bytes" "$(said live_bytes)" "$(process "" .heap.live_requested_bytes)"
tells "the text names the signal" "pid [0-9]+, signal 11 \(SIGSEGV\)"
if [[ $(process "" .faults.method) == counts ]]; then
	skip "invalid_access: what killed it" "the kernel gives no samples of page faults"
else
	same "it was killed by a write through a null pointer" "null_pointer write 0" \
		"$(process "" '.invalid_access | "\(.finding) \(.access) \(.address)"')"
	tells "the text says so" "killed by a write to 0x0, where nothing is mapped: a null pointer; by invalid_access"
fi

# Pools of an allocator that the program brings: what it prints is looked at in tests/e2e/pool.sh.
example pool_requests 0
same "no block is left" 0 "$(said pool_live_blocks)"

for source in "$SRC"/examples/*.c; do
	name=$(basename "$source" .c)
	check "examples/README.md names $name" grep -q "($name.c)" "$SRC/examples/README.md"
	check "$name is run by a test" grep -qE "^[[:space:]]*example $name |/examples/$name\"" "$SRC"/tests/e2e/*.sh
done
finish
