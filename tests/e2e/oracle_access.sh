#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that is killed by an access to memory is reported with its address, the kind of access and what lay there,
# as it said itself beforehand; what cannot be known is unknown, and an access that was handled is no death. As the
# user who runs this and as an ordinary one; done by the first process and by a child.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

# The finding, the address and the access of the process that said so; "none" where it is null.
REPORTED='.processes[] | select(.pid == '
told() { of_report "[$REPORTED$(fact pid))] | last | .invalid_access | if . == null then \"none\" else $1 end"; }

RUN_OPTIONS=(--faults=all)
record /bin/true
if [[ $(of_report '.processes[0].faults.method') == counts ]]; then
	skip 'which access killed a program' "the kernel gives no samples of page faults: $(<"$here/stderr")"
	finish
fi

# expect_access TITLE: three checks of the newest report
expect_access() {
	local finding address access
	finding=$(fact finding) address=$(fact address) access=$(fact access)
	check_eq "$1: what lay there" "$finding" "$(told .finding)"
	[[ -z $address ]] || check_eq "$1: the address" "$address" "$(told .address)"
	[[ $finding == none ]] || check_eq "$1: the kind of access" "$access" "$(told .access)"
	[[ -z $(fact file_bytes) ]] || check_eq "$1: the file's size" "$(fact file_bytes)" "$(told .file_bytes)"
}

# right_or_unknown TITLE: one check; where page faults are more than can be watched
right_or_unknown() { check "$1: right or unknown" grep -qxE "$(fact finding)|unknown" <<<"$(told .finding)"; }

# judge_access SCENARIO TITLE: the threads of one scenario may have overwritten what there was to see
judge_access() {
	if [[ $1 == among_threads ]]; then
		right_or_unknown "$2"
	else
		expect_access "$2"
	fi
}

for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for scenario in $("$BUILD/tests/oracle/access"); do
		record "$BUILD/tests/oracle/access" "$scenario"
		judge_access "$scenario" "access $scenario as $user"
		record "$BUILD/tests/oracle/access" child "$scenario"
		judge_access "$scenario" "access $scenario in a child as $user"
	done
done

# By default the samples have a budget: what is told must be right, and may be nothing where page faults are many.
RUN_AS=() RUN_OPTIONS=()
for scenario in $("$BUILD/tests/oracle/access"); do
	record "$BUILD/tests/oracle/access" "$scenario"
	case $scenario in
	after_many | thread_stack) right_or_unknown "access $scenario by default" ;;
	*) judge_access "$scenario" "access $scenario by default" ;;
	esac
done

record "$BUILD/tests/oracle/access" child null_write
check 'the list of processes says what killed a child' grep -q \
	'SIGSEGV .* killed by a write to 0x18, where nothing is mapped: a null pointer; by access+' \
	<<<"$(tr -s ' \n' ' ' <"$here/report.txt")"

RUN_OPTIONS=(--faults=count)
record "$BUILD/tests/oracle/access" null_write
check_eq 'without samples, it is unknown' unknown "$(told .finding)"
check 'and the text says so' grep -q 'which access killed it is not known' "$here/report.txt"
finish
