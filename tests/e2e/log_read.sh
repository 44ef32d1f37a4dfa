#!/bin/bash
# SPDX-License-Identifier: MIT
# Logs whose calls are known beforehand (tests/oracle/log_made.c) come out as text, as JSON lines and as a trace, whole and in part.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

# shellcheck disable=SC2016 # $$ is the observed shell's
run_gap tree /bin/bash -c 'for i in 1 2; do /bin/true & done; wait; /bin/sh -c "kill -9 \$\$"; exit 3'
images=$(find tree.rec -name '*.capture' | wc -l)
read -r calls lost < <("$BUILD/tests/oracle/log_made" tree.rec 200)
log() { "$PAGEGAP" log "$@"; }
pid=$(json tree '.processes[0].pid')

# --- text ---

log tree.rec >text 2>said
check_eq 'a whole log is printed with status 0 and nothing on standard error' '0 0 0' "$? $lost $(wc -c <said)"
check_eq 'every call has a line' "$calls" "$(grep -cvE ' (\+\+\+|---) ' text)"
check_eq 'each line has a thread and a time of day' 0 "$(grep -cvE '^\[[0-9]+\] [0-2][0-9](:[0-5][0-9]){2}\.[0-9]{6} ' text)"
check 'lines are in order of time' sort -c -s -k2,2 text
check_eq 'every image opens the file' "$images" "$(grep -cE 'openat\(AT_FDCWD, "/etc/passwd", .* = 3$' text)"
check_eq 'failures have the name of their error' "$images" "$(grep -c ' = -1 ENOENT (No such file or directory)$' text)"
check_eq 'what comes from the program is escaped' 0 "$(LC_ALL=C grep -c $'[\x01-\x08\x0b-\x1f\x80-\xff]' text)"
check_eq 'calls that did not return say so' "$images" "$(grep -c 'futex(.* <unfinished \.\.\.>$' text)"
check_eq 'an exec that went well returned 0' 3 "$(grep -c 'execve(.*) = 0$' text)"
check_eq 'exits do not return' 3 "$(grep -c 'exit_group(.*) = ?$' text)"
check_eq 'the first line is the start' "[$pid]" "$(head -n 1 text | grep -F '+++ started: /bin/bash' | cut -d ' ' -f 1)"
check_eq 'the last is its end' "[$pid] +++ exited with 3 +++" "$(tail -n 1 text | cut -d ' ' -f 1,3-)"
check_eq 'forks, execs and ends are told' '3 3 2 1' "$(for what in 'forked by' 'executed ' 'exited with 0' 'killed by SIGKILL'; do
	grep -c -- "+++ $what" text; done | paste -sd ' ')"
# A process's lines: forked, then calls, the execve, what it executed, calls, the exit, its end.
child=$(awk '/\+\+\+ executed \/bin\/true/ { print $1; exit }' text)
check_eq 'beginnings and ends stand between the right calls' '+++ openat( read(3, openat( close(3) execve( +++ openat( read(3, openat( close(3) exit_group( +++' \
	"$(awk -v child="$child" '$1 == child { sub(/\(AT_FDCWD,|\("[^ ]*|\(0\)/, "(", $3); print $3 }' text | paste -sd ' ')"
check_eq 'signals stand between the calls' 1 "$(grep -c -- '--- SIGCHLD.* ---$' text)"

log --duration --time=none --pid="$pid" --filter=getppid tree.rec >durations.text
check_eq 'durations' 200 "$(grep -c 'getppid() = 1 <0\.000000>$' durations.text)"
check_eq 'of one process alone there are no ends of others' 1 "$(grep -c 'exited\|killed' durations.text)"
check_eq 'a thread can be chosen too' 1 "$(log --pid=$((pid + 1000000)) tree.rec | grep -c .)"
check 'relative times begin at 0' grep -qE '^\[[0-9]+\] 0\.000000 \+\+\+ started' <(log --time=relative tree.rec)
log --time=delta tree.rec >deltas
check_eq 'deltas add up to the whole' yes "$(paste -d ' ' <(awk '{ sum += $2 } END { print sum }' deltas) <(log --time=relative tree.rec | tail -n 1 | cut -d ' ' -f 2) |
	awk '{ print ($1 - $2 < 0.01 && $2 - $1 < 0.01 ? "yes" : $0) }')"
check_eq 'descriptors have their files' "$images $images" "$(log --descriptors tree.rec >descriptors
	echo "$(grep -c 'read(3</etc/passwd>, ' descriptors) $(grep -c ' = 3</etc/passwd>$' descriptors)")"

check_eq 'a filter keeps the lives' "$(grep -c '+++' text)" "$(log --filter=close tree.rec | grep -c '+++')"
calls_of() { log --format=json --filter="$1" tree.rec | jq -r 'select(.event == "call").name' | sort | uniq -c | awk '{ print $2 $1 }' | paste -sd ' '; }
check_eq 'by name' "close$images read$images" "$(calls_of close,read)"
check_eq 'by service and without' "close$images read$images" "$(calls_of '%file,!openat')"
check_eq 'by class' "execve3 openat$((2 * images))" "$(calls_of %path)"
check_eq 'failures' "openat$images" "$(calls_of failed)"
check_eq 'by path, and by that of a descriptor' "close$images openat$images read$images" "$(calls_of path=/etc)"
check_eq 'conditions must all hold' "read$images" "$(calls_of %file,!openat,!close,path=/etc)"
check_eq 'slow ones' 0 "$(log --format=json --filter=slower=1us tree.rec | jq 'select(.name == "getppid")' | grep -c .)"
check_eq '--first' "$(grep -vF '+++' text | head -n 7)" "$(log --first=7 tree.rec | grep -vF '+++')"
check_eq '--last' "$(tail -n 20 text)" "$(log --last="$(tail -n 20 text | grep -vc '+++')" tree.rec | tail -n 20)"
check_eq '--last of what a filter leaves' 3 "$(log --last=3 --filter=openat tree.rec | grep -vc '+++')"
log -o written tree.rec >nothing
check 'the same goes into a file' cmp text written
check_eq 'and not elsewhere' 0 "$(wc -c <nothing)"
(umask 0; log -o closed tree.rec)
check_eq 'that only its owner reads' 600 "$(stat -c %a closed)"

# --- JSON ---

log --format=json tree.rec >lines.json 2>said
check_eq 'JSON has as many lines, and one before them' "$(($(wc -l <text) + 1))" "$(wc -l <lines.json)"
check_eq 'the first says what it is and counts' "pagegap-log 1 $calls 0" "$(head -n 1 lines.json | jq -r '"\(.format) \(.version) \(.counts.calls) \(.counts.lost)"')"
check_eq 'calls have names, results and errors' "-2 ENOENT file" "$(jq -rs 'first(.[] | select(.error)) | "\(.result) \(.error) \(.category)"' lines.json)"
check_eq 'durations in nanoseconds' 100 "$(jq -rs '[.[] | select(.name == "getppid").duration_ns] | unique[]' lines.json)"
check_eq 'how long an exec took is not known' '0 null' "$(jq -rs '[.[] | select(.name == "execve") | "\(.result) \(.duration_ns)"] | unique[]' lines.json)"
check_eq 'what did not return is null' "$images" "$(jq -s '[.[] | select(.name == "futex" and .returned == false and .result == null and .duration_ns == null)] | length' lines.json)"

# --- a trace ---

log --format=chrome tree.rec >trace.json
check_eq 'each call that returned is a complete event, those that did not begin and end' "$calls $images" \
	"$(jq -r '.traceEvents | "\(map(select(.ph == "X" or .ph == "B")) | length) \(map(select(.ph == "E")) | length)"' trace.json)"
check_eq 'events are in order of time' true "$(jq '[.traceEvents[].ts | select(.)] | . == sort' trace.json)"
check_eq 'every process and thread has a name' true "$(jq '[.traceEvents[] | select(.ph != "M") | [.pid, .tid]] - [.traceEvents[] | select(.ph == "M" and .name == "thread_name") | [.pid, .tid]] == []' trace.json)"
check_eq 'processes are called what they executed' 2 "$(jq '[.traceEvents[] | select(.name == "process_name" and .args.name == "/bin/true")] | length' trace.json)"
check_eq 'arrows go from forks to children' 3 "$(jq '[.traceEvents[] | select(.ph == "s").id] as $s | [.traceEvents[] | select(.ph == "f").id] as $f |
	if ($s | sort) == ($f | sort) then $s | length else "\($s) \($f)" end' trace.json)"
check_eq 'series are counters' true "$(jq '[.traceEvents[] | select(.ph == "C").name] | unique == ["heap, live", "page faults", "resident"]' trace.json)"
check_eq 'calls of a thread are within each other or apart' 0 "$(jq '[.traceEvents[] | select(.ph == "X")] | group_by(.tid) | map(
	. as $e | [range(1; length) | select($e[.].ts < $e[. - 1].ts + $e[. - 1].dur and $e[.].ts + $e[.].dur > $e[. - 1].ts + $e[. - 1].dur + 0.001)] | length) | add' trace.json)"

cat >validate.py <<'PYTHON'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
documents = [json.loads(line) for line in sys.stdin] if len(sys.argv) > 2 else [json.load(sys.stdin)]
faults = [fault for document in documents for fault in validator.iter_errors(document)]
for fault in faults[:5]:
    print("/".join(map(str, fault.absolute_path)), fault.message[:200])
sys.exit(bool(faults) or not documents)
PYTHON
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	check 'JSON lines are what their schema says' /usr/bin/python3 validate.py "$SRC/report/log.schema.json" lines <lines.json
	check 'the trace is what the format says' /usr/bin/python3 validate.py "$SRC/tests/e2e/chrome_trace.schema.json" <trace.json
else
	skip 'documents against their schemas' 'python3-jsonschema is not installed'
fi

# --- a ring that was too small ---

whole=$calls
cp -r tree.rec ring.rec && rm ring.rec/calls.log
read -r calls lost < <("$BUILD/tests/oracle/log_made" ring.rec 20000 40)
log ring.rec >ring 2>said
check_eq 'calls that the ring lost are counted' "0 $((calls - lost)) 1" "$? $(grep -cvE ' (\+\+\+|---) ' ring) $(grep -c "the log: $(printf "%'d" "$lost" | sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta') calls are lost" said)"
check_eq 'and in JSON' "$lost" "$(log --format=json ring.rec 2>&1 | head -n 1 | jq .counts.lost)"

# --- what is wrong ---

# refused SENTENCE PATTERN ARGUMENT…: one line, status 125
refused() {
	local sentence=$1 pattern=$2 status
	shift 2
	log "$@" >refused.out 2>refused.said
	status=$?
	check_eq "$sentence" '125 1 1 0' "$status $(wc -l <refused.said) $(grep -c -- "$pattern" refused.said) $(wc -c <refused.out)"
}
refused 'a bad filter' "'opnat': neither a call nor a condition; give names" --filter=read,opnat tree.rec
refused 'a bad time in it' "'slower=10': not a time" --filter=slower=10 tree.rec
refused 'a bad format' '--format=xml: not a format' --format=xml tree.rec
refused 'a bad time' '--time=utc: give absolute' --time=utc tree.rec
refused 'a bad number' '--first=0: not a number of calls' --first=0 tree.rec
refused 'both ends' 'give one of the two' --first=1 --last=1 tree.rec
refused 'two recordings' 'one recording at a time' tree.rec ring.rec
refused 'a process that is not there' 'no process or thread 3 in it' --pid=3 tree.rec
refused 'a file that is there' 'name a file that is not there yet' -o written tree.rec
run_gap without /bin/true
refused 'a recording without a log' 'there is no call log in this recording' without.rec
cp -r without.rec none.rec && echo garbage >none.rec/calls.log
refused 'a log that is none' 'too short for a call log' none.rec
head -c 8192 /dev/urandom >none.rec/calls.log
refused 'noise' 'not a call log of pagegap' none.rec
ln -sf "$PWD/tree.rec/calls.log" none.rec/calls.log
refused 'a link' 'a symbolic link' none.rec
log tree.rec >/dev/full 2>said
check_eq 'a full disk is told' '125 1' "$? $(grep -c 'could not be written' said)"

cp -r tree.rec bad.rec
printf '\xff\xff\xff\xff' | dd of=bad.rec/calls.log bs=1 seek=$((4096 + 24)) conv=notrunc status=none # `used` of the first chunk
log bad.rec >bad 2>said
check_eq 'damage is told, and the rest shown' '1 1' "$? $(grep -c '1 piece of it is damaged' said)"
check_eq 'only the damaged piece is missing' "$((whole - 200))" "$(grep -cvE ' (\+\+\+|---) ' bad)"
rm bad.rec/*.capture
log bad.rec >bad 2>said
check_eq 'calls are shown without captures, too' '1 0' "$? $(grep -c '+++' bad)"
check 'they are there' grep -q openat bad

RANDOM=1
crashes=0
bytes=$(stat -c %s tree.rec/calls.log)
mkdir noise.rec && cp tree.rec/*.capture noise.rec
for ((i = 0; i < 30; i++)); do
	cp tree.rec/calls.log noise.rec/calls.log
	for ((j = 0; j < 40; j++)); do
		printf '%b' "\\x$(printf %02x $((RANDOM % 256)))" | dd of=noise.rec/calls.log bs=1 seek=$(((RANDOM << 15 | RANDOM) % (j % 2 ? bytes : 9000))) conv=notrunc status=none
	done
	for format in text json chrome; do
		log --format=$format noise.rec >/dev/null 2>&1
		(($? > 127)) && crashes=$((crashes + 1))
	done
done
check_eq 'no damage makes it crash' 0 "$crashes"
finish
