#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs each hostile program of tests/hostile bare and observed, as root and as uid 65534, and compares: standard output,
# standard error and the way it ended must be the same; the recording must be complete and its ledgers must balance.
# What each program is expected to leave in the recording stands in its first comment (see tests/hostile/hostile.h).
# Environment: BUILD, SRC; REPEAT=N (default 1); PAIRS=all: each user with each mode (default: half of these pairs, by turns); MODES="run preload"; COW=HOW for --cow, FAULTS=HOW for --faults, or
# TIERS="COW/FAULTS …" for several of both; STACKS=HOW for --stacks, with SAMPLE_BYTES=SIZE; SYSCALLS=HOW for --syscalls, or "log" for --log, "trace" for --trace, "trace-log" for both. Arguments: names of programs, "places" for what is in places.sh; default all.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$SRC/build}
MODES=${MODES:-run preload}
PAIRS=${PAIRS:-half}
# shellcheck source=tests/hostile/lib.sh
. "$SRC/tests/hostile/lib.sh"
# shellcheck source=tests/hostile/places.sh
. "$SRC/tests/hostile/places.sh"

# The value of a line "KEY: …" in the first comment of a source file.
header() { sed -n "/^ \*\//q; s/^ \* $2: *//p" "$1"; }

# "exit 0|lost; exit 3 x2, signal 9" as the lines that endings.jq prints. $1: run or preload.
expected_endings() {
	local mode=$1 root=${2%%;*} rest='' one count
	[[ $2 == *';'* ]] && rest=${2#*;}
	[[ $mode == preload ]] && root=${root#*|}
	read -r root <<<"${root%%|*}"
	echo "root $root"
	while [[ -n $rest ]]; do
		one=${rest%%,*} count=1
		if [[ $rest == *,* ]]; then rest=${rest#*,}; else rest=''; fi
		read -r one <<<"$one"
		[[ $one == *' x'* ]] && count=${one##* x} one=${one%% x*}
		while ((count--)); do printf '%s\n' "$one"; done
	done
}

# What is wrong with the recording in $1, one line each. $2: mode, $3: endings, $4: ledger, $5: heap, $6: endings that only a tracer sees
recording_faults() {
	local place=$1 json=$1/json unexplained
	if ! read_recording "$place"; then
		echo "the recording cannot be read: $(head -c 300 "$place/json.err")"
		return
	fi
	jq -r -f "$HOSTILE/endings.jq" "$json" 2>&1 | sort >"$place/endings"
	[[ $SYSCALLS != trace* || -z $6 ]] || set -- "$1" "$2" "$3, $6" "$4" "$5"
	expected_endings "$2" "$3" | sort >"$place/endings.expected"
	diff --label expected --label recorded -U0 "$place/endings.expected" "$place/endings" | grep '^[-+][^-+]' |
		sort | uniq -c | sed 's/ *\([0-9]*\) \(.\)/recorded endings: \1 times \2/'
	case $4 in '') unexplained=zero ;; churning) unexplained=any ;; torn) unexplained=torn ;; *) unexplained=some ;; esac
	[[ $SYSCALLS != trace* ]] || unexplained=any # nothing tells whose anonymous memory is
	jq -r --arg unexplained "$unexplained" -f "$HOSTILE/wrong.jq" "$json" 2>&1
	[[ $4 == none ]] || jq -r '.processes | map(select(.born_by == "start"))[0].pid as $root
		| map(select(.pid == $root and .ended_by.kind != "exec" and (.snapshots | any(.why == "exit") | not)))
		| .[] | "the first process has no ledger of its exit"' "$json" 2>&1
	[[ $5 != unknown ]] ||
		jq -r '.processes[] | select(.heap.allocations != null) | "the heap is known"' "$json" 2>&1
}

# One program, one way to run it, one user.
check_run() {
	local source=$1 program=$2 user=$3 line=$4 mode=$5 bare=$6 place faults title
	local -a arguments=()
	eval "arguments=(${line%%=>*})"
	title="$(basename "${source%.*}") ${line%%=>*}as $user, $mode$(in_words)"
	new_place place
	observe "$place" "$user" "$mode" "$program" "${arguments[@]}"
	faults=$(MAY_SAY=$(header "$source" says) differences "$bare" "$place"
		recording_faults "$place" "$mode" "${line#*=>}" "$(header "$source" ledger)" "$(header "$source" heap)" "$(header "$source" traced)")
	verdict "$title" "$faults"
	[[ -n $faults ]] || discard "$place"
}

# Which of MODES a user's run of something has: all of them, or every other one, another for the other user and by what it is.
modes_for() {
	local -a modes=() users=()
	local mode turn
	read -ra modes <<<"$MODES"
	read -ra users <<<"$USERS"
	turn=$(($(cksum <<<"${2#"$SRC"}" | cut -d " " -f 1)))
	[[ $1 == "${users[0]}" ]] || turn=$((turn + 1))
	for mode in "${modes[@]}"; do
		[[ $PAIRS != all ]] && ((turn++ % 2)) || echo "$mode"
	done
}

check_program() {
	local source=$1 program=$2 user line mode bare times tier modes
	local -a arguments=() shape
	USER_PRELOAD=$(header "$source" preload)
	USER_PRELOAD=${USER_PRELOAD//%W/$W}
	shape=(${USER_PRELOAD:+env LD_PRELOAD="$USER_PRELOAD"})
	if [[ $SYSCALLS == trace* && $(header "$source" untraced) ]]; then
		skip "$(basename "${source%.*}") traced" "$(header "$source" untraced)"
		return
	fi
	for user in $USERS; do
		if [[ $(header "$source" needs) == root && $user != root ]]; then
			[[ $EUID == 0 ]] || skip "$(basename "${source%.*}")" 'needs root'
			continue
		fi
		while IFS= read -r line; do
			line=${line//%W/$W}
			modes=$MODES
			[[ $(header "$source" needs) == root ]] || modes=$(modes_for "$user" "$source$line")
			[[ $modes ]] || continue
			eval "arguments=(${line%%=>*})"
			for ((times = 0; times < ${REPEAT:-1}; times++)); do
				new_place bare
				run_as "$bare" "$user" "${shape[@]}" "$program" "${arguments[@]}"
				for tier in $TIERS; do
					use_tier "$tier"
					for mode in $modes; do
						tells_apart "$mode" &&
							check_run "$source" "$program" "$user" "$line" "$mode" "$bare"
					done
				done
				discard "$bare"
			done
		done < <(header "$source" run)
	done
	USER_PRELOAD=''
}

prepare
build_special
raise_map_count
for source in "$HOSTILE"/*.c "$HOSTILE"/*.cc "$HOSTILE"/special/*.c "$HOSTILE"/special/*.cc; do
	name=$(basename "${source%.*}")
	[[ -n $(header "$source" run) ]] || continue
	(($#)) && [[ " $* " != *" $name "* ]] && continue
	program=$(program_of "$source") || continue
	check_program "$source" "$program"
done
if (($# == 0)) || [[ " $* " == *' places '* ]]; then
	for tier in $TIERS; do
		use_tier "$tier"
		check_places
	done
fi
validate_jsons
finish
