# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The circumstances that a program cannot make for itself: a full disk, closed descriptors, inherited signals and
# limits, a runner that is killed, executables that cannot be preloaded. Sourced by tests/e2e/hostile.sh after lib.sh;
# check_places runs them all.

# same TITLE USER MODE ENDINGS PROGRAM…: bare and observed within SHAPE; ENDINGS empty: the recording may be missing.
# Sets OBSERVED.
same() {
	local title user=$2 mode=$3 endings=$4 bare faults
	title="$1, as $2, $3$(in_words)"
	shift 4
	tells_apart "$mode" || return 0
	new_place bare
	new_place OBSERVED
	run_as "$bare" "$user" "${SHAPE[@]}" "$@"
	observe "$OBSERVED" "$user" "$mode" "$@"
	faults=$(differences "$bare" "$OBSERVED"
		[[ -z $endings ]] || recording_faults "$OBSERVED" "$mode" "$endings" none '' '')
	verdict "$title" "$faults"
	discard "$bare"
}

# says TITLE PATTERN: the text report of the last run matches an extended regular expression
says() {
	if grep -qE "$2" "$OBSERVED/report" 2>/dev/null; then ok "$1"; else
		not_ok "$1" "$(head -c 600 "$OBSERVED/report" 2>&1)"
	fi
}

out_of_reach() {
	local user program endings
	for user in $USERS; do
		for program in still_static still_32; do
			[[ -x $W/$program ]] || continue
			# traced from outside, all of its processes are recorded
			[[ $program == still_static ]] && endings='exit 3; exit 0, exit 1 x2' || endings='exit 3'
			MAY_SAY=yes same "$program" "$user" run "$endings" "$W/$program" 3
			says "$program: the report says what is unknown" 'cannot be preloaded.*unknown|unknown|traced from outside'
			same "$program from a shell" "$user" run '' /bin/sh -c "'$W/$program' 3; echo \$?"
			same "$program from a shell" "$user" preload '' /bin/sh -c "'$W/$program' 3; echo \$?"
		done
	done
	if [[ $USERS == *nobody* ]]; then
		cp "$WORK/programs/ends" "$W/ends_setuid" && chmod 4755 "$W/ends_setuid"
		MAY_SAY=yes same 'a set-uid program' nobody run 'exit 3' "$W/ends_setuid" return 3
		says 'a set-uid program: the report says what is unknown' 'unknown|traced from outside'
		same 'a set-uid program from a shell' nobody preload '' /bin/sh -c "'$W/ends_setuid' return 3; echo \$?"
	fi
	# shellcheck disable=SC2016 # for the inner shell
	printf '#!/bin/sh\necho "$0" has "$#"\nexit 9\n' >"$W/script" && chmod 755 "$W/script"
	same 'a script' "${USERS%% *}" run 'exit 9' "$W/script" one two
	same 'arguments with control characters' "${USERS%% *}" run 'exit 0' /bin/echo $'\e[31m\n"\\' $'\xff\xfe' ''
	if grep -qaP '\x1b|\xff' "$OBSERVED/report" "$OBSERVED/json"; then
		not_ok 'control characters are escaped in reports' "$(cat -v "$OBSERVED/report" | head -n 5)"
	else
		ok 'control characters are escaped in reports'
	fi
}

inherited() {
	local user mode closed
	for user in $USERS; do
		for mode in $(modes_for "$user" places); do
			for closed in '<&-' '>&-' '<&- >&-' '<&- >&- 2>&-' '2>&-'; do
				# shellcheck disable=SC2016 # for the inner shell
				SHAPE=(sh -c 'exec "$0" "$@" '"$closed")
				same "started with $closed" "$user" "$mode" '' "$W/first_descriptor"
			done
			SHAPE=(env --ignore-signal='CHLD,PIPE,INT,HUP' --block-signal='USR1,CHLD,TERM')
			same 'signals ignored and blocked' "$user" "$mode" 'exit 0' "$WORK/programs/show_self" x
			SHAPE=(prlimit --as=400000000)
			same 'little address space' "$user" "$mode" 'exit 0; exit 4' "$WORK/programs/close_all" loop
			SHAPE=(prlimit --nofile=16 --stack=262144 --memlock=0 --core=0)
			same 'low limits' "$user" "$mode" 'exit 0; exit 4' "$WORK/programs/close_all" loop
			SHAPE=(prlimit --fsize=4096)
			MAY_SAY=yes same 'small files only' "$user" "$mode" '' "$W/first_descriptor"
			SHAPE=("$W/filtered")
			MAY_SAY=yes same 'a filter that kills who watches' "$user" "$mode" \
				'exit 0; exit 4' "$WORK/programs/close_all" loop
			SHAPE=(setarch -R)
			same 'fixed addresses' "$user" "$mode" 'exit 0' "$WORK/programs/mapping_moves"
			SHAPE=(setarch -L)
			same 'the old layout' "$user" "$mode" 'exit 0' "$WORK/programs/mapping_moves"
			SHAPE=()
		done
	done
}

# Where the recording or the report cannot be written. The command says so before it starts the program; the library
# alone, and both of them later, let the program go on as ever.
no_place_to_write() {
	local user mode size status
	for user in $USERS; do
		new_place OBSERVED
		RECORDING=/proc/none observe "$OBSERVED" "$user" run "$W/first_descriptor"
		check_eq "run where nobody can write, as $user" 'exit 125, 1 line' \
			"$(cat "$OBSERVED/ended"), $(grep -c ^pagegap: "$OBSERVED/err") line"
		MAY_SAY=yes RECORDING=/proc/none \
			same 'recording where nobody can write' "$user" preload '' "$W/first_descriptor"
		new_place OBSERVED
		# shellcheck disable=SC2016 # for the inner shell
		run_as "$OBSERVED" "$user" sh -c 'exec "$0" "$@" 2>/dev/full' "$BIN/pagegap" run \
			-o "$OBSERVED/recording" -- "$WORK/programs/ends" return 7
		check_eq "report to a full device, as $user" 'exit 7' "$(cat "$OBSERVED/ended")"
	done
	"$BIN/pagegap" report "$OBSERVED/recording" >/dev/full 2>"$OBSERVED/err"
	status=$?
	check_eq 'pagegap report to a full device' '125, 1 line' "$status, $(wc -l <"$OBSERVED/err") line"
	mkdir -p "$WORK/full"
	if ((EUID != 0)) || ! mount -t tmpfs -o size=4m,mode=777 none "$WORK/full" 2>/dev/null; then
		skip 'a full disk' 'a small tmpfs cannot be mounted'
		return
	fi
	# shellcheck disable=SC2034 # for clean_up
	MOUNTED=$WORK/full
	for user in $USERS; do
		for mode in $(modes_for "$user" places); do
			tells_apart "$mode" || continue
			for size in 0 64 128 512; do # KiB that are left
				rm -rf "$WORK/full/"* && fallocate -l $((4096 - size))KiB "$WORK/full/filler"
				# shellcheck disable=SC2034 # for observe
				RECORDING=$WORK/full/$user.$mode.$size
				MAY_SAY=yes same "full disk, $size KiB left" "$user" "$mode" '' \
					"$WORK/programs/threads_fork"
				read_recording "$OBSERVED"
				status=$?
				((status < 126)) || not_ok "what a full disk has can be read" "$size KiB: status $status"
				unset RECORDING
			done
		done
	done
	umount -l "$MOUNTED" && unset MOUNTED
}

# A shell under the command, in the background, that has said "begun" and waits for a line on descriptor 8. Sets
# OBSERVED and RUNNER.
begin_waiting() {
	new_place OBSERVED
	mkfifo "$OBSERVED/fifo" && exec 8<>"$OBSERVED/fifo"
	"$BIN/pagegap" run ${COW:+--cow="$COW"} ${FAULTS:+--faults="$FAULTS"} "${CALLS[@]}" -o "$OBSERVED/recording" \
		--report="$OBSERVED/report" -- /bin/sh -c "$1" >"$OBSERVED/out" 2>"$OBSERVED/err" <"$OBSERVED/fifo" 8>&- &
	RUNNER=$!
	wait_for "$OBSERVED/out" begun
}

# Until a file has a line; the shell of a failed run would never say it, so a minute is where waiting ends.
wait_for() {
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		grep -qs "$2" "$1" && return
		sleep 0.1
	done
	return 1
}

# The runner dies, or is told to: the program must not notice the one and must get the other.
runner_and_signals() {
	local signal status
	# shellcheck disable=SC2016 # for the inner shell
	begin_waiting 'echo begun; read line; echo "heard $line"; exit 12'
	kill -9 "$RUNNER"
	wait "$RUNNER" 2>/dev/null
	echo hello >&8
	if wait_for "$OBSERVED/out" 'heard hello'; then ok 'the program goes on when its runner is killed'; else
		not_ok 'the program goes on when its runner is killed' "$(cat "$OBSERVED/out" "$OBSERVED/err")"
	fi
	for ((status = 0; status < 100; status++)); do
		read_recording "$OBSERVED" || { sleep 0.1 && continue; }
		[[ $(jq -r '.processes[0].ended_by.kind' "$OBSERVED/json") == exit ]] && break
		sleep 0.1
	done
	check_eq 'its end is recorded without the runner' 'exit 12' \
		"$(jq -r '.processes[0].ended_by | "\(.kind) \(.code)"' "$OBSERVED/json" 2>&1)"
	for signal in TERM HUP USR1; do
		begin_waiting "trap 'echo got $signal; exit 13' $signal; echo begun; while :; do read line; done"
		kill -s $signal "$RUNNER"
		wait "$RUNNER"
		status=$?
		check_eq "SIG$signal to the runner reaches the program" "13 got $signal" \
			"$status $(tail -n1 "$OBSERVED/out")"
	done
	begin_waiting 'echo begun; read line'
	kill -TERM "$RUNNER"
	wait "$RUNNER" 2>/dev/null
	check_eq 'a program that a signal ends gives its signal to the runner' $((128 + 15)) $?
	exec 8>&-
}

check_places() {
	local name
	for name in ends show_self fork_in_handler close_all mapping_moves threads_fork; do
		[[ -x $WORK/programs/$name ]] || program_of "$HOSTILE/$name.c" >/dev/null || return
	done
	out_of_reach
	inherited
	no_place_to_write
	runner_and_signals
}
