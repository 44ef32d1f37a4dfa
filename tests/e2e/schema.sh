#!/bin/bash
# SPDX-License-Identifier: MIT
# Every JSON report is what report.schema.json says: of plain, threaded, forking, killed, running, static and nameless programs.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

cat >validate.py <<'PYTHON'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
faults = list(jsonschema.Draft7Validator(schema).iter_errors(json.load(sys.stdin)))
for fault in faults[:5]:
    print("/".join(map(str, fault.absolute_path)), fault.message[:200])
sys.exit(bool(faults))
PYTHON

if ! /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	skip 'JSON reports against the schema' 'python3-jsonschema is not installed'
	finish
fi

# valid SENTENCE RECORDING
valid() {
	local document faults
	if ! document=$("$PAGEGAP" report --format=json "$2" 2>&1); then
		not_ok "$1" "$document"
	elif faults=$(/usr/bin/python3 validate.py "$SRC/report/report.schema.json" <<<"$document" 2>&1); then
		ok "$1"
	else
		not_ok "$1" "$faults"
	fi
}

run_gap plain /bin/ls -l /
valid 'a plain program' plain.rec
run_gap sites --stacks=all "$BUILD/tests/oracle/call_sites" fork
valid 'call sites, a child'\''s as well' sites.rec
# shellcheck disable=SC2016 # $! is the observed shell's
run_gap tree /bin/bash -c 'for i in 1 2 3; do /bin/true & done; wait; sleep 100 & kill -9 $!; wait; (exit 7); echo x | cat'
valid 'a tree with pipes, execs and a killed child' tree.rec
# shellcheck disable=SC2016
run_gap killed /bin/bash -c 'kill -9 $$'
valid 'a killed program' killed.rec
run_gap names /bin/echo $'\xff\xfe' $'\x01\x1b' '"\x' 'é' ''
valid 'arguments of any bytes' names.rec
check_eq 'bytes that are not UTF-8 are written as \xNN' '\xff\xfe' "$(json names '.command[1]')"
check_eq 'control characters are themselves again' $'\x01\x1b' "$(json names '.command[2]')"
check_eq 'an empty argument is one' '' "$(json names '.command[5]')"
run_gap threads /usr/bin/python3 -c 'import threading
t = [threading.Thread(target=lambda: [str(i) for i in range(1000)]) for i in range(5)]
[x.start() for x in t]; [x.join() for x in t]'
valid 'a threaded program' threads.rec
if busybox=$(command -v busybox) && [[ $(head -c 4 "$busybox") == $'\x7fELF' ]]; then
	run_gap traced "$busybox" true
	valid 'a program that is traced from outside' traced.rec
	run_gap static --trace=off "$busybox" true
	valid 'a program that cannot be observed' static.rec
	check_eq 'what it did is unknown, not zero' null "$(json static '.processes[0].heap.allocations')"
else
	skip 'a program that cannot be observed' 'busybox is not installed'
fi
"$PAGEGAP" run -o running.rec --report=running.report -- sleep 1000 2>running.err &
runner=$!
until program=$(pgrep -P "$runner" -x sleep); do sleep 0.02; done
valid 'a program that runs' running.rec
check_eq 'it is running' running "$(json running '.processes[-1].ended_by.kind')"
"$PAGEGAP" snapshot --format=json "$program" >/dev/null 2>snapshot.err
valid 'a program that was asked for a ledger' running.rec
kill "$program"
wait "$runner"
valid 'the same, ended' running.rec
finish
