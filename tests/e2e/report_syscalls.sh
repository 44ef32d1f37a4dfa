#!/bin/bash
# SPDX-License-Identifier: MIT
# The page of system calls: calls and errors as strace -c counts them, sums that add up, the order, bad options.
# shellcheck disable=SC2016 # what jq expands, and the observed shells
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

# columns FILE: "name calls errors" of the first table of a page, or of strace -c's
columns() {
	awk '/^------/ { on = !on; next } on && NF > 4 { errors = $5 ~ /^[0-9]+$/ ? $5 : 0; print $5 ~ /^[0-9]+$/ ? $6 : $5, $4, errors }' "$1" | sort
}
program=(dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none)
"$PAGEGAP" run --syscalls -o tiny.rec -- "${program[@]}" 2>tiny.page
check_eq 'run --syscalls ends as the program' 0 $?
check_eq 'run --syscalls prints that page and no other' '1 0' "$(grep -c '^% time .*syscall' tiny.page) $(grep -c '^Where the pages' tiny.page)"
"$PAGEGAP" report --syscalls tiny.rec >again.page
check 'report --syscalls prints the same' cmp tiny.page again.page
check 'small reads get a note' grep -q 'reads of 1.0 bytes on average' tiny.page
check 'and so do the writes' grep -q 'writes of 1.0 bytes on average' tiny.page
"$PAGEGAP" report tiny.rec >tiny.report
check 'the ordinary report has the note too' grep -q 'reads of 1.0 bytes on average' tiny.report

check_eq 'the 20,000 reads and writes are there' 'read 20000 0;write 20000 0;' "$(columns tiny.page | grep -E '^(read|write) ' | tr '\n' ';')"

paths="$BUILD/examples/call_paths"
"$PAGEGAP" run --syscalls -o wrapped.rec -- "$paths" 2>wrapped.page
"$PAGEGAP" run --syscalls=all --syscalls -o all.rec -- "$paths" 2>all.page
check_eq 'through libc 3,000 of 7,000 calls are seen' 'getppid 3000 0' "$(columns wrapped.page | grep '^getppid ')"
check 'and that others are not seen is said' grep -q 'calls made without' wrapped.page
check_eq 'with --syscalls=all every one' 'getppid 7000 0' "$(columns all.page | grep '^getppid ')"
check_eq 'failures are counted' 'close 300 300' "$(columns wrapped.page | grep '^close ')"
if command -v strace >/dev/null; then
	strace -c -o strace.page "${program[@]}"
	# The loader reads and opens files too, before the library is there to count; dd closes and opens through libc what it opens.
	check_eq 'calls and errors of dd are those of strace -c' "$(columns strace.page | grep -E '^(write|lseek|dup2|rt_sigaction) ')" \
		"$(columns tiny.page | grep -E '^(write|lseek|dup2|rt_sigaction) ')"
	strace -c -o strace.page "$paths"
	check_eq 'calls of all ways are those of strace -c' "$(columns strace.page | grep '^getppid ')" "$(columns all.page | grep '^getppid ')"
	check_eq 'errors are those of strace -c' "$(columns strace.page | awk '$1 == "close" { print $3 }')" \
		"$(columns all.page | awk '$1 == "close" { print $3 }')"
else
	skip 'calls and errors are those of strace -c' 'strace is not installed'
fi

"$PAGEGAP" run --syscalls -o bytes.rec -- "$BUILD/examples/one_byte_reads" 2>bytes.page
check_eq 'a million reads, and one' 'pread64 1 0;read 1000000 0;' "$(columns bytes.page | grep -E '^p?read' | tr '\n' ';')"
check_eq 'with as many bytes each' 2 "$(awk '$NF ~ /^p?read(64)?$/ && $(NF - 2) == "1,000,000"' bytes.page | wc -l)"
check 'and a note' grep -q '^  1,000,000 reads of 1.0 bytes' bytes.page

# of NAME EXPRESSION: jq on the calls of an example's processes, in the order of their numbers; the first process comes first
record() { "$PAGEGAP" run --format=json --report="$2.json" -o "$2.rec" -- "$1"; }
of() { jq -r "[.processes[].syscalls | select(.)] | $2" "$1.json"; }
record "$BUILD/examples/call_kinds" call_kinds
check_eq 'a call of each service, so many times' \
	'100 getppid process 0;200 madvise memory 0;300 msgget ipc 300;400 listen network 400;500 lseek file 0;600 ioctl device 600;700 kill signal 0;800 clock_nanosleep time 0;900 sched_yield sched 0;1000 uname other 0' \
	"$(of call_kinds '.[0].calls | map(select(.calls >= 100 and .name != "getpid") | "\(.calls) \(.name) \(.category) \(.errors)") | sort_by(split(" ")[0] | tonumber) | join(";")')"
record "$BUILD/examples/pipe_flow" pipe_flow
check_eq 'a pipe: what goes in comes out' '4096 16777216, 4097 16777216' \
	"$(of pipe_flow '[.[0].calls[] | select(.name == "write")][0] as $w | [.[1].calls[] | select(.name == "read")][0] as $r
		| "\($w.calls) \($w.bytes), \($r.calls) \($r.bytes)"')"
check_eq 'and whoever is ahead waits for the other' true "$(jq '[.processes[].time.voluntary_switches > 0] | any' pipe_flow.json)"
record "$BUILD/examples/socket_pair" socket_pair
check_eq 'a pair of sockets: questions and answers' 'recvfrom 10000 640000,sendto 10000 160000;recvfrom 10001 160000,sendto 10000 640000' \
	"$(of socket_pair 'map(.calls | map(select(.category == "network") | "\(.name) \(.calls) \(.bytes)") | sort | join(",")) | join(";")')"
record "$BUILD/examples/time_by_call" time_by_call
check_eq 'time by call: calls' 'getppid 200000,read 200' "$(of time_by_call '.[0].calls | map(select(.calls >= 200) | "\(.name) \(.calls)") | sort | join(",")')"
check_eq 'the large ones take longer, each' true "$(of time_by_call '.[0].calls | (map(select(.name == "read"))[0] | .time_ns / .calls) as $large
	| (map(select(.name == "getppid"))[0] | .time_ns / .calls) as $small | $large > 20 * $small')"

"$PAGEGAP" run --syscalls -o tree.rec -- /bin/bash -c 'for i in 1 2 3; do cat /nonexistent; done; true' >tree.out 2>tree.page
check 'a tree is summed, and its processes counted' grep -q '^System calls of 4 processes together' tree.page
check 'errors have names' grep -qE '^  open(at)?: .*ENOENT' tree.page
check_eq 'the total is the sum of the JSON document' \
	"$("$PAGEGAP" report --format=json tree.rec | jq '[.processes[].syscalls | select(.) | .calls[].calls] | add')" \
	"$(awk '$NF == "total" { print $4; exit }' tree.page)"
check_eq 'categories add up to the calls' true "$("$PAGEGAP" report --format=json tree.rec |
	jq '[.processes[].syscalls | select(.) | ([.calls[].calls] | add) == ([.categories[].calls] | add)] | all')"
"$PAGEGAP" report --syscalls --all tree.rec >every.page
check_eq '--all has each process' 5 "$(grep -c '^System calls of' every.page)"
pid=$("$PAGEGAP" report --format=json tree.rec | jq '.processes[-1].pid')
check_eq '--process has that one' 1 "$("$PAGEGAP" report --syscalls --process="$pid" tree.rec | grep -c "^System calls of pid $pid: ")"
check 'no line is longer than 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' every.page tiny.page
"$PAGEGAP" report --syscalls --sort=name tree.rec >name.page
check 'names are sorted by the alphabet' sort -c <(columns_raw() { awk '/^------/ { on = !on; next } on && NF > 4 { print $(NF - 1) }' name.page; }; columns_raw)
"$PAGEGAP" report --syscalls --sort=calls --top=2 tree.rec >top.page
check 'the rest is said' grep -qE 'and [0-9]+ more' top.page
check_eq '--sort=calls has the most frequent first' yes "$(awk '/^------/ { on = !on; next } on && NF > 4 { print $4 }' top.page | {
	read -r a; read -r b; ((a >= b)) && echo yes; })"

"$PAGEGAP" report --syscalls --threads tree.rec >threads.page
check_eq '--threads lists those of each image that was asked' 4 "$(sed -n '/^Threads of pid/,$p' threads.page | grep -cE ' [0-9]+ (bash|cat)$')"
check 'no line of it is longer than 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' threads.page

# refused SENTENCE PATTERN OPTION…: one line, status 125
refused() {
	local sentence=$1 pattern=$2 status
	shift 2
	"$PAGEGAP" report "$@" tree.rec >refused.out 2>refused.said
	status=$?
	check_eq "$sentence" "125 1 1" "$status $(wc -l <refused.said) $(grep -c -- "$pattern" refused.said)"
}
refused 'a bad key' '--sort=size: give time, calls' --syscalls --sort=size
refused 'a bad number of lines' '--top=-1: not a number' --syscalls --top=-1
refused 'none at all' '--top=0: not a number' --syscalls --top=0
refused '--sort without the page' 'give --syscalls too' --sort=calls
refused '--threads without the page' 'give --syscalls too' --threads
refused 'a process that is not there' 'no process 3 ' --syscalls --process=3
finish
