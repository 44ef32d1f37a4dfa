#!/bin/bash
# SPDX-License-Identifier: MIT
# The call log against strace: the same lines in the same order, from inside the program and traced from outside; what is kept and what is lost add
# up to what was counted; a log never grows beyond its size; conditions keep what they say.
# shellcheck disable=SC2016 # what the observed shells expand
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
export LC_ALL=C TZ=UTC

# Without what differs from run to run: addresses, random bytes, sizes and dates of what is made anew.
normalised() {
	sed -E 's/^\[[0-9]+\] *//; /^\+\+\+|^---/d; s/0x[0-9a-f]{5,}/ADDRESS/g; s/getrandom\("[^)]*\)/getrandom(BYTES)/; s/ +/ /g
		s/(=|\(|pid=)[0-9]{3,7}\b(, *\{WIFEX|, *NULL|$)/\1PID\2/; s/NULL, [0-9]+, PROT/NULL, N, PROT/
		s/^(getpp?id\(\)) = .*/\1/; s/^kill\([0-9]+/kill(PID/; s/^sysinfo\(.*\)/sysinfo()/
		s/tv_n?sec=[0-9]+/TIME/g; s/ <unfinished \.\.\.>$//'
}
# What a program does once its libraries are there: behind the last thing that the loader does.
loaded() { awk 'on { print } /^munmap\(/ && !on { on = 1 }'; }

# same_lines SENTENCE LINES PROGRAM…: the first so many, of the first process
same_lines() {
	local sentence=$1 lines=$2 by
	shift 2
	strace -o strace.log "$@" >program.out 2>program.err </dev/null
	loaded <strace.log | normalised | head -n "$lines" >expected
	for by in inside outside; do
		rm -rf rec
		if [[ $by == inside ]]; then
			"$PAGEGAP" run --log --report=/dev/null -o rec -- "$@" >program.out 2>program.err </dev/null
			"$PAGEGAP" log --time=none rec 2>log.err | normalised | head -n "$lines" >found
		else
			"$PAGEGAP" run --log --trace --report=/dev/null -o rec -- "$@" >program.out 2>program.err </dev/null
			"$PAGEGAP" log --time=none rec 2>log.err | normalised >all.found
			loaded <all.found | head -n "$lines" >found
		fi
		check_eq "$sentence, from $by: $(wc -l <expected) lines" '' "$(diff expected found | head -n 6)"
	done
}

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	mkdir many && touch many/file{1..600} && ln -s file1 many/link && mkfifo many/fifo
	same_lines 'ls -l' 1000 ls -l many
	check 'that are a thousand' test "$(wc -l <expected)" -eq 1000
	seq 200000 >numbers
	same_lines 'sort' 1000 sort --parallel=1 numbers
	same_lines 'a shell' 1000 dash -c 'x=1; cd /tmp; umask 022; test -e /nothing || echo "$x"; kill -0 $$'
	mkdir tree && touch tree/{a..m}
	same_lines 'tar' 1000 tar cf out.tar tree
else
	skip 'the log says what strace says' 'strace is not installed, or may not trace'
fi

# Counted is kept, lost or skipped
"$PAGEGAP" run --log --log-size=2M --report=/dev/null -o ring.rec -- dd if=/dev/zero of=/dev/null bs=16 count=60000 status=none
check 'a full log has not grown' test "$(stat -c %s ring.rec/calls.log)" -le $((2 << 20))
counted=$("$PAGEGAP" report --format=json ring.rec | jq '[.processes[].syscalls.calls[].calls] | add')
"$PAGEGAP" log --format=json ring.rec 2>/dev/null >ring.json
check_eq 'what is kept and what is lost is what was counted' "$counted" \
	"$(head -n 1 ring.json | jq '.counts | .calls + .lost + .skipped')"
check 'the newest are kept' grep -q '"name":"exit_group"' <(tr -d ' ' <ring.json)
check 'it says what is lost' grep -q 'calls are lost' <("$PAGEGAP" log --first=1 ring.rec 2>&1)

# Times: what the kernel told the program lies within its call, give or take a microsecond. Both clocks are the same but for a constant, which the
# calls together leave no room for if they are wrong.
"$PAGEGAP" run --log=clock_gettime --log-size=16M --report=/dev/null -o clock.rec -- "$BUILD/tests/oracle/log_clock"
"$PAGEGAP" log --format=json clock.rec 2>/dev/null | jq -r 'select(.name == "clock_gettime" and .arguments[0] == "CLOCK_MONOTONIC")
	| (.arguments[1] | capture("tv_sec=(?<s>[0-9]+), tv_nsec=(?<n>[0-9]+)")) as $t
	| "\($t.s) \($t.n) \(.since_begin_ns) \(.duration_ns)"' >clock.calls
check_eq 'what the clock told lies within 1 us of its call, 20,000 times' '20000 yes' "$(awk '
	NR == 1 { first = $1 }
	{ told = ($1 - first) * 1e9 + $2; most = told - $3; least = most - $4 }
	NR == 1 || least > low { low = least }
	NR == 1 || most < high { high = most }
	END { print NR, low <= high + 1000 ? "yes" : "no: " low - high " ns" }' clock.calls)"

# What a kill leaves
("$PAGEGAP" run --log --report=/dev/null -o killed.rec -- bash -c 'for ((i = 0; i < 5000; i++)); do umask >/dev/null; done; cd /; kill -9 $$') 2>/dev/null
check 'a killed program has its last call in the log' grep -q 'kill([0-9]*, SIGKILL' <("$PAGEGAP" log --last=3 killed.rec 2>/dev/null)

# Conditions of recording
"$PAGEGAP" run --log='%path,failed' --report=/dev/null -o failed.rec -- ls /nothing >/dev/null 2>&1
check_eq 'of calls with a path those that failed' '' "$("$PAGEGAP" log --time=none failed.rec 2>/dev/null | grep -v '+++' | grep -v ' = -1 E')"
check 'and these are there' grep -q '"/nothing"' <("$PAGEGAP" log failed.rec 2>/dev/null)
"$PAGEGAP" run --log='path=/etc/host' --report=/dev/null -o path.rec -- cat /etc/hostname /etc/passwd >/dev/null
check_eq 'a path, and the descriptor that leads to it' 'close openat read' \
	"$("$PAGEGAP" log --time=none path.rec 2>/dev/null | sed -n 's/^\[[0-9]*\] *\([a-z0-9_]*\)(.*/\1/p' | grep -vE 'stat|fadvise' | sort -u | xargs)"
"$PAGEGAP" run --log='slower=50ms' --report=/dev/null -o slow.rec -- sleep 0.1
check_eq 'those that take long' 1 "$("$PAGEGAP" log slow.rec 2>/dev/null | grep -c nanosleep)"
check_eq 'and no others' '' "$("$PAGEGAP" log --time=none slow.rec 2>/dev/null | grep -vE 'nanosleep|\+\+\+|exit_group')"

# refused SENTENCE PATTERN OPTION…: one line, status 125, nothing is run and nothing left
refused() {
	local sentence=$1 pattern=$2
	shift 2
	"$PAGEGAP" run "$@" -o refused.rec -- touch ran 2>refused.said
	check_eq "$sentence" '125 1 1' "$? $(wc -l <refused.said) $(grep -c -- "$pattern" refused.said)"
	check "$sentence: nothing is left" test ! -e ran -a ! -e refused.rec
}
refused 'a call that there is not' "--log='frob'" --log=frob
refused 'a size that is none' '--log-size=x: give bytes' --log-size=x --log
refused 'a size that is too small' '--log-size=3: give bytes' --log-size=3 --log
refused 'the log without every call' '--log: needs every call' --log --syscalls=wrappers
(ulimit -f 100 && "$PAGEGAP" run --log -o refused.rec -- touch ran 2>refused.said)
check_eq 'no room for it: one line says so' '125 1' "$? $(grep -c 'no room for a log of .* give another size with --log-size' refused.said)"
check 'and nothing was run' test ! -e ran -a ! -e refused.rec

# Without the command
PAGEGAP_OPTIONS=output=$WORK/alone.rec,report=/dev/null,log=all,log-size=2M LD_PRELOAD=$BUILD/libpagegap.so cat /etc/hostname >/dev/null
check 'preloaded alone, a program keeps its log' grep -q 'openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = ' <("$PAGEGAP" log alone.rec 2>/dev/null)
check 'of the size that is asked for' test "$(stat -c %s alone.rec/calls.log)" -le $((2 << 20))
PAGEGAP_OPTIONS=output=$WORK/bad.rec,report=/dev/null,log=all,log-size=3 LD_PRELOAD=$BUILD/libpagegap.so cat /etc/hostname >out 2>said
check_eq 'a size that is none is complained of, and the program runs' "0 1 $(wc -l </etc/hostname)" \
	"$? $(grep -c 'PAGEGAP_OPTIONS: 3: no size for a log' said) $(wc -l <out)"
check 'and there is no log' test ! -e bad.rec/calls.log
finish
