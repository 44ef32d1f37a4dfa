#!/bin/bash
# SPDX-License-Identifier: MIT
# What a fork shared and what stayed shared, page by page, as programs know it by construction; as the user who runs
# this, and as an ordinary one. Each scenario is known to the child and to the parent.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

record bash -c '(exit 0); exit 0'
if [[ $(of_report '[.processes[].cow] | all(. == null)') == true ]]; then
	skip 'what a fork shared' 'this kernel has no PAGEMAP_SCAN (Linux 6.7)'
	finish
fi
if [[ $(of_report '[.processes[].cow | values | .method] | all(. == "write-protect")') != true ]]; then
	skip 'whose writes ended the sharing' 'userfaultfd is not to be had here'
	finish
fi
for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for program in cow cow_forks cow_kinds; do
		for scenario in $("$BUILD/tests/oracle/$program"); do
			judge "$program" "$scenario"
		done
	done
done

# How it went, look by look, and where: the child that wrote five times 60 pages of one mapping, and then 77 of another.
record "$BUILD/tests/oracle/cow" child_writes_step_by_step
child() { of_report ".processes[] | select(.pid == $(fact child)) | .cow | $1"; }
check_between 'a child is looked at several times' 3 64 "$(child '.series | length')"
check_eq 'what was copied only grows' true \
	"$(child '[.series[].copied_pages] | . == sort')"
# shellcheck disable=SC2016 # $last and $all are jq's
check_eq 'and reaches what is reported in the end, re-used pages among it' true \
	"$(child '.series[-1].copied_pages as $last
	| (.copied_pages + (.reused_pages // 0)) as $all | $last <= $all and $last >= $all - .bound_pages')"
check_eq 'each look accounts for all that was inherited' true "$(child '.series
	| map(.copied_pages + .unshared_pages + .still_shared_pages + .gone_pages == .inherited_pages) | all')"
check_eq 'a look is as early as the first steps' true "$(child '.series[0].copied_pages < .copied_pages - 77 - 60')"
check_eq 'the region that was written most comes first' '300 of 2000' \
	"$(child ".regions[0] | select(.start <= $(fact written) and .end > $(fact written))
		| \"\(.copied_pages) of \(.inherited_pages)\"")"
check_eq 'another one has the rest' 77 \
	"$(child "[.regions[] | select(.start <= $(fact written_less) and .end > $(fact written_less)) | .copied_pages] | first")"

record "$BUILD/tests/oracle/cow" child_writes_and_unmaps
check_eq 'a region that was unmapped is one all the same' true \
	"$(of_report '[.processes[].cow | values | .regions | values | .[]
		| select(.row == "anon" and .copied_pages == 200 and .inherited_pages == 300 and .gone_pages == 100)]
		| length == 1')"

# The largest and the newest of many forks are among those that are listed.
record "$BUILD/tests/oracle/cow_forks" many_children
for which in largest newest; do
	check_eq "the $which of many forks is listed" true \
		"$(of_report "[.processes[0].cow.forks[].child_pid] | any(. == $(fact "$which"))")"
done
check_eq 'no more than 128 of them are' 128 "$(of_report '.processes[0].cow.forks | length')"

# A child that executes another program at once was only there in passing: only when that took long, it was looked at.
RUN_AS=()
record bash -c '/bin/true; /bin/true'
check_eq 'of children that execute at once the beginning is known' 'true' \
	"$(of_report '[.processes[] | select(.born_by == "fork") | .cow.forks[0]
		| .side == "child" and .inherited_pages > 50 and (.copied_pages == null or .copied_pages < 100)] | length > 0 and all')"
finish
