#!/bin/bash
# SPDX-License-Identifier: MIT
# What each side of a fork copied and what it re-used, as programs know it that take turns; as the user who runs this
# and as an ordinary one, with every fault sampled and by default. Where samples tell the order, the figures of the
# program's own mapping are exact; where they do not, they are off by no more than the report says.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

# Of all forks that are known, samples told the order.
ORDERED='[.processes[].cow | values | select(.unknown_forks < .forks_total) | .order] | all(. == "samples")'

# Figures of own mappings that are further from what a program said than their bound: nothing when all are within it.
# shellcheck disable=SC2016 # $report and the like are jq's
OUTSIDE='$report[0] as $report | $facts[] | select(.fact == "copied" or .fact == "reused") | . as $fact
	| $report.processes[] | select(.pid == $fact.pid) | .cow | select(.bound_pages != null)
	| .by_row.anon[$fact.fact + "_pages"] as $said | select($said != null)
	| select((($said - $fact.value) | fabs) > .bound_pages)
	| "pid \($fact.pid) \($fact.fact) \($fact.value), reported \($said) within \(.bound_pages)"'

within_bounds() {
	check_eq "cow_order $scenario as $user, $mode: nothing is further off than the report says" '' \
		"$(jq -rn --slurpfile report "$here/report.json" --slurpfile facts "$here/stdout" "$OUTSIDE" 2>&1)"
}

RUN_OPTIONS=(--faults=all)
record bash -c '(exit 0); exit 0'
if [[ $(of_report '[.processes[].cow | values | .method] | length > 0 and all(. == "write-protect")') != true ]]; then
	skip 'which side of a fork wrote first' 'no PAGEMAP_SCAN here (Linux 6.7), or no userfaultfd'
	finish
fi
if [[ $(of_report '.processes[0].faults.method') == counts ]]; then
	skip 'which side of a fork wrote first' "the kernel gives no samples of page faults: $(<"$here/stderr")"
	finish
fi
for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for scenario in $("$BUILD/tests/oracle/cow_order"); do
		mode=all
		RUN_OPTIONS=(--faults=all)
		judge cow_order "$scenario"
		check_eq "cow_order $scenario as $user: samples told the order" true "$(of_report "$ORDERED")"
		within_bounds
		mode=default
		RUN_OPTIONS=()
		record "$BUILD/tests/oracle/cow_order" "$scenario"
		within_bounds
	done
	scenario=child_first mode=count RUN_OPTIONS=(--faults=count)
	record "$BUILD/tests/oracle/cow_order" "$scenario"
	check_eq "cow_order $scenario as $user: without samples nobody knows the order" '["unknown",null]' \
		"$(of_report '[.processes[].cow | [.order, .reused_pages]] | unique | .[0] | tojson')"
	within_bounds
done
finish
