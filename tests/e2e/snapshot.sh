#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagegap snapshot`: a ledger of a process that sleeps, taken from outside.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

cat >sleeper.py <<'PYTHON'
import os, time
blocks = [bytearray(1000) for i in range(20000)]
open("ready", "w").write(str(os.getpid()))
while True:
    time.sleep(1000)
PYTHON
"$PAGEGAP" run -o sleeper.rec --report=sleeper.report -- /usr/bin/python3 sleeper.py 2>sleeper.err &
runner=$!
until [[ -s ready ]]; do sleep 0.02; done
pid=$(cat ready)
switches() { awk '/ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$pid/status"; }
until [[ $(awk '/^State/ { print $2 }' "/proc/$pid/status") == S ]]; do sleep 0.02; done

before=$(switches)
"$PAGEGAP" snapshot "$pid" >text 2>said
check_eq 'a sleeping process: status' 0 $?
check_eq 'it was not woken' "$before" "$(switches)"
check 'how long the answer took is said' grep -qE "^pagegap: $pid: answered in [0-9.]+ (us|ms|s)$" said
check 'the page is that of the request' grep -q 'Where the pages are, on request' text
"$PAGEGAP" report --format=json sleeper.rec >sleeper.json
check_eq 'the ledger is in the recording' 1 "$(jq "[.processes[] | select(.pid == $pid) | .snapshots[] | select(.why == \"request\")] | length" sleeper.json)"
ledger_balances 'it adds up' sleeper
check_eq 'nothing in it is unexplained' '0 0' "$(jq -r "[.processes[] | select(.pid == $pid) | .snapshots[] | select(.why == \"request\")][-1] |
	\"\(.unexplained_mapped_bytes) \(.unexplained_resident_bytes)\"" sleeper.json)"
check_eq 'it has the 20,000,000 bytes' true "$(jq "[.processes[] | select(.pid == $pid) | .snapshots[] | select(.why == \"request\")][-1].rows |
	map(select(.row == \"heap.live\"))[0].mapped_bytes > 20000000" sleeper.json)"
"$PAGEGAP" snapshot --format=json sleeper.rec >again.json 2>again.said
check_eq 'a recording: every process of it that runs answers' 2 "$(jq "[.processes[] | select(.pid == $pid) | .snapshots[] | select(.why == \"request\")] | length" again.json)"
for _ in 1 2 3 4 5; do "$PAGEGAP" snapshot "$pid" >/dev/null 2>&1; done
"$PAGEGAP" report --format=json sleeper.rec >many.json
check_eq 'the newest four requests are kept' 4 "$(jq "[.processes[] | select(.pid == $pid) | .snapshots[] | select(.why == \"request\")] | length" many.json)"
if [[ $(id -u) == 0 ]] && command -v setpriv >/dev/null; then
	check 'another user is told that it is not permitted' grep -qE '^pagegap: [0-9]+: not permitted' \
		<(setpriv --reuid=65534 --regid=65534 --clear-groups "$PAGEGAP" snapshot "$pid" 2>&1)
else
	skip 'another user is told that it is not permitted' 'it takes root to be another user'
fi
kill "$pid"
wait "$runner"
"$PAGEGAP" snapshot "$pid" >gone.out 2>gone.said
check_eq 'a process that is gone: status' 125 $?
check_eq 'a process that is gone: one line' "pagegap: $pid: no such process" "$(cat gone.said)"
"$PAGEGAP" snapshot sleeper.rec >gone.out 2>gone.said
check_eq 'a recording that has ended: status' 125 $?
check 'a recording that has ended: what to do' grep -q "none of its processes runs any more; 'pagegap report' prints it" gone.said
sleep 1000 &
bare=$!
"$PAGEGAP" snapshot $bare >bare.out 2>bare.said
check_eq 'a process that is not observed: status' 125 $?
check "a process that is not observed: what to do" grep -q "^pagegap: $bare: not observed: .* start it with 'pagegap run'" bare.said
kill $bare
finish
