#!/bin/bash
# SPDX-License-Identifier: MIT
# System calls, by name and by errno, equal strace's: of every function of the table of wrappers, failing and, for most,
# succeeding (tests/oracle/calls.c). strace observes the bare program, between its two marks.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
# shellcheck source=tests/oracle/calls.sh
. "$SRC/tests/oracle/calls.sh"

program=$BUILD/tests/oracle/calls

# The lines between the marks of a trace.
between_the_marks() { awk '/"\/begin"/ { on = 1; next } /"\/end"/ { on = 0 } on' "$1"; }

# Outside of the marks: a chdir, the marks themselves, which find nothing, and the exit.
without_the_marks() {
	awk '$1 == "access" && (NF == 2 || $2 == "ENOENT") { $NF -= 2 } $1 ~ /^(chdir|exit_group)$/ && NF == 2 { $NF -= 1 } $NF > 0' "$1" | sort
}

# Of what libc does for itself when it starts a thread and when it first allocates, pagegap sees nothing.
differences() {
	awk -v inner=' brk mmap mprotect madvise futex rseq set_robust_list exit rt_sigprocmask rt_sigaction getrandom ' '
		{ count = $NF; $NF = ""; names[$0] = 1; if (NR == FNR) strace[$0] = count; else counted[$0] = count }
		END {
			for (n in names) {
				split(n, word, " ")
				if (strace[n] == counted[n] || strace[n] > counted[n] && index(inner, " " word[1] " ")) continue
				printf "%sstrace %d, pagegap %d\n", n, strace[n], counted[n]
			}
		}' "$1" "$2" | sort
}

if ! command -v strace >/dev/null; then
	skip "the counts of system calls" "strace is not installed"
	finish
fi
for user in root nobody; do
	as=()
	if [[ $user == nobody ]]; then
		if ((EUID)); then skip "the counts of system calls as nobody" "not root"; continue; fi
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	place=$(mktemp -d "$WORK/calls.XXXXXX")
	chmod 711 "$WORK" && chmod 777 "$place"
	mkdir -m 777 "$place/bare" "$place/observed"
	"${as[@]}" strace -f -o "$place/strace" "$program" "$place/bare" >"$place/out.bare" 2>&1
	check_eq "$user: the program does all of its calls under strace" 0 $?
	"${as[@]}" "$BUILD/pagegap" run --format=json --report="$place/json" -o "$place/recording" -- \
		"$program" "$place/observed" >"$place/out" 2>&1
	check_eq "$user: and under pagegap" 0 $?
	check_eq "$user: saying the same" "$(<"$place/out.bare")" "$(<"$place/out")"
	between_the_marks "$place/strace" >"$place/marked"
	strace_counts "$place/marked" >"$place/expected"
	pagegap_counts "$place/json" >"$place/all"
	without_the_marks "$place/all" >"$place/counted"
	check_eq "$user: every call and every errno is counted as often as strace sees it" "" \
		"$(differences "$place/expected" "$place/counted")"
	check_eq "$user: hundreds of kinds of results" yes "$(awk 'END { print (NR > 250 ? "yes" : NR) }' "$place/expected")"
	check_eq "$user: every call that returned has a time within its bounds" 0 "$(jq '[.processes[].syscalls.calls[]
		| select(.timed > 0 and ((.min_ns <= .p50_ns and .p50_ns <= .p99_ns and .p99_ns <= .max_ns and .max_ns <= .time_ns) | not))]
		| length' "$place/json")"
done
finish
