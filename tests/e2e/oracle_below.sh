#!/bin/bash
# SPDX-License-Identifier: MIT
# What stands below the line of the ledger is what programs know of it: page tables, forks, huge pages, locked memory,
# populated memory, mapped files, swap; as the user who runs this, and as an ordinary one.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

# Explicit huge pages for the time of this test, where the machine has none and they may be asked for.
POOL=/proc/sys/vm/nr_hugepages
if [[ -w $POOL && $(<"$POOL") == 0 ]]; then
	trap 'echo 0 >"$POOL"; rm -rf -- "$WORK"' EXIT
	echo 4 >"$POOL" 2>/dev/null
fi

# tells SENTENCE PATTERN: the text report, its lines joined, has the words
tells() { check "$1" grep -qE "$2" <<<"$(tr -s ' \n' ' ' <"$here/report.txt")"; }

for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for scenario in $("$BUILD/tests/oracle/below"); do
		record "$BUILD/tests/oracle/below" "$scenario"
		if [[ $(fact skipped) ]]; then
			skip "below $scenario as $user" "this machine has none, or this user may not"
			continue
		fi
		judge below "$scenario"
		case $scenario in
		forked_*)
			check_between "below $scenario as $user: the child has most of its parent's page tables" \
				$(($(fact parent_tables) / 2)) $(($(fact parent_tables) + 65536)) \
				"$(fact child_tables)" ;;
		explicit_huge)
			tells 'the text tells of explicit ones' 'explicit huge pages 6.00 MiB of 8.00 MiB mapped' ;;
		locked)
			tells 'the text tells of locked memory' 'locked 2.00 MiB, 2.00 MiB of that resident' ;;
		populated)
			tells 'the text tells of populated memory' '\(MAP_POPULATE\) [56].00 MiB in [23] calls' ;;
		mapped_file)
			check_eq 'the mapping has its resident, dirty and shared parts' '262144 262144 262144' \
				"$(of_report ".processes[] | select(.image == 0) | .mappings[]
					| select(.name != null and (.name | endswith(\"$(fact file)\")))
					| \"\(.mapped_bytes) \(.resident_bytes) \(.dirty_bytes)\"" | head -n 1)"
			check 'the text lists the file' grep -q "$(fact file) *rw-s" "$here/report.txt" ;;
		esac
	done
done
finish
