#!/bin/bash
# SPDX-License-Identifier: MIT
# Kills programs with SIGKILL at random moments and compares the recording with a witness that the program kept in
# shared memory: it must be readable, say that the process died by signal 9 (preloaded alone: that it is lost), and
# count every operation but at most the one that each thread was in. Some are killed at a random moment of their start
# instead, where only readable can be asked. Environment: BUILD, SRC; KILLS=N (default 20); SEED=N repeats the moments
# of a run.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$SRC/build}
# shellcheck source=tests/hostile/lib.sh
. "$SRC/tests/hostile/lib.sh"

KILLS=${KILLS:-20}
RANDOM=${SEED:=$((RANDOM))}
PLACE='' # of the run that start began
declare -A BASE # MODE THREADS FIGURE: what the program counts before its threads work

# start MODE THREADS OPERATIONS: begins a run in PLACE; sets PLACE, STARTED (the process that was started), OUTPUT (read
# end of it)
start() {
	local mode=$1
	shift
	new_place PLACE
	mkfifo "$PLACE/output"
	if [[ $mode == run ]]; then
		"$BIN/pagegap" run -o "$PLACE/recording" --report="$PLACE/report" -- \
			"$W/witness" "$PLACE/witness" "$@" >"$PLACE/output" 2>"$PLACE/err" &
	else
		env LD_PRELOAD="$BIN/libpagegap.so" PAGEGAP_OPTIONS="output=$PLACE/recording,report=$PLACE/report" \
			"$W/witness" "$PLACE/witness" "$@" >"$PLACE/output" 2>"$PLACE/err" &
	fi
	STARTED=$!
	exec {OUTPUT}<"$PLACE/output"
}

# Kills the witness once it works (after $1 milliseconds) and waits for all to be over. False when it never said that it
# works.
kill_at_work() {
	local word pid
	read -r word pid <&"$OUTPUT" && [[ $word == ready ]] || return
	sleep "$(printf '0.%03d' "$1")"
	kill -9 "$pid"
	wait "$STARTED" 2>/dev/null
	exec {OUTPUT}<&-
}

# Prints "allocations frees requested_bytes", begun and then done, of the witness in $1.
witnessed() {
	od -An -v -tu8 -w64 "$1" | awk '{ for (i = 1; i <= 6; i++) sum[i] += $i }
		END { printf "%.0f %.0f %.0f %.0f %.0f %.0f\n", sum[1], sum[3], sum[5], sum[2], sum[4], sum[6] }'
}

recorded() { jq -r '.processes[0].heap | "\(.allocations) \(.frees) \(.requested_bytes)"' "$PLACE/json"; }

measure_base() {
	start "$1" "$2" 0
	if kill_at_work 0 && read_recording "$PLACE"; then
		BASE[$1 $2]=$(recorded)
	else
		not_ok "a run without operations, $2 threads, $1" "$(cat "$PLACE/err" "$PLACE/json.err" 2>&1)"
	fi
	discard "$PLACE"
}

# Prints what is wrong with the counts of the last run, given base, recorded and witnessed figures.
compare_counts() {
	local -a base seen witness names=(allocations frees 'requested bytes')
	local i count
	read -ra base <<<"$1"
	read -ra seen <<<"$2"
	read -ra witness <<<"$3"
	for i in 0 1 2; do
		count=$((seen[i] - base[i]))
		((count <= witness[i])) || echo "${names[i]}: $count counted, ${witness[i]} begun"
		((count >= witness[i + 3])) || echo "${names[i]}: $count counted, ${witness[i + 3]} done"
	done
}

# One kill at work: $1 mode, $2 threads, $3 moment in ms, $4 which
kill_one() {
	local title="kill $4: $1, $2 threads, after $3 ms of work" wanted='signal 9' faults
	[[ $1 == run ]] || wanted='lost null'
	start "$1" "$2" 1
	if ! kill_at_work "$3"; then
		not_ok "$title" "it never began: $(cat "$PLACE/err")"
	elif ! read_recording "$PLACE"; then
		not_ok "$title" "the recording cannot be read: $(cat "$PLACE/json.err")"
	else
		faults=$(
			[[ $(jq -r '.processes[0].ended_by | "\(.kind) \(.code)"' "$PLACE/json") == "$wanted" ]] ||
				echo "ended: $(jq -c '.processes[0].ended_by' "$PLACE/json")"
			compare_counts "${BASE[$1 $2]}" "$(recorded)" "$(witnessed "$PLACE/witness")"
		)
		verdict "$title" "$faults"
	fi
	discard "$PLACE"
}

# Killed while it starts: there may be no witness yet, and preloaded alone no recording; what is there must be readable.
kill_start() {
	local title="kill $2: at its start, after $1 ms" pid
	start run 4 1
	sleep "$(printf '0.%03d' "$1")"
	pid=$(cat "/proc/$STARTED/task/$STARTED/children" 2>/dev/null)
	[[ -z $pid ]] || kill -9 "${pid%% *}" 2>/dev/null
	[[ -n $pid ]] || kill -9 "$STARTED" # the runner itself had not come to start it
	wait "$STARTED" 2>/dev/null
	exec {OUTPUT}<&-
	if [[ -z $pid ]]; then
		ok "$title: not even born"
	elif [[ ! -e $PLACE/recording ]]; then
		ok "$title: before there was a recording"
	elif read_recording "$PLACE"; then
		check_eq "$title" 'signal 9' "$(jq -r '.processes[0].ended_by | "\(.kind) \(.code)"' "$PLACE/json")"
	else
		not_ok "$title" "the recording cannot be read: $(cat "$PLACE/json.err")"
	fi
	discard "$PLACE"
}

prepare
compile "$W/witness" "$HOSTILE/special/witness.c" || exit 1
for mode in run preload; do
	for threads in 1 4; do
		measure_base $mode $threads
	done
done
echo "# SEED=$SEED"
for ((which = 1; which <= KILLS; which++)); do
	moment=$((RANDOM % 300))
	case $((which % 5)) in
	0) kill_start $((RANDOM % 25)) $which ;;
	1) kill_one run 1 $moment $which ;;
	2) kill_one run 4 $moment $which ;;
	3) kill_one preload 1 $moment $which ;;
	4) kill_one preload 4 $moment $which ;;
	esac
done
validate_jsons
finish
