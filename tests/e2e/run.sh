#!/bin/bash
# SPDX-License-Identifier: MIT
# What `pagegap run` does around the program: it starts it as it would have been started, passes signals on, ends as it ends, and
# writes down what the program could not.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

# one_line SENTENCE STATUS PATTERN COMMAND…: the command ends with the status and says exactly one line, which matches
one_line() {
	local sentence=$1 expected=$2 pattern=$3 status
	shift 3
	"$@" >line.out 2>line.err </dev/null
	status=$?
	if ((status != expected)); then
		not_ok "$sentence" "status $status: $(cat line.err)"
	elif (($(wc -l <line.err) != 1)) || ! grep -qE -- "$pattern" line.err; then
		not_ok "$sentence" "$(cat line.err)"
	elif [[ -s line.out ]]; then
		not_ok "$sentence" "on standard output: $(cat line.out)"
	else
		ok "$sentence"
	fi
}

# Ends

for status in 0 1 3 125 255; do
	run_gap "exit$status" /bin/sh -c "echo out; echo err >&2; exit $status"
	check_eq "exit status $status is the program's" $status "$(cat exit$status.status)"
	check_eq "$status: its standard output is untouched" out "$(cat exit$status.out)"
	check_eq "$status: its standard error is untouched" err "$(cat exit$status.err)"
done
for signal in TERM KILL SEGV INT HUP; do
	number=$(kill -l $signal)
	# shellcheck disable=SC2016 # $$ is the observed shell's
	run_gap "sig$signal" /bin/bash -c 'ulimit -c 0; kill -$0 $$' $signal
	check_eq "death by SIG$signal is passed on" $((128 + number)) "$(cat sig$signal.status)"
	check_eq "death by SIG$signal is recorded" "signal $number" "$(json sig$signal '.processes[0].ended_by | "\(.kind) \(.code)"')"
	check_eq "SIG$signal: the time until then is known" true "$(json sig$signal '.processes[0].time | .wall_ns > 0 and .user_ns + .system_ns > 0')"
done
one_line 'a program that is nowhere: 127' 127 '^pagegap: no-such-program: not found on PATH$' "$PAGEGAP" run no-such-program
one_line 'a path that is not there: 127' 127 '^pagegap: \./nothing: No such file' "$PAGEGAP" run ./nothing
: >plain
one_line 'a file that is not executable: 126' 126 '^pagegap: \./plain: Permission denied$' "$PAGEGAP" run ./plain
printf '#!/no/such/interpreter\n' >script && chmod +x script
one_line 'a script without its interpreter: 127' 127 '^pagegap: \./script: No such file' "$PAGEGAP" run -o script.rec ./script
check 'and no recording is left behind' test ! -e script.rec
echo 'echo no interpreter line; exit 5' >script
run_gap shell ./script
check_eq 'a script without an interpreter line is run by a shell, as execvp does it' '5 no interpreter line' "$(cat shell.status shell.out | tr '\n' ' ' | sed 's/ $//')"

# Bad input

one_line 'no program' 125 'which program' "$PAGEGAP" run
one_line 'an unknown option' 125 "^pagegap: run --frob: no such option; see 'pagegap help run'" "$PAGEGAP" run --frob true
one_line 'an unknown short option' 125 '^pagegap: run -z: no such option' "$PAGEGAP" run -z true
one_line 'an option without its value' 125 '^pagegap: run --output: a value is missing; give --output=DIR' "$PAGEGAP" run --output
one_line 'an option with a value that it has not' 125 '^pagegap: run --exact=3: takes no value' "$PAGEGAP" run --exact=3 true
one_line 'an unknown format' 125 '--format=xml: not a format; give text, json, folded' "$PAGEGAP" run --format=xml true
one_line 'an unknown verb' 125 '^pagegap: frob: no such verb' "$PAGEGAP" frob
one_line 'no verb' 125 'pagegap --help' "$PAGEGAP"
mkdir there.rec
one_line 'a recording that is there already' 125 'there.rec: File exists; no place for the recording' "$PAGEGAP" run -o there.rec true
one_line 'a directory that cannot be' 125 'no/where/x: No such file or directory; no place' "$PAGEGAP" run -o no/where/x true
: >there.report && ln -s nowhere link.report
one_line 'a report that is there already' 125 'there.report: File exists; name a file that is not there yet' "$PAGEGAP" run --report=there.report true
one_line 'a report that is a link' 125 'link.report: File exists' "$PAGEGAP" run --report=link.report true
check 'a report to nowhere' "$PAGEGAP" run -o nowhere.rec --report=/dev/null true
one_line 'an option of the library that there is not' 0 '^pagegap: PAGEGAP_OPTIONS: frob=1: unknown; known are' \
	env LD_PRELOAD="$PAGEGAP_LIBRARY" PAGEGAP_OPTIONS=output=frob.rec,report=frob.report,frob=1 /bin/true
one_line 'a value that it cannot have' 0 '^pagegap: PAGEGAP_OPTIONS: cow=frob: without pagegap run it can be auto,' \
	env LD_PRELOAD="$PAGEGAP_LIBRARY" PAGEGAP_OPTIONS=cow=frob,output=cow.rec,report=cow.report /bin/true
env LD_PRELOAD="$PAGEGAP_LIBRARY" PAGEGAP_OPTIONS=output=first.rec,report=first.report bash -c '/bin/true; exec /bin/echo it executes' >first.out 2>first.err
check_eq 'without the command, who executes another program prints the report in the end' 'it executes;0;1;/bin/echo it executes' \
	"$(<first.out);$(wc -c <first.err);$(grep -c '^Where the pages are' first.report);$(sed 's/  .*//;q' first.report)"
one_line 'a library that is not there' 125 'PAGEGAP_LIBRARY must be the path' env PAGEGAP_LIBRARY=/nonexistent "$PAGEGAP" run true
check_eq 'options end at the program' '--exact' "$("$PAGEGAP" run -o options.rec --report=options.report echo --exact)"
check_eq 'or at --' '--exact' "$("$PAGEGAP" run -o dashes.rec --report=dashes.report -- echo --exact)"
check_eq 'the recording is its owner'\''s alone' '700 600' "$(stat -c %a exit0.rec) $(stat -c %a exit0.rec/*.capture | sort -u)"
check_eq 'so is the report' 600 "$(stat -c %a exit0.report)"
(umask 0777 && "$PAGEGAP" run -o umask.rec --report=umask.report true)
check_eq 'whatever the umask is' '700 600' "$(stat -c %a umask.rec) $(stat -c %a umask.rec/*.capture | sort -u)"

# Nothing of the runner's is seen by the program

same() {
	local sentence=$1 name
	name=$(mktemp -u same.XXXXXX)
	shift
	"$@" >bare.out 2>&1 </dev/null
	"$PAGEGAP" run -o "$name.rec" --report="$name.report" -- "$@" >gap.out 2>&1 </dev/null
	check "$sentence" diff bare.out gap.out
}
same 'signal mask and dispositions' grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
(trap '' HUP USR1 PIPE CHLD
same 'ignored and blocked ones too' env --block-signal=USR2,CHLD,RTMIN grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status)
# shellcheck disable=SC2016 # for the observed shell
same 'descriptors' /bin/bash -c 'for fd in /proc/self/fd/*; do case $fd in */255|*/3) ;; *) echo "$fd"; esac; done'
same 'environment' /bin/sh -c 'env | grep -v ^_='
# shellcheck disable=SC2016
same 'process group and session' /bin/bash -c 'read -r _ _ _ _ group session _ </proc/self/stat; echo "$group $session"'
same 'limits' cat /proc/self/limits
# shellcheck disable=SC2016
fds='for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo $fd; done >fds; exit 7'
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	eval "/bin/bash -c '$fds' $closed"
	mv fds bare.fds
	eval "\"$PAGEGAP\" run -o closed.rec -- /bin/bash -c '$fds' $closed" 2>/dev/null
	check_eq "with $closed the status is the program's" 7 $?
	rm -rf closed.rec
	check "and what is closed is closed for the program" diff bare.fds fds
done
"$PAGEGAP" run -o pipe.rec -- /bin/sh -c 'exit 4' 2> >(exec true)
check_eq 'a report without a reader does not change the status' 4 $?
(trap '' CHLD && "$PAGEGAP" run -o chld.rec --report=chld.report -- /bin/sh -c 'exit 6')
check_eq 'nor does an ignored SIGCHLD' 6 $?
mkdir 'a place' && cp "$PAGEGAP_LIBRARY" 'a place/libpagegap.so'
PAGEGAP_LIBRARY="$PWD/a place/libpagegap.so" run_gap blank /bin/sh -c '/bin/true; exit 3'
check_eq 'a library in a directory with a blank: status' 3 "$(cat blank.status)"
check_eq 'a library in a directory with a blank: nothing is said' '' "$(cat blank.err)"
check_eq 'a library in a directory with a blank: all is recorded' true "$(json blank '[.processes[].heap.allocations != null] | all')"

# Signals

cat >signals.sh <<'SHELL'
for name in HUP USR1 USR2 CONT WINCH ALRM; do trap "echo $name >>got" $name; done
trap 'echo TERM >>got; exit 9' TERM
echo $$ >ready
while :; do sleep 0.05; done
SHELL
rm -f got ready
"$PAGEGAP" run -o signals.rec --report=signals.report -- /bin/bash signals.sh </dev/null >/dev/null 2>signals.err &
runner=$!
until [[ -s ready ]]; do sleep 0.02; done
for name in HUP USR1 USR2 CONT WINCH ALRM; do
	kill -$name $runner
	until grep -qx $name got 2>/dev/null; do sleep 0.02; done
	ok "SIG$name is passed on"
done
kill -TERM $runner
wait $runner
check_eq 'SIGTERM is passed on, and the program decides' 9 $?
check_eq 'each came once' 'ALRM CONT HUP TERM USR1 USR2 WINCH' "$(sort got | tr '\n' ' ' | sed 's/ $//')"

# Programs that cannot be observed

cc=${CC:-cc}
echo 'int main(void) { return 5; }' >five.c
# unobserved NAME NOTE PROGRAM…: the note is said on standard error and stands in the report
unobserved() {
	local name=$1 note=$2
	shift 2
	run_gap "$name" "$@" # an option comes first
	check_eq "$name: the status is the program's" 5 "$(cat "$name.status")"
	check "$name: one line says why" grep -qF "$note" "$name.err"
	check_eq "$name: and only that" 1 "$(wc -l <"$name.err")"
	check "$name: the report says why" grep -qF "${note:0:40}" "$name.report"
	check_eq "$name: how it ended and how long it took is known" true "$(json "$name" '.processes[-1] | .ended_by == {"kind": "exit", "code": 5} and
		.time.wall_ns > 0 and .faults.minor > 0 and .heap.allocations == null')"
}
if $cc -static -o five five.c 2>/dev/null; then
	unobserved static 'a static executable cannot be preloaded' --trace=off ./five
	unobserved executed 'a static executable cannot be preloaded' /bin/sh -c 'exec ./five'
	echo 'extern char **environ; int puts(const char *); int main(void) { for (char **e = environ; *e; e++) puts(*e); }' >env.c
	$cc -static -o env env.c
	env -u _ ./env >bare.env
	env -u _ "$PAGEGAP" run -o env.rec --report=env.report -- ./env 2>/dev/null >gap.env
	check 'a static program does not see our variables either' diff bare.env gap.env
	run_gap child /bin/bash -c './five; exit 5'
	check "a static child is shown, with the reason" grep -q 'a static executable cannot be preloaded' child.report
	check_eq 'and with its status' '{"kind":"exit","code":5}' "$(json child '.processes | map(select(.heap.allocations == null))[0].ended_by | tojson')"
	if [[ $(id -u) == 0 ]]; then
		cp five setuid && chown 65534 setuid && chmod 4755 setuid
		unobserved setuid 'a set-uid or set-gid executable is not preloaded' --trace=off ./setuid
	else
		skip 'a set-uid program' 'it takes root to make one'
	fi
else
	skip 'a static program' "$cc cannot link statically"
fi
if ! $cc -m32 -o five32 five.c 2>/dev/null; then
	skip 'a 32-bit program' "$cc has no 32-bit libraries"
elif (./five32; (($? != 5))) 2>/dev/null; then
	skip 'a 32-bit program' 'this kernel runs none'
else
	unobserved other 'an executable of another architecture cannot be preloaded' ./five32
fi

# A user, colour

if [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; then
	mkdir users && chown 65534 users && chmod 755 .
	(cd users && setpriv --reuid=65534 --regid=65534 --clear-groups "$PAGEGAP" run -o u.rec --report=u.report -- /bin/sh -c '/bin/true; exit 2')
	check_eq 'an ordinary user can run it' 2 $?
	check_eq 'and all is recorded' true "$("$PAGEGAP" report --format=json users/u.rec | jq '[.processes[].heap.allocations != null] | all')"
else
	skip 'an ordinary user can run it' 'not root, so every test is that'
fi

# How many lines a terminal gets that hold an escape. Read to the end of the terminal, which script(1) does not.
colour() {
	env "$@" /usr/bin/python3 -c '
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while chunk := os.read(terminal, 65536):
        sys.stdout.buffer.write(chunk)
except OSError: # EIO: the last writer has closed it
    pass
os.waitpid(pid, 0)' "$PAGEGAP" report sigKILL.rec | grep -c $'\033'
}
check_eq 'a death is coloured on a terminal' 1 $(($(colour -u NO_COLOR TERM=xterm) > 0))
check_eq 'not with NO_COLOR' 0 "$(colour NO_COLOR=1 TERM=xterm)"
check_eq 'not on a dumb terminal' 0 "$(colour -u NO_COLOR TERM=dumb)"
check_eq 'not into a file' 0 "$(TERM=xterm "$PAGEGAP" report sigKILL.rec | grep -c $'\033')"
finish
