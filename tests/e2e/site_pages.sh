#!/bin/bash
# SPDX-License-Identifier: MIT
# What each call site's blocks keep: on generated layouts the pages and bytes of each site are what the program itself reckons; sums over sites are
# those of the ledger's rows; the report says who pins nearly empty pages, and what has grown between two marks.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
chmod 711 "$WORK"
as=()

# layout SEED WAY [ARGUMENT]: one check of each kind
layout() {
	local name=layout.$1.$2.${#as[@]} place process=0 marks='["half","whole"]'
	[[ $2 != fork ]] || { process=1 marks='["whole"]'; }
	place=$(mktemp -d -p "$WORK")
	((${#as[@]} == 0)) || chown 65534:65534 "$place"
	# Each function is one site.
	"${as[@]}" "$PAGEGAP" run --stacks=all --depth=1 --report=/dev/null -o "$place/rec" -- "$BUILD/tests/oracle/site_pages" "$1" "${@:3}" >"$name.expected"
	"$PAGEGAP" report --format=json "$place/rec" >"$name.json"
	jq -r --argjson process "$process" '.processes[$process].sites[] | select(.live_blocks > 0) | "\(.stack[0].function) \(.live_blocks) \(.live_requested_bytes) \(.resident_bytes) \(.pinned_pages) \(.sparse_pages)"' \
		"$name.json" | grep '^site_[0-5] ' | sort >"$name.found"
	check_eq "layout $1, $2${as[*]:+, as nobody}: blocks, bytes and pages of $(wc -l <"$name.expected") functions" "$(<"$name.expected")" "$(<"$name.found")"
	check_eq "layout $1, $2${as[*]:+, as nobody}: sums over sites are the ledger's and the heap's" 'true true true' "$(jq -r --argjson process "$process" --argjson marks "$marks" '.processes[$process] | .sites as $sites
		| [ ([.snapshots[-1].rows[] | select(.row == "heap.live" or .row == "heap.slack") | .resident_bytes] | add) == ([$sites[].resident_bytes] | add),
		    .heap.live_requested_bytes == ([$sites[].live_requested_bytes] | add),
		    ([$sites[].marks[].name] | unique) == $marks ] | map(tostring) | join(" ")' "$name.json")"
}

for ((seed = 1; seed <= 10; seed++)); do
	layout $seed plain
	layout $seed threads threads
	layout $seed fork fork
done
if ((EUID == 0)); then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for ((seed = 11; seed <= 13; seed++)); do
		layout $seed plain
		layout $seed fork fork
	done
	as=()
fi

# Who pins
"$PAGEGAP" run --stacks=all --report=pinned.report -o pinned.rec -- "$BUILD/tests/oracle/pinned"
pinned=$("$PAGEGAP" report --format=json pinned.rec | jq '.processes[0].sites[] | select(.stack[0].function == "intern_name")')
# A page's worth of blocks is 4 * 1008 + 64 = 4,096 bytes.
check_eq '4,000 blocks of 48 bytes, one to a page, keep all but the pages that two share' '4000 192000 true true' \
	"$(jq -r '"\(.live_blocks) \(.live_requested_bytes) \(.pinned_pages > 3900) \(.sparse_pages > 3900)"' <<<"$pinned")"
check 'the report says so in a sentence' grep -zqE '15\.[0-9]+ MiB resident are kept by[[:space:]]+4,000[[:space:]]+blocks[[:space:]]+of[[:space:]]+48[[:space:]]+bytes[[:space:]]+from[[:space:]]+intern_name' pinned.report
check_eq 'no line is longer than 80 columns' 0 "$(awk 'length > 80' pinned.report | wc -l)"

check_eq 'other tools are told of it, too' "$(jq .pinned_pages <<<"$pinned")" "$("$PAGEGAP" report --format=folded --sort=pinned pinned.rec | sed -n 's/.*;intern_name //p')"
check 'and the page is sorted by it' grep -qE '^ +[34],[0-9]{3} .* intern_name' <("$PAGEGAP" report --sort=pinned pinned.rec | sed -n '/^Call sites/,/^$/p' | sed -n 3p)

# Growth
"$PAGEGAP" run --stacks=all --depth=1 --report=grown.report -o grown.rec -- "$BUILD/tests/oracle/site_pages" 3 >/dev/null
check 'what has grown between two marks has a table of its own' grep -q 'from the mark half to whole' grown.report
expected=$("$PAGEGAP" report --format=json grown.rec | jq -r '[.processes[0].sites[]
	| {f: .stack[0].function, g: (([.marks[] | select(.name == "whole") | .held.live_requested_bytes] | add // 0) - ([.marks[] | select(.name == "half") | .held.live_requested_bytes] | add // 0))}]
	| max_by(.g) | .f')
check_eq 'the site that has grown most stands first' "$expected" "$(sed -n '/^Grown sites/,$p' grown.report | sed -n '3s/.*  \(site_[0-9]\).*/\1/p')"

# What is not known
("$PAGEGAP" run --stacks=all --report=/dev/null -o killed.rec -- bash -c 'kill -9 $$') 2>/dev/null
check_eq 'of a killed program without a ledger, pages are not known' 'true' \
	"$("$PAGEGAP" report --format=json killed.rec | jq '.processes[0] | (.snapshots | map(select(.why == "exit")) | length == 0) and (.sites | length > 0) and all(.sites[]; .resident_bytes == null and .pinned_pages == null)')"
finish
