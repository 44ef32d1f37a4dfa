# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by tests/e2e/oracle_*.sh: runs oracle programs observed and compares what they expect with the JSON report.
#   record PROGRAM [ARG…]   leaves stdout, stderr, status, report.txt, report.json in the directory $here
#   judge PROGRAM [ARG…]    the same for an oracle program, whose every expectation becomes one check
#   of_report FILTER        what jq makes of the newest report
#   fact NAME               a number that the newest program printed
#   check_between SENTENCE LOW HIGH ACTUAL

# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
RUNS=0

# A program that is not there has no scenarios, and would pass.
for file in "$SRC"/tests/oracle/*.c; do
	program=$(basename "$file" .c)
	[[ -x $BUILD/tests/oracle/$program ]] || not_ok "the oracle program $program is built" "there is no $BUILD/tests/oracle/$program"
done

# Each run has a directory of its own. INPUT is its standard input; OBSERVED_PRELOAD is preloaded into the program too;
# RUN_OPTIONS are pagegap's, RUN_AS is a command that runs pagegap as another user.
RUN_OPTIONS=()
RUN_AS=()
record() {
	RUNS=$((RUNS + 1))
	here=$WORK/$RUNS
	mkdir "$here" || exit 1
	((${#RUN_AS[@]} == 0)) || chmod 777 "$here"
	(
		cd "$here" || exit 1
		[[ -z ${OBSERVED_PRELOAD:-} ]] || export LD_PRELOAD=$OBSERVED_PRELOAD
		exec "${RUN_AS[@]}" "$PAGEGAP" run "${RUN_OPTIONS[@]}" --output="$here/recording" --report="$here/report.txt" -- "$@"
	) <"${INPUT:-/dev/null}" >"$here/stdout" 2>"$here/stderr"
	echo $? >"$here/status"
	"$PAGEGAP" report --format=json "$here/recording" >"$here/report.json" 2>"$here/report.stderr" ||
		echo '{"processes":[]}' >"$here/report.json"
}

of_report() { jq -r "$1" "$here/report.json"; }
fact() { jq -r --arg name "$1" 'select(.fact == $name) | .value' "$here/stdout"; }

check_between() {
	if [[ $4 =~ ^-?[0-9]+$ ]] && (($4 >= $2 && $4 <= $3)); then
		ok "$1 ($4)"
	else
		not_ok "$1" "is $4, expected $2 … $3"
	fi
}

judge() {
	local name="$*" program=$1
	shift
	record "$BUILD/tests/oracle/$program" "$@"
	if [[ $(<"$here/status") != 0 ]]; then
		not_ok "$name runs" "status $(<"$here/status"); $(<"$here/stderr")"
		return
	fi
	if ! jq -rn --arg program "$name" --slurpfile report "$here/report.json" --slurpfile lines "$here/stdout" \
		-f "$SRC/tests/oracle/judge.jq" >"$here/verdicts" 2>"$here/jq.stderr" || [[ ! -s $here/verdicts ]]; then
		not_ok "$name can be judged" "$(cat "$here/jq.stderr" "$here/report.stderr")"
		return
	fi
	cat "$here/verdicts"
	HARNESS_FAILED=$((HARNESS_FAILED + $(grep -c '^not ok' "$here/verdicts")))
}
