#!/bin/bash
# SPDX-License-Identifier: MIT
# Sampled call sites, --stacks=sampled: estimates and their intervals against what a program counted of itself, over some seeds; that a seed repeats a
# run and another does not; threads, forks, blocks of no bytes, realloc, another allocator; that the exact rows stay exact, and the options.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
PROGRAM=$BUILD/tests/oracle/sampled_sites

# sampled NAME SEED MEAN HOW…: NAME.truth and NAME.json, preloaded alone
sampled() {
	local name=$1
	PAGEGAP_OPTIONS="output=$name.rec,report=$name.text,stacks=sampled,sample-bytes=$3,sample-seed=$2" \
		LD_PRELOAD="$PAGEGAP_LIBRARY${PRELOAD:+:$PRELOAD}" "$PROGRAM" "${@:4}" >"$name.truth" 2>"$name.err" </dev/null
	echo $? >"$name.status"
	"$PAGEGAP" report --format=json "$name.rec" >"$name.json"
}

# judged SENTENCE NAME…: of several runs together
judged() {
	local sentence=$1 files=() name
	shift
	for name in "$@"; do files+=("$name.truth" "$name.json"); done
	"$SRC/tests/oracle/sampled_judge.py" 0 "${files[@]}" >judged 2>&1
	sed '$d; s/^/#/' judged
	check_eq "$sentence" good "$(tail -n 1 judged)"
}

# of_function NAME FUNCTION PROCESS FIGURE…: of the sites that the function is in the first two frames of
of_function() {
	json "$1" "[.processes[$3].sites[]? | select([.stack[:2][].function] | index(\"$2\"))] | map($4) | add // 0"
}

# within SENTENCE LEAST MOST ACTUAL
within() { check "$1: $4 is between $2 and $3" test "$4" -ge "$2" -a "$4" -le "$3"; }

names=()
for ((seed = 1; seed <= 24; seed++)); do
	sampled "plain$seed" "$seed" 64K plain
	names+=("plain$seed")
done
judged 'the truth lies in the intervals, and the mean of the estimates near it' "${names[@]}"
check_eq 'the rows stay exact: all runs asked for the same' 1 "$(for name in "${names[@]}"; do json "$name" '.processes[0].heap | "\(.allocations) \(.requested_bytes) \(.live_requested_bytes)"'; done | sort -u | wc -l)"
ledger_balances 'the ledger adds up with marked blocks' plain1
sampled again 7 64K plain
estimates='[.processes[0].sites[] | [.allocations, .requested_bytes, .live_requested_bytes, .samples]] | tostring'
check_eq 'a seed repeats the run' "$(json plain7 "$estimates")" "$(json again "$estimates")"
check 'another does not' test "$(json plain7 "$estimates")" != "$(json plain8 "$estimates")"
names=()
for seed in 1 2 3 4 5; do
	sampled "threads$seed" "$seed" 64K threads
	names+=("threads$seed")
done
judged 'the same of four threads' "${names[@]}"

# Forks: 60,000,000 bytes of which a child frees half and asks for that again elsewhere; at one sample in 16 KiB the deviation is 1.7 %, of a half 2.4 %.
sampled fork 1 16K fork
check_eq 'a fork: the program ends as ever' 0 "$(<fork.status)"
within 'what the parent keeps' 54000000 66000000 "$(of_function fork in_parent 0 .live_requested_bytes)"
within 'what the child has of it, having freed half' 25000000 35000000 "$(of_function fork in_parent 1 .live_requested_bytes)"
check_eq '… and never asked for' 0 "$(of_function fork in_parent 1 .requested_bytes)"
check_eq '… and inherited is what the parent has' "$(of_function fork in_parent 0 .live_requested_bytes)" "$(of_function fork in_parent 1 .inherited_requested_bytes)"
check_eq '… with an interval' true "$(json fork '.processes[1].sites[] | select([.stack[:2][].function] | index("in_parent"))
	| .low_bytes == null and .live_low_bytes < 30000000 and .live_high_bytes > 30000000')"
within 'what the child asks for' 25000000 35000000 "$(of_function fork in_child 1 .requested_bytes)"
check_eq 'a child draws other numbers than its parent' true "$(json fork '[.processes[].sites[] | select(.stack[1].function == "forks") | .samples] | map(select(. > 0)) | length > 1')"

# 100,000 blocks of no bytes are as long as 100,000 of one byte: about 98 samples, a deviation of 10 %.
sampled empty 1 1K empty
within 'blocks of no bytes' 60000 140000 "$(of_function empty of_no_bytes 0 .allocations)"
within '… of which half are freed' 25000 75000 "$(of_function empty of_no_bytes 0 .live_blocks)"
check_eq '… ask for nothing' 0 "$(of_function empty of_no_bytes 0 .requested_bytes)"

sampled moves 1 16K moves
check_eq 'blocks that move: the program ends as ever' 0 "$(<moves.status)"
within 'what they asked for in all' 550000000 572000000 "$(of_function moves grow 0 .requested_bytes)"
within 'what is left of it, after a realloc that failed' 9700000 10300000 "$(of_function moves grow 0 .live_requested_bytes)"
check_eq '… of 100 blocks, each larger than a sample'\''s distance' true "$(json moves '[.processes[0].sites[] | select(.live_blocks > 0 and .live_requested_bytes > 5000000)] | .[0].live_samples > 95')"

# The pool has blocks of 8 and of 16 bytes, which the block map cannot mark.
PRELOAD=$BUILD/libpagepool.so
names=()
for seed in 1 2 3 4 5; do
	sampled "pool$seed" "$seed" 16K plain
	names+=("pool$seed")
done
sampled pool_empty 1 1K empty
PRELOAD=''
judged 'the same with another allocator' "${names[@]}"
within '… blocks of no bytes' 60000 140000 "$(of_function pool_empty of_no_bytes 0 .allocations)"
within '… of which half are freed' 25000 75000 "$(of_function pool_empty of_no_bytes 0 .live_blocks)"

# The page, and the options.
run_gap run --stacks=sampled --sample-bytes=64K "$PROGRAM" plain
check 'the page says what a figure may be off by' grep -qE '^ +±[0-9.]+ [KM]iB {11} +±[0-9.]+ [KM]iB' run.report
check '… and from how many samples' grep -q 'Estimates from [0-9,]* samples, one in 64.0 KiB' run.report
check_eq 'no line of it is wider than a page' '' "$(LC_ALL=C.UTF-8 awk 'length > 80' run.report)"
check_eq 'the JSON says that they are estimates' 'true' "$(json run '[.processes[0].sites[].sampled] | all')"
run_gap default --stacks=sampled "$PROGRAM" plain
check 'without a distance it is one in 512 KiB' grep -q 'Estimates from [0-9,]* samples, one in 512 KiB' default.report
run_gap small --sample-bytes=4G true
check_eq 'where no sample fell there are no sites' 'null 0' "$(json small '.processes[0].sites | tostring') $(find small.rec -name '*.sites' | wc -l)"
for bad in --sample-bytes=1 --sample-bytes=5G --sample-bytes=x --stacks=some; do
	"$PAGEGAP" run "$bad" -o bad.rec true 2>bad.err
	check_eq "$bad is refused" "125 1" "$? $(wc -l <bad.err)"
done
finish
