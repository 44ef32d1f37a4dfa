#!/bin/bash
# SPDX-License-Identifier: MIT
# Other instruments beside pagegap: gdb that attaches to an observed program finds its frames, stops it and lets it go, and the program does
# what it does bare; a program under valgrind is not observed, and a line says so.
# shellcheck disable=SC2317 # found is called by check
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

# What catches every call is SIGSYS, at which gdb stops if it is not told otherwise.
quiet=(-iex 'set debuginfod enabled off' -iex 'handle SIGSYS nostop noprint pass')

# found FILE PATTERN: in the whole of it
found() { grep -zq -- "$2" "$1" || { cat "$1" && false; }; }

# attached NAME OPTION…
attached() {
	local name=$1 pid status
	shift
	"$PAGEGAP" run "$@" --report=/dev/null -o "$name.rec" -- "$BUILD/tests/oracle/debugged" >"$name.out" 2>"$name.err" &
	until pid=$(pgrep -P $! -x debugged) && [[ $(readlink "/proc/$pid/exe") == "$BUILD/tests/oracle/debugged" ]]; do
		kill -0 $! 2>/dev/null || break
	done
	gdb -nx -batch -p "$pid" "${quiet[@]}" -ex 'break sleeps' -ex continue -ex 'tbreak asks' -ex delete\ 1 -ex bt -ex continue -ex bt \
		-ex detach >"$name.gdb" 2>&1 </dev/null
	gdb -nx -batch -p "$pid" "${quiet[@]}" -ex bt -ex detach >"$name.sleeping" 2>&1 </dev/null
	wait $!
	status=$?
	check_eq "$name: the program ends as it does bare" '7 150 times' "$status $(cat "$name.out")"
	check_eq "$name: and nothing else is said" '' "$(cat "$name.err")"
	check "$name: both breakpoints are reached, with the frames above" found "$name.gdb" 'sleeps ().* main ().*asks ().* main ()'
	check "$name: a sleeper's frames lead through the caught call to main" found "$name.sleeping" 'nanosleep.* sleeps ().* main ()'
}

if command -v gdb pgrep >/dev/null && [[ $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0) == 0 || $EUID == 0 ]]; then
	attached wrappers
	attached all --syscalls=all
	attached log --log --log-size=4M
	attached stacks --stacks=all
else
	skip 'a debugger attaches' 'there is no gdb, or it may not'
fi

if command -v valgrind >/dev/null; then
	valgrind -q "$BUILD/tests/oracle/debugged" >bare.out 2>bare.err
	for way in '' --syscalls=all --log --trace; do
		"$PAGEGAP" run ${way:+"$way"} -o "valgrind$way.rec" --report="valgrind$way.report" -- valgrind -q "$BUILD/tests/oracle/debugged" >out 2>err
		status=$?
		check_eq "valgrind${way:+ with $way}: the program ends as it does without" "7 $(cat bare.out)" "$status $(cat out)"
		if [[ $way == --trace ]]; then
			check 'traced, its calls are known' grep -q clock_nanosleep <("$PAGEGAP" report --syscalls "valgrind$way.rec")
		else
			check "valgrind${way:+ with $way}: what is not known is said" \
				grep -qE '^note: a static executable cannot be preloaded: what it did is unknown' "valgrind$way.report"
		fi
	done
else
	skip 'a program under valgrind' 'valgrind is not installed'
fi
finish
