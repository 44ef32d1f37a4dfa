#!/bin/bash
# SPDX-License-Identifier: MIT
# A file of call sites that is damaged: the rest of the report is there, a line says what is left out, and nothing makes any output crash.
# Environment: ROUNDS (default 12) of random damage.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

"$PAGEGAP" run --stacks=all --report=/dev/null -o good.rec -- "$BUILD/tests/oracle/site_pages" 5 >/dev/null
"$PAGEGAP" run --stacks=sampled --sample-bytes=1K --report=/dev/null -o sampled.rec -- "$BUILD/tests/oracle/tagged" >/dev/null

# damaged NAME PYTHON: a copy whose files of sites, each as f, are changed
damaged() {
	rm -rf bad.rec && cp -r "$1.rec" bad.rec
	python3 -c 'import sys, random
for name in sys.argv[2:]:
	with open(name, "r+b") as f:
		exec(sys.argv[1])' "$2" bad.rec/*.sites
}

# left_out SENTENCE PATTERN PYTHON
left_out() {
	local status
	damaged good "$3"
	"$PAGEGAP" report --format=json bad.rec >bad.json 2>said
	status=$?
	check_eq "$1: a line says so, the rest is there" "0 1 1 null" "$status $(wc -l <said) $(grep -c -- "$2" said) $(jq -c '.processes[0].sites' bad.json)"
}
left_out 'another magic' 'not a table of call sites' 'f.write(b"x")'
left_out 'another version' 'of another version of pagegap' 'f.seek(8); f.write(b"\xff\xff")'
left_out 'another process' 'of another process' 'f.seek(16); f.write(b"\x01\0\0\0")'
left_out 'more sites than there is room for' 'more than there is room for' 'f.seek(28); f.write(b"\xff\xff\xff\x7f")'
left_out 'a file that was cut' 'not a table of call sites' 'f.truncate(9000)'
rm -rf bad.rec && cp -r good.rec bad.rec && rm bad.rec/*.sites && ln -s /etc/passwd "bad.rec/$(basename good.rec/*.sites)"
check_eq 'a link in its place is not followed' null "$("$PAGEGAP" report --format=json bad.rec 2>/dev/null | jq -c '.processes[0].sites')"

crashes='' odd=''
for ((round = 0; round < ${ROUNDS:-12}; round++)); do
	name=$([[ $((round % 3)) == 2 ]] && echo sampled || echo good)
	# Heads, names, modules, sites, samples, frames, moments: what is used of each lies at its beginning.
	damaged "$name" 'random.seed('$round')
size = f.seek(0, 2)
for i in range(1 << random.randrange(8)):
	f.seek(min(size - 9, random.choice([28, 64, 8192, 12288, 16384, 274432, 286720, 4489216, 6586368, size - 1049000]) + random.randrange(random.choice([16, 4000, 60000]))))
	f.write(random.choice([b"\xff" * 8, bytes([random.randrange(256)]), b"\0\0\0\x80", random.randbytes(8)]))'
	for how in text json folded flamegraph pprof massif callgrind; do
		timeout 120 "$PAGEGAP" report --format=$how bad.rec >bad.out 2>said </dev/null
		status=$?
		((status == 0 || status == 125)) || # 125: there are none to show; a sanitizer ends with 1
			 crashes+="round $round, $how: status $status; "
		[[ $how != json || $status != 0 ]] || jq -e . bad.out >/dev/null 2>&1 || odd+="round $round: no JSON; "
		[[ $how != text ]] || ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]' bad.out || odd+="round $round: control characters; "
	done
done
check_eq 'no damage makes any output crash' '' "$crashes"
check_eq 'JSON stays JSON, and the text has no control characters' '' "$odd"
finish
