#!/bin/bash
# SPDX-License-Identifier: MIT
# Page faults are placed where a program knows that it took them, their parts add up to the kernel's own count, and the
# count of the first process is what wait4 told its parent; as the user who runs this, and as an ordinary one.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

# The exact sum, of every image whose every fault was sampled.
ADDS_UP='[.processes[].faults | select(.method != "counts" and .in_kernel != null)
	| .attributed + .in_kernel + .lost == .minor + .major] | length > 0 and all'

# So does the split by kinds.
KINDS_ADD_UP='[.processes[].faults | select(.by_kind != null) | (.by_kind | add) == .attributed - .before_exec] | length > 0 and all'

RUN_OPTIONS=(--faults=all)
record /bin/true
if [[ $(of_report '.processes[0].faults.method') == counts ]]; then
	skip 'page faults by whose memory they were in' "the kernel gives no samples of them: $(<"$here/stderr")"
	finish
fi
for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for scenario in $("$BUILD/tests/oracle/faults"); do
		judge faults "$scenario"
		check_eq "faults $scenario as $user: attributed, in the kernel and lost are the kernel's count" \
			true "$(of_report "$ADDS_UP")"
		check_eq "faults $scenario as $user: the kinds add up to what was sampled" true "$(of_report "$KINDS_ADD_UP")"
		case $scenario in
		huge_pages) (($(fact huge_faults) == 8)) || skip "huge pages as $user" "transparent huge pages do not come here" ;;
		cold_file) (($(fact cold_pages))) || skip "a cold file as $user" "this file system keeps its pages in memory" ;;
		esac
	done
done

# By default a program that does little else than fault is sampled for a part of them, and says so, unless a sample costs
# next to nothing here.
RUN_AS=() RUN_OPTIONS=()
record "$BUILD/tests/oracle/times" kernel
check_eq "a program that only faults has its method named" true "$(of_report '.processes[0].faults
	| (.method == "samples" and .in_kernel == null and .attributed < .minor) or (.method == "all" and .in_kernel != null)')"
RUN_OPTIONS=(--faults=count)
record "$BUILD/tests/oracle/faults" first_touch
check_eq "faults that are only counted are counted" true \
	"$(of_report '.processes[0].faults | .method == "counts" and .minor > 3000 and .by_row == null and .by_kind == null and .churn == null')"
finish
