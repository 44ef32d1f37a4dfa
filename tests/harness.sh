# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by test scripts: one line per check, a directory of its own, running a program bare and observed, reading
# reports.
#   ok SENTENCE / not_ok SENTENCE DETAIL / skip SENTENCE REASON / check_eq SENTENCE EXPECTED ACTUAL / finish
#   run_bare NAME PROGRAM [ARG…]    leaves NAME.out, NAME.err, NAME.status
#   run_gap NAME [--OPTION…] PROGRAM [ARG…]  the same under `pagegap run`; also the recording NAME.rec, the report NAME.report
#   json NAME FILTER                what jq makes of the JSON report of NAME.rec
#   ledger_balances SENTENCE NAME   one check: every ledger of the recording adds up to the kernel's figures

SRC=${SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD=${BUILD:-$SRC/build}
PAGEGAP=${PAGEGAP:-$BUILD/pagegap}
export PAGEGAP_LIBRARY=${PAGEGAP_LIBRARY:-$BUILD/libpagegap.so}
HARNESS_FAILED=0
WORK=$(mktemp -d) || exit 1
trap 'rm -rf -- "$WORK"' EXIT
cd "$WORK" || exit 1

ok() { printf 'ok - %s\n' "$1"; }
not_ok() {
	HARNESS_FAILED=$((HARNESS_FAILED + 1))
	printf 'not ok - %s: %s\n' "$1" "$(printf '%s' "${2:-}" | tr '\n' ';' | head -c 1000)"
}
skip() { printf 'skip - %s: %s\n' "$1" "$2"; }
finish() {
	((HARNESS_FAILED == 0))
	exit
}

check_eq() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" "expected '$2', found '$3'"
	fi
}

# check SENTENCE COMMAND…: ok when the command succeeds; its output is the detail when it does not
check() {
	local sentence=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$sentence"
	else
		not_ok "$sentence" "${output:-status $?}"
	fi
}

run_bare() {
	local name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null
	echo $? >"$name.status"
}

run_gap() {
	local name=$1
	local -a options=()
	shift
	while [[ $1 == --* ]]; do options+=("$1"); shift; done
	"$PAGEGAP" run "${options[@]}" -o "$name.rec" --report="$name.report" -- "$@" >"$name.out" 2>"$name.err" </dev/null
	echo $? >"$name.status"
}

json() {
	[[ -s $1.json ]] || "$PAGEGAP" report --format=json "$1.rec" >"$1.json" || return
	jq -r "$2" "$1.json"
}

# Every row sum that differs from what the kernel said, for every snapshot of a JSON report; nothing when all balance.
# shellcheck disable=SC2016 # $s and $p are jq's
HARNESS_UNBALANCED='.processes[] as $p | $p.snapshots[] as $s
	| ($s.rows | map(.mapped_bytes // 0) | add) as $mapped
	| ($s.rows | map(.resident_bytes // 0) | add) as $resident
	| select($mapped + $s.unexplained_mapped_bytes != $s.vm_size_bytes
		or $resident + $s.unexplained_resident_bytes != $s.rss_bytes)
	| "pid \($p.pid), \($s.why): mapped \($mapped) + \($s.unexplained_mapped_bytes) of \($s.vm_size_bytes), " +
		"resident \($resident) + \($s.unexplained_resident_bytes) of \($s.rss_bytes)"'

ledger_balances() {
	local snapshots faults
	snapshots=$(json "$2" '[.processes[].snapshots[]] | length')
	faults=$(json "$2" "$HARNESS_UNBALANCED")
	if [[ ! $snapshots =~ ^[1-9] ]]; then
		not_ok "$1" "no ledger in the recording: $(head -c 300 "$2.err")"
	elif [[ -n $faults ]]; then
		not_ok "$1" "$faults"
	else
		ok "$1 ($snapshots ledgers)"
	fi
}
