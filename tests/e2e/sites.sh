#!/bin/bash
# SPDX-License-Identifier: MIT
# Call sites, --stacks=all: blocks and bytes of functions that are known by construction, sums that are the heap's to the byte, threads, forks,
# handlers, code that is unloaded, more sites than there is room for; the text, the options, damaged tables, and processes without room.
# shellcheck disable=SC2016 # $f is jq's
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
SITES=$BUILD/tests/oracle/call_sites

# sums_are_the_heaps SENTENCE NAME: of each process that has sites
sums_are_the_heaps() {
	check_eq "$1: sums over sites are the heap's" 'all good' "$(json "$2" 'def sum($f): [.sites[][$f]] | add // 0; [.processes[] | select(.sites)] as $known
		| [$known[] | .heap as $heap | ("allocations", "requested_bytes", "live_blocks", "live_requested_bytes", "live_usable_bytes") as $f | select(sum($f) != $heap[$f])
			| "pid \(.pid), \($f): \(sum($f)) instead of \($heap[$f])"]
		| if ($known | length) == 0 then "nobody has sites" elif . == [] then "all good" else join("; ") end')"
}

# of_function NAME FUNCTION [PROCESS]: "allocations requested live_blocks live_bytes temporary" of the sites whose first function is FUNCTION
of_function() {
	json "$1" ".processes[${3:-0}].sites | map(select(.stack[0].function == \"$2\"))
		| [([.[].allocations] | add), ([.[].requested_bytes] | add), ([.[].live_blocks] | add), ([.[].live_requested_bytes] | add), ([.[].temporary] | add)]
		| map(tostring) | join(\" \")"
}

run_gap plain --stacks=all "$SITES" plain
check_eq 'the program ends as ever' 0 "$(<plain.status)"
sums_are_the_heaps 'plain functions' plain
check_eq 'blocks that are kept' '1000 40000 1000 40000 0' "$(of_function plain keep_1000_of_40)"
check_eq 'blocks of which half are freed' '600 60000 300 30000 0' "$(of_function plain half_of_600_of_100)"
check_eq 'temporary ones' '5000 320000 0 0 5000' "$(of_function plain temporary_5000_of_64)"
check_eq 'a block that grows' '8 36000 1 8000 7' "$(of_function plain grown_to_8000)"
check_eq 'an inlined function' '70 490 70 490 0' "$(of_function plain inlined_70_of_7)"
check_eq '… is inlined into' 'true calls_inlined false' "$(json plain '.processes[0].sites[] | select(.stack[0].function == "inlined_70_of_7")
	| "\(.stack[0].inlined) \(.stack[1].function) \(.stack[1].inlined)"')"
check_eq 'a recursion is as deep as it is' 21 "$(json plain '.processes[0].sites[] | select(.stack[0].function == "recursive_20_deep")
	| [.stack[] | select(.function == "recursive_20_deep")] | length')"
check_eq 'a stack leads to main and what called that' 'main complete' "$(json plain '.processes[0].sites[] | select(.stack[0].function == "keep_1000_of_40")
	| "\(.stack[2].function) \(.stack_end)"')"
check_eq 'file and line are the source'\''s' "call_sites.c $(grep -n 'malloc(40)' "$SRC/tests/oracle/call_sites.c" | cut -d: -f1)" \
	"$(json plain '.processes[0].sites[] | select(.stack[0].function == "keep_1000_of_40") | .stack[0] | "\(.file | split("/") | last) \(.line)"')"
check 'the page has them' grep -qE '^ +39\.1 KiB +1,000 +39\.1 KiB +1,000  keep_1000_of_40  call_sites\.c:[0-9]+$' plain.report
check_eq 'no line of it is wider than a page' '' "$(awk 'length > 80' plain.report)"
ledger_balances 'the ledger adds up' plain

# page NAME OPTION…: the section of call sites
page() { "$PAGEGAP" report "${@:2}" "$1.rec" | sed -n '/^Call sites/,/^$/p'; }
page plain --sort=allocations >sorted.page
check_eq '--sort=allocations has most calls first' '5,000 1,000 600 70 8 1' "$(awk '/call_sites.c/ && $1 ~ /^[0-9]/ { print $1 }' sorted.page | paste -sd ' ')"
check_eq '… by name' 'temporary_5000_o... keep_1000_of_40' "$(awk '/call_sites.c/ && $1 ~ /^[0-9]/ { print $(NF - 1) }' sorted.page | head -n 2 | paste -sd ' ')"
page plain --sort=temporary --exact >sorted.page
check_eq '--sort=temporary' '5,000 7 0' "$(awk '/call_sites.c/ && $1 ~ /^[0-9]/ { print $1 }' sorted.page | head -n 3 | paste -sd ' ')"
page plain --fold=function >folded.page
check_eq '--fold=function adds up sites' '39.1 1,000 39.1 1,000|- 0 312 5,000' "$(awk '$NF == "keep_1000_of_40" || $NF == "temporary_5000_of_64" { gsub(" KiB", ""); print $1, $2, $3, $4 }' folded.page | paste -sd '|')"
page plain --fold=file --exact >folded.page
check_eq '--fold=file' "$(json plain '.processes[0].heap | "\(.live_requested_bytes) \(.live_blocks) \(.requested_bytes) \(.allocations)"')" \
	"$(awk '/call_sites[.]c$/ { gsub(",", ""); print $1, $2, $3, $4 }' folded.page)"
mkdir a_directory_with_a_name_that_is_long && cp "$SITES" a_directory_with_a_name_that_is_long/call_sites
run_gap long --stacks=all a_directory_with_a_name_that_is_long/call_sites plain
page long --fold=module --exact >folded.page
check_eq '--fold=module, and a name that is cut in the middle' '79 1372' "$(awk '/[.][.][.].*call_sites$/ { columns = length; gsub(",", ""); print columns, $2 }' folded.page)"
page plain --tree=callers >tree.page
check_eq '--tree=callers: below who asked, who called, up to main' '39.1 KiB 50 % keep_1000_of_40|39.1 KiB 50 % plain|39.1 KiB 50 % main|29.3 KiB 37 % half_of_600_of_100' \
	"$(grep -A 3 -F keep_1000_of_40 tree.page | awk '{ $1 = $1; print }' | paste -sd '|')"
check_eq '… a recursion is one line' '21 times' "$(sed -n 's/.*recursive_20_deep, //p' tree.page)"
page plain --tree=callees >tree.page
check_eq '--tree=callees: main, and indented below it what it called' '0 78.6 KiB 100 % plain|2 39.1 KiB 50 % keep_1000_of_40|2 29.3 KiB 37 % half_of_600_of_100' \
	"$(awk 'match($0, /% +/) { indent = RLENGTH - 3; $1 = $1; print indent, $0 }' tree.page | grep -E ' (plain|keep_1000.*|half_of.*)$' | paste -sd '|')"
check_eq '… without what is small' '0 1' "$(grep -c inlined_70 tree.page) $(page plain --tree=callees --all | grep -c inlined_70)"
for bad in --sort=size --tree=up --fold=line; do
	"$PAGEGAP" report "$bad" plain.rec >bad.out 2>bad.err
	check_eq "$bad is refused" "125 1 0" "$? $(wc -l <bad.err) $(wc -l <bad.out)"
done
for options in --sort=usable --fold=file --fold=module --tree=callers '--tree=callees --fold=module' '--tree=callers --fold=file --all'; do
	# shellcheck disable=SC2086 # several
	check_eq "$options stays on the page" '' "$("$PAGEGAP" report $options plain.rec | awk 'length > 80')"
done

run_gap shallow --stacks=all --depth=2 "$SITES" plain
check_eq 'a depth is kept to' 2 "$(json shallow '[.processes[0].sites[].stack | map(select(.inlined | not)) | length] | max')"
check_eq '… and said' deeper "$(json shallow '.processes[0].sites[] | select(.stack[0].function == "temporary_5000_of_64") | .stack_end')"
sums_are_the_heaps 'few frames' shallow

run_gap threads --stacks=all "$SITES" threads
sums_are_the_heaps 'threads' threads
check_eq 'threads add up' '24000 1152000 6000 288000 18000' "$(of_function threads thread_2000_of_48)"
check_eq 'a thread'\''s stack ends where the thread began' complete "$(json threads '.processes[0].sites[] | select(.stack[0].function == "thread_2000_of_48") | .stack_end')"

run_gap fork --stacks=all "$SITES" fork
sums_are_the_heaps 'a fork' fork
check_eq 'a child has its parent'\''s blocks, and frees them' '0 0 750 30000 0' "$(of_function fork keep_1000_of_40 1)"
check_eq '… and asks for its own' '600 60000 300 30000 0' "$(of_function fork half_of_600_of_100 1)"
check_eq 'the parent keeps its own' '1000 40000 1000 40000 0' "$(of_function fork keep_1000_of_40 0)"
run_gap raw --stacks=all "$SITES" raw_fork
check_eq 'after a fork that nobody announced it is not known what was live' '1 null' \
	"$(json raw '.processes[1].sites | map(select(.stack[0].function == "keep_1000_of_40")) | "\(length) \(.[0].live_blocks)"')"
check_eq '… but what comes then' '600 60000' "$(of_function raw half_of_600_of_100 1 | cut -d ' ' -f 1,2)"

run_gap signal --stacks=all "$SITES" signal
sums_are_the_heaps 'a handler' signal
check_eq 'a handler on a stack of its own' '30 6000 30 6000 0' "$(of_function signal in_handler_30_of_200)"
check_eq '… was called from main in the end' 'true complete' "$(json signal '.processes[0].sites[] | select(.stack[0].function == "in_handler_30_of_200")
	| "\([.stack[].function] | contains(["main"])) \(.stack_end)"')"

for letter in a b; do
	printf '#include <stdlib.h>\nvoid *from_library_%s(void) { return malloc(%s); }\nvoid *allocate(void) { void *p = from_library_%s(); return p ? p : (void *)1; }\n' \
		"$letter" "$([[ $letter == a ]] && echo 111 || echo 222)" "$letter" >"$letter.c"
	"${CC:-cc}" -g -O0 -shared -fPIC -o "lib$letter.so" "$letter.c"
done
run_gap unload --stacks=all "$SITES" unload ./liba.so ./libb.so
sums_are_the_heaps 'libraries that go' unload
check_eq 'code that was unloaded keeps its name' '3 333|3 666' \
	"$(of_function unload from_library_a | cut -d ' ' -f 1,2)|$(of_function unload from_library_b | cut -d ' ' -f 1,2)"

run_gap many --stacks=all "$SITES" many
used=$(od -A n -t u4 -j 28 -N 4 many.rec/*.sites)
check "the table holds tens of thousands:$used" test "$used" -gt 25000 -a "$used" -lt 40000
check_eq 'the others are one' $((40000 - used + 1)) "$(awk '$NF == "(others)" { gsub(",", ""); print $3 }' many.report | head -n 1)"
check 'which the page explains' grep -q 'the table of call sites was full' many.report

run_gap none "$SITES" plain
check_eq 'without the option there are none' 'null 0' "$(json none '.processes[0].sites | tostring') $(find none.rec -name '*.sites' | wc -l)"
for bad in --stacks=some --depth=0 --depth=257 --depth=x; do
	"$PAGEGAP" run "$bad" -o bad.rec true 2>bad.err
	check_eq "$bad is refused" "125 1" "$? $(wc -l <bad.err)"
done

# Damaged tables: one line, and the rest of the report.
cp -r plain.rec cut.rec && truncate -s 5000 cut.rec/*.sites
cp -r plain.rec wild.rec && printf '\377\377\377\377' | dd of="$(echo wild.rec/*.sites)" bs=1 seek=28 conv=notrunc status=none
for damaged in cut wild; do
	"$PAGEGAP" report $damaged.rec >$damaged.text 2>$damaged.err
	check_eq "a table that is $damaged is left out, aloud" '1 1' "$(grep -c 'call sites are left out' $damaged.err) $(grep -c '^Where the pages are' $damaged.text)"
done

# Without room for it the program runs on, and the report says so.
cat >small.sh <<-'SH'
	ulimit -f 8192
	exec "$@"
SH
run_gap small --stacks=all bash small.sh "$SITES" plain
check_eq 'a limit on files: the program runs' 0 "$(<small.status)"
check 'the report says that there are no sites' grep -q 'call sites could not be recorded' small.report
finish
