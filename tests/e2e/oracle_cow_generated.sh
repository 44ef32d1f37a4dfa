#!/bin/bash
# SPDX-License-Identifier: MIT
# Generated scenarios of copy-on-write and page faults that are known page by page: as the user who runs this and as
# an ordinary one, by the best means that there are and by each of the lesser ones. What the report says must be so,
# within the bound that it gives; what it cannot know must be null.
#   FIRST=N SEEDS=N   the seeds, from FIRST on (default 0, 40); a case is run again with FIRST=its seed SEEDS=1
#   TIERS="COW/FAULTS …"   every seed as both users by these values of --cow and --faults, instead of the usual choice
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"
FIRST=${FIRST:-0} SEEDS=${SEEDS:-40}
ZERO_PAGE=$("$BUILD/tests/oracle/zero_page")
declare -A covered=()

# try SEED USER COW FAULTS: one check
try() {
	local seed=$1 user=$2 cow=$3 faults=$4 sentence dimension wrong
	RUN_AS=() RUN_OPTIONS=(--cow="$cow" --faults="$faults")
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	record "$BUILD/tests/oracle/cow_generated" "$seed" "$ZERO_PAGE"
	sentence="seed $seed as $user, --cow=$cow --faults=$faults"
	if [[ $(<"$here/status") != 0 ]]; then
		not_ok "$sentence runs" "status $(<"$here/status"); $(<"$here/stderr")"
		return
	fi
	while IFS= read -r dimension; do
		[[ " ${covered[$dimension]:-}" == *" $seed" ]] || covered[$dimension]+=" $seed"
	done < <(jq -r 'select(has("seed")) | .family, .order, .extras[]' "$here/stdout")
	sentence+=": $(jq -r 'select(has("seed")) | [.family, .order] + .extras | join(", ")' "$here/stdout")"
	if ! wrong=$(jq -rn --arg how "$cow" --arg faults "$faults" --slurpfile report "$here/report.json" \
		--slurpfile truth "$here/stdout" -f "$SRC/tests/oracle/cow_generated.jq" 2>&1) || [[ -n $wrong ]]; then
		not_ok "$sentence" "$wrong"
	else
		ok "$sentence"
	fi
	rm -rf "$here"
}

users=(self)
((EUID)) || users+=(nobody)
RUN_OPTIONS=(--faults=all)
record bash -c '(exit 0); exit 0'
if [[ $(of_report '[.processes[].cow | values | .method] | any(. == "write-protect")') != true ]]; then
	skip 'generated scenarios' 'userfaultfd and PAGEMAP_SCAN are not to be had here (Linux 6.7)'
	finish
fi
if [[ $(of_report '.processes[0].faults.method') == counts ]]; then
	skip 'generated scenarios' 'the kernel gives no samples of page faults here'
	finish
fi
for ((seed = FIRST; seed < FIRST + SEEDS; seed++)); do
	for user in "${users[@]}"; do
		for tier in ${TIERS:-auto/all}; do
			try "$seed" "$user" "${tier%/*}" "${tier#*/}"
		done
	done
	[[ -z ${TIERS:-} ]] || continue
	user=${users[seed % ${#users[@]}]}
	case $((seed % 5)) in
	0) try "$seed" "$user" write-protect sample ;;
	1) try "$seed" "$user" scan count ;;
	2) try "$seed" "$user" pagemap off ;;
	3) try "$seed" "$user" smaps all ;;
	4) try "$seed" "$user" off all ;;
	esac
done
((SEEDS < 40)) || check_eq 'each family, each order and all else that may happen is in some seed' 20 "${#covered[@]}"
for dimension in "${!covered[@]}"; do
	echo "# $dimension: seeds${covered[$dimension]}"
done | sort
finish
