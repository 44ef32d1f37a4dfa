#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs real programs bare and under pagegap, as root and as uid 65534, and compares standard output, standard error,
# the files they wrote and how they ended; then looks at the recordings. Each program is a script in work/, whose
# first comment says
#   varies: SED         what differs between two bare runs of it in the output, taken out before comparing
#   sorted: yes         the order of its lines varies
#   leaves-out: PATTERN files whose content varies (find -path)
#   threads: alive at exit   its processes may have threads at exit, so that the ledger may move while it is taken
#   ends: HOW           how it ends, default "exit 0"
#   lost: N             so many of its processes die unseen: killed as orphans, say
#   needs: COMMAND…     what must be installed, a command or a file
#   images: exact       it starts the same processes each time: as many executions must be recorded as strace sees
# Bare runs are compared with each other first: what varies there and is not named fails.
# Environment: BUILD, SRC; TIMES=N observed runs for each user (default 3); COW=HOW for --cow, FAULTS=HOW for --faults,
# or TIERS="COW/FAULTS …" for several of both; PYTHON_TESTS="test_…" instead of all that the workload python has.
# Arguments: names of workloads, default all.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$SRC/build}
# shellcheck source=tests/hostile/lib.sh
. "$SRC/tests/hostile/lib.sh"
# shellcheck source=tests/campaign/inputs/make.sh
. "$SRC/tests/campaign/inputs/make.sh"
WORKLOADS=$SRC/tests/campaign/work
TABLE=()

# All values of a line "# KEY: …" in a workload, one a line.
header() { sed -n "s/^# $2: *//p" "$WORKLOADS/$1.sh"; }

# The workload as a program, in a folder that has the same path each time; the outcome moves to a place afterwards.
stage() {
	local place=$1 user=$2 mode=$3 name=$4
	rm -rf "$WORK/stage" && mkdir "$WORK/stage"
	if [[ $mode == bare ]]; then
		run_as "$WORK/stage" "$user" env INPUTS="$WORK/inputs" ${PYTHON_TESTS:+PYTHON_TESTS="$PYTHON_TESTS"} \
			bash "$WORK/work/$name.sh"
	else
		SHAPE=(env INPUTS="$WORK/inputs" ${PYTHON_TESTS:+PYTHON_TESTS="$PYTHON_TESTS"})
		observe "$WORK/stage" "$user" "$mode" bash "$WORK/work/$name.sh"
	fi
	mv "$WORK/stage/"* "$place/"
	tidy "$place" "$name"
	fingerprint "$place" "$name"
}

# Takes what varies out of the output.
tidy() {
	local place=$1 name=$2 file script
	for file in out err; do
		script=$(header "$name" varies)
		[[ -z $script ]] || sed -i "$script" "$place/$file"
		[[ -z $(header "$name" sorted) ]] || sort -o "$place/$file" "$place/$file"
	done
}

# Names, kinds, modes and contents of all that the workload left, in the file "tree".
fingerprint() {
	local place=$1 name=$2 pattern leave=(-false)
	while IFS= read -r pattern; do leave+=(-o -path "$pattern"); done < <(header "$name" leaves-out)
	(
		cd "$place/cwd" || exit
		find . \( "${leave[@]}" \) -prune -o -printf '%y %m %p %l\n' | sort
		find . \( "${leave[@]}" \) -prune -o -type f -print0 | sort -z | xargs -0r sha256sum
	) >"$place/tree"
	rm -rf "$place/cwd"
}

# Prints what is wrong with a recording; leaves figures for the table in the file "figures": processes, worst
# unexplained.
faults_of_recording() {
	local place=$1 name=$2 ended executed unexplained=zero
	if ! read_recording "$place"; then
		echo "the recording cannot be read: $(head -c 300 "$place/json.err")"
		return
	fi
	jq -r '[.processes[].pid] | unique | length' "$place/json" >"$place/figures"
	jq -r '[.processes[].snapshots[] | select(.why == "exit" or .why == "exec")
		| .unexplained_mapped_bytes, .unexplained_resident_bytes | fabs] | max // 0' \
		"$place/json" >>"$place/figures"
	ended=$(jq -r -f "$HOSTILE/endings.jq" "$place/json" | sed -n 's/^root //p')
	[[ $ended == "$(cat "$place/ended")" ]] || echo "recorded end: $ended, real: $(cat "$place/ended")"
	jq -r '.processes[] | select(.ended_by.kind == "lost" or .ended_by.kind == "running")
		| "pid \(.pid) (\(.argv // [] | join(" ") | .[0:60])): \(.ended_by.kind)"' "$place/json" >"$place/lost"
	[[ $(wc -l <"$place/lost") == "$(header "$name" lost | grep . || echo 0)" ]] || head -n 5 "$place/lost"
	[[ -z $(header "$name" threads) ]] || unexplained=some
	jq -r --arg unexplained $unexplained -f "$HOSTILE/wrong.jq" "$place/json" 2>&1 | head -n 5
	if [[ -s $WORK/executed.$name ]]; then
		executed=$(jq '[.processes[] | select(.born_by != "fork")] | length' "$place/json")
		[[ $executed == "$(cat "$WORK/executed.$name")" ]] ||
			echo "$executed executions recorded, strace saw $(cat "$WORK/executed.$name")"
	fi
}

# How many programs a workload executes, by strace: an independent witness of whether every process was followed.
count_executions() {
	local name=$1 user=$2 place
	rm -f "$WORK/executed.$name"
	[[ $(header "$name" images) == exact ]] && command -v strace >/dev/null || return 0
	new_place place
	rm -rf "$WORK/stage" && mkdir "$WORK/stage"
	: >"$place/strace" && chmod 666 "$place/strace"
	run_as "$WORK/stage" "$user" env INPUTS="$WORK/inputs" strace -f -qq -e trace=execve,execveat -e signal=none \
		-o "$place/strace" bash "$WORK/work/$name.sh"
	grep -cE '(execve|execveat)(\(.*| resumed>.*)\) += 0$' "$place/strace" >"$WORK/executed.$name"
	rm -rf "$WORK/stage"
}

# observed_run WORKLOAD USER BARE TITLE: adds to runs, differing, processes and worst, for the table.
observed_run() {
	local name=$1 user=$2 bare=$3 title="$1 as $2, $4" place faults unexplained
	new_place place
	stage "$place" "$user" run "$name"
	runs=$((runs + 1))
	faults=$(different "$bare" "$place")
	[[ -z $faults ]] || differing=$((differing + 1))
	verdict "$title: the same output, files and end" "$faults"
	verdict "$title: the recording is complete" "$(faults_of_recording "$place" "$name")"
	if [[ -s $place/figures ]]; then
		{ read -r processes && read -r unexplained; } <"$place/figures"
		((unexplained <= worst)) || worst=$unexplained
	fi
	[[ -n $faults ]] || discard "$place"
}

run_workload() {
	local name=$1 user tier times first second faults expected runs=0 differing=0 processes=0 worst=0
	for user in $USERS; do
		new_place first
		new_place second
		stage "$first" "$user" bare "$name"
		stage "$second" "$user" bare "$name"
		expected=$(header "$name" ends)
		faults=$(different "$first" "$second"
			[[ $(cat "$first/ended") == "${expected:-exit 0}" ]] || cat "$first/ended")
		verdict "$name as $user: two bare runs are the same" "$faults"
		count_executions "$name" "$user"
		for tier in $TIERS; do
			use_tier "$tier"
			for ((times = 1; times <= ${TIMES:-3}; times++)); do
				observed_run "$name" "$user" "$first" "run $times$(in_words)"
			done
		done
	done
	TABLE+=("$(printf '%-10s %5d %12d %11d %18s' "$name" "$runs" "$differing" "$processes" "$worst")")
}

different() {
	differences "$1" "$2"
	cmp -s "$1/tree" "$2/tree" || diff "$1/tree" "$2/tree" | grep '^[<>]' | head -n 6 | sed 's/^/files: /'
}

prepare
compile "$W/ended" "$HOSTILE/special/ended.c" || exit 1
make_inputs "$WORK/inputs"
cp -r "$WORKLOADS" "$WORK/work"
cp -r "$HOSTILE" "$WORK/inputs/hostile"
mkdir "$WORK/inputs/source"
if ! git -C "$SRC" archive HEAD 2>/dev/null | tar -C "$WORK/inputs/source" -xf - 2>/dev/null; then
	tar -C "$SRC" -cf - Makefile preload report alloc | tar -C "$WORK/inputs/source" -xf - # not a clone
fi
chmod -R a+rX "$WORK/inputs" "$WORK/work"
for file in "$WORKLOADS"/*.sh; do
	name=$(basename "$file" .sh)
	(($#)) && [[ " $* " != *" $name "* ]] && continue
	missing=$(export PATH=/usr/bin:/bin:/usr/sbin; for command in $(header "$name" needs); do # as run_as has it
		[[ -e $command ]] || command -v "$command" >/dev/null || echo "$command"
	done)
	if [[ -n $missing ]]; then skip "$name" "not installed: $missing"; else run_workload "$name"; fi
done
printf '# %-10s %5s %12s %11s %18s\n' program runs differences processes 'worst unexplained'
printf '# %s\n' "${TABLE[@]}"
validate_jsons
finish
