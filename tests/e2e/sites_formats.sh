#!/bin/bash
# SPDX-License-Identifier: MIT
# Call sites for other tools, each output read by the reader that it is for, against counts that are known by construction; names that would
# break a format.
# shellcheck disable=SC2016 # awk's
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
SITES=$BUILD/tests/oracle/call_sites

# as FORMAT NAME [OPTION…]: into NAME.FORMAT
as() { "$PAGEGAP" report --format="$1" "${@:3}" "$2.rec" >"$2.$1"; }

run_gap plain --stacks=all "$SITES" plain
run_gap fork --stacks=all "$SITES" fork
run_gap none "$SITES" plain

# A program of any name, with functions of any name.
cat >odd.cc <<'CC'
#include <cstdlib>
struct Thing { int a; };
static void *kept[32];
template <class T> __attribute__((noinline)) void *operator<(T &&thing, Thing &) { return kept[thing.a] = malloc(1000); }
int main() { Thing t = { 1 }, u = { 2 }; for (int i = 0; i < 3; i++) { t.a = i; kept[8 + i] = t < u; } }
CC
odd='o<d&"d;]]> 1'
"${CXX:-c++}" -g -O1 -fno-builtin -o "$odd" odd.cc
run_gap odd --stacks=all "./$odd"
run_gap many --stacks=all "$SITES" many

# --- folded ---

# value_of FILE FRAMES: the sum over stacks that match
value_of() { awk -v frames="$2" '{ value = $NF; sub(/ [0-9]+$/, ""); if ($0 ~ frames) sum += value } END { print sum + 0 }' "$1"; }
as folded plain
check_eq 'folded: live bytes by default' '40000 30000 490' \
	"$(value_of plain.folded ';keep_1000_of_40$') $(value_of plain.folded ';half_of_600_of_100$') $(value_of plain.folded ';calls_inlined;inlined_70_of_7$')"
check_eq '… of a process, its functions from the outermost on' 1 "$(grep -cE '^call_sites \([0-9]+\);(.*;)?main;plain;keep_1000_of_40 40000$' plain.folded)"
check_eq '… a recursion as deep as it is' 21 "$(grep 'recursive_20_deep' plain.folded | grep -o recursive_20_deep | wc -l)"
check_eq '… whose sum is the heap'\''s' "$(json plain '.processes[0].heap.live_requested_bytes')" "$(value_of plain.folded .)"
check_eq '… each stack once' '' "$(sed 's/ [0-9]*$//' plain.folded | sort | uniq -d)"
as folded plain --sort=allocations
check_eq '--sort=allocations' "1000 5000 $(json plain '.processes[0].heap.allocations')" \
	"$(value_of plain.folded ';keep_1000_of_40$') $(value_of plain.folded ';temporary_5000_of_64$') $(value_of plain.folded .)"
as folded plain --sort=requested
check_eq '--sort=requested' "320000 $(json plain '.processes[0].heap.requested_bytes')" "$(value_of plain.folded ';temporary_5000_of_64$') $(value_of plain.folded .)"
as folded plain --fold=file
check_eq '--fold=file: the functions of a file are one' "$(json plain '.processes[0].heap.live_requested_bytes')" "$(value_of plain.folded '/call_sites[.]c$')"
as folded fork --sort=requested
check_eq 'processes are roots' '40000 60000 2' "$(value_of fork.folded keep_1000) $(value_of fork.folded half_of_600) $(cut -d ';' -f 1 fork.folded | sort -u | wc -l)"
as folded fork --sort=requested "--process=$(json fork '.processes[1].pid')"
check_eq '… or one of them alone' '0 60000' "$(value_of fork.folded keep_1000) $(value_of fork.folded half_of_600)"
as folded odd
check_eq 'odd names stay within their frame and line' '1 3000' "$(grep -cE '^[^;]*;(.*;)?main;[^;]*operator< <Thing&>[^;]* 3000$' odd.folded) $(value_of odd.folded 'operator<')"
check_eq '… the process'\''s too' 'o<d&"d:]]> 1' "$(sed 's/ ([0-9]*);.*//' odd.folded | sort -u)"
"$PAGEGAP" report --format=folded none.rec >none.folded 2>none.err
check_eq 'without stacks it says what is missing' '125 1 0' "$? $(grep -c -e '--stacks=all' none.err) $(wc -l <none.folded)"

# --- flame graph ---

cat >flame.py <<'PYTHON'
import re, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
name = "{http://www.w3.org/2000/svg}"
boxes = []
for g in root.findall(name + "g"):
    title, rect = g.find(name + "title").text, g.find(name + "rect")
    boxes.append((title, float(rect.get("x")), float(rect.get("y")), float(rect.get("width"))))
for wanted in sys.argv[2:]:
    print(";".join("%s %.0f" % (re.search(r"live: (.*?),", t).group(1), w) for t, x, y, w in boxes if t.split("\n")[0] == wanted))
# Boxes of a row do not overlap, and each stands on one that is at least as wide.
rows = {}
for t, x, y, w in boxes:
    rows.setdefault(y, []).append((x, w))
for y, row in rows.items():
    row.sort()
    assert all(a[0] + a[1] <= b[0] + 0.02 for a, b in zip(row, row[1:])), "overlap"
    below = rows.get(y + 16)
    assert below is None and y == max(rows) or all(any(p <= x + 0.02 and x + w <= p + q + 0.02 for p, q in below) for x, w in row), "in the air"
PYTHON
as flamegraph plain
check_eq 'flame graph: boxes as wide as their share, and their figures' "39.1 KiB 586|78.6 KiB 1180|490 B 7" \
	"$(python3 flame.py plain.flamegraph keep_1000_of_40 main inlined_70_of_7 2>&1 | paste -sd '|')"
as flamegraph odd
check_eq 'odd names in a flame graph' '2.93 KiB 1180' "$(python3 flame.py odd.flamegraph 'operator< <Thing&>(Thing&, Thing&)' 2>&1)"
as flamegraph many
check 'a flame graph of thousands of sites' python3 flame.py many.flamegraph
check_eq 'it needs nothing from elsewhere' 0 "$(cat ./*.flamegraph | sed 's/xmlns="[^"]*"//' | grep -ciE 'https?:|<script|<image|href|url\(|@import|<!DOCTYPE|<style')"

# --- pprof ---

as pprof plain
as pprof fork
as pprof odd
check 'pprof: gzip' gzip -t plain.pprof
if command -v go >/dev/null; then
	export PPROF_BINARY_PATH=$WORK HOME=$WORK
	# Its own reader: flat and cumulative figures of functions, in a unit without rounding.
	top() { go tool pprof -top -nodecount=1000 -nodefraction=0 -unit=B -sample_index="$2" "$1.pprof" 2>/dev/null; }
	figures() { top "$1" "$2" | awk -v name="$3" '{ text = $0; sub(/ \(inline\)$/, "", text) } substr(text, length(text) - length(name)) == " " name { print $1, $4 }'; }
	check_eq '… pprof reads the live bytes' '40000B 40000B|30000B 30000B|0 80490B|0 490B' \
		"$(for name in keep_1000_of_40 half_of_600_of_100 main calls_inlined; do figures plain live "$name"; done | paste -sd '|')"
	check_eq '… the calls' '5000B 5000B|0 6679B' "$(figures plain allocations temporary_5000_of_64)|$(figures plain allocations main)"
	check_eq '… and all that was asked for' "320000B 320000B|$(json plain '.processes[0].heap.requested_bytes')B" \
		"$(figures plain requested temporary_5000_of_64)|$(top plain requested | sed -n 's/.*Total samples = \([^ ]*\).*/\1/p')"
	check_eq '… a recursion counts once' '2000B 2000B' "$(figures plain live recursive_20_deep)"
	check_eq '… a child'\''s own calls beside its parent'\''s' '60000B 60000B|40000B 40000B' "$(figures fork requested half_of_600_of_100)|$(figures fork requested keep_1000_of_40)"
	check_eq '… odd names' '3000B 3000B' "$(figures odd live 'operator< <Thing&>')"
	go tool pprof -raw plain.pprof >raw 2>/dev/null
	check_eq '… whose mappings have their build IDs' "$(readelf -n "$SITES" | sed -n 's/.*Build ID: //p') [FN][FL][LN][IN]" \
		"$(awk '/^Mappings/ { on = 1 } on && /call_sites/ { print $(NF - 1), $NF }' raw)"
	check_eq '… an inlined function and its line are of one location' "call_sites.c:$(awk '/^static.*[*]inlined_70_of_7[(]/ { on = 1 } on && /malloc/ { print NR; exit }' "$SRC/tests/oracle/call_sites.c")|calls_inlined" \
		"$(awk '/ inlined_70_of_7 / { sub(".*/", "", $5); printf "%s|", $5; getline; print $1 }' raw)"
	check_eq '… --sort chooses what is shown' requested "$("$PAGEGAP" report --format=pprof --sort=requested plain.rec >requested.pprof; go tool pprof -top requested.pprof 2>/dev/null | sed -n 's/^Type: //p')"
else
	skip 'pprof reads it' 'golang-go is not installed'
fi

# --- massif ---

# A process that grows while it is sampled.
cat >grow.py <<'PYTHON'
import time
kept = []
for i in range(60):
    kept.append(bytearray(100000))
    time.sleep(0.005)
PYTHON
run_gap grow --stacks=all python3 grow.py
for name in plain fork odd many grow; do
	as massif "$name"
	ms_print "$name.massif" >"$name.printed" 2>"$name.ms_err"
	check_eq "massif: ms_print reads $name" '0 ' "$? $(grep -v '^Deep recursion' "$name.ms_err" | head -c 200)"
done
live=$(json plain '.processes[0].heap | "\(.live_requested_bytes) \(.live_usable_bytes - .live_requested_bytes)"')
check_eq '… the last snapshot is the heap at the end' "$live" "$(awk '/^ *[0-9]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +[0-9,]+ +0$/ { gsub(",", ""); last = $4 " " $5 } END { print last }' plain.printed)"
line=$(grep -n 'malloc(40)' "$SRC/tests/oracle/call_sites.c" | cut -d: -f1)
check_eq '… with a tree from the function that asked outwards' "40,000B keep_1000_of_40 (call_sites.c:$line) plain" "$(awk -v name=keep_1000_of_40 '$4 == name {
	sub(/^[(]/, "", $2); sub(/[)]$/, "", $2); printf "%s %s %s ", $2, $4, $5; getline; print $5 }' plain.printed)"
check_eq '… in which each node is what its children are together' '' "$(awk '/^ *n[0-9]+: / { depth = match($0, /n/); split($1, n, /[n:]/); value[depth] = $2
	if (depth > 1) { sum[depth - 1] += $2; left[depth - 1]-- } sum[depth] = 0; left[depth] = children = n[2]; whole[depth] = children
	for (d = depth; d > 1 && left[d] == 0; d--) if (whole[d] && sum[d] > value[d]) print "more below " value[d]
	if (depth > 1 && left[depth - 1] < 0) print "too many children" } END { if (left[1] != 0 || sum[1] != value[1]) print "the root: " sum[1] " of " value[1] }' plain.massif)"
check '… of thousands of sites only those that matter' test "$(wc -l <many.massif)" -lt 20000
check '… and a process that grows does so by samples' awk '/^mem_heap_B=/ { sub(".*=", ""); if (n++ && $0 < before) down++; before = $0; if ($0 > most) most = $0 }
	END { exit !(n >= 5 && most >= 6000000 && down <= n / 4) }' grow.massif
check_eq '… names that are odd' 1 "$(grep -cE '^->.*\(3,000B\) 0x[0-9A-F]+: operator< <Thing&>\(Thing&, Thing&\) \(odd.cc:4\)$' odd.printed)"
check_eq '… of one process' '30,000' "$("$PAGEGAP" report --format=massif "--process=$(json fork '.processes[1].pid')" fork.rec >child.massif; ms_print child.massif | sed -n 's/.* (\(30,000\)B) 0x.*half_of_600.*/\1/p')"

# --- callgrind ---

# annotated NAME OPTION…: "live requested allocations function" of each line
annotated() {
	as callgrind "$1" "${@:3}"
	callgrind_annotate --threshold=100 --auto=no --show=live,requested,allocations --inclusive="$2" "$1.callgrind" 2>>callgrind.err |
		sed -nE 's/ *\([ 0-9.]+%\)//g; s/,//g; s/^ *([0-9]+) +([0-9]+) +([0-9]+) +(PROGRAM TOTALS|.*:[^/ ]+.*)$/\1 \2 \3 \4/p'
}
annotated plain no >self
annotated plain yes >inclusive
of() { sed -nE "s/^([0-9 ]+) [^ ]*:$2 .*/\1/p" "$1"; }
check_eq 'callgrind: callgrind_annotate reads own costs' '40000 40000 1000|30000 60000 600|0 320000 5000|490 490 70|' \
	"$(for name in keep_1000_of_40 half_of_600_of_100 temporary_5000_of_64 inlined_70_of_7 main; do of self $name; done | paste -sd '|')|"
all=$(json plain '.processes[0].heap | "\(.live_requested_bytes) \(.requested_bytes) \(.allocations)"')
check_eq '… the whole is the heap' "$all" "$(sed -n 's/ PROGRAM TOTALS//p' self)"
check_eq '… and with what was called: main has all' "$all|$all" "$(of inclusive main)|$(of inclusive plain)"
check_eq '… a recursion counts once' '2000 2000 1' "$(of inclusive recursive_20_deep)"
cat >mutual.c <<-'C'
	#include <stdlib.h>
	void even_a(int depth);
	void *volatile kept;
	__attribute__((noinline)) void leaf_c(void) { kept = malloc(1000); kept = kept; }
	__attribute__((noinline)) void odd_b(int depth) { even_a(depth - 1); kept = kept; }
	__attribute__((noinline)) void even_a(int depth) { if (depth > 1) odd_b(depth - 1); else leaf_c(); kept = kept; }
	int main(void) { for (int i = 0; i < 3; i++) even_a(3); return 0; }
C
"${CC:-cc}" -g -O1 -fno-builtin -o mutual mutual.c
run_gap mutual --stacks=all ./mutual
annotated mutual yes >mutual.inclusive
check_eq '… nor do two that call each other count twice' '3000 3000 3|3000 3000 3|3000 3000 3|3000 3000 3' \
	"$(for name in main even_a odd_b leaf_c; do of mutual.inclusive $name; done | paste -sd '|')"
check_eq '… an inlined function is called' '490 490 70' "$(of inclusive calls_inlined)"
check_eq '… files and libraries are named' "$SRC/tests/oracle/call_sites.c|[$(readlink -f "$SITES")]" \
	"$(sed -nE 's/.* ([^ ]+):keep_1000_of_40 (.*)/\1|\2/p' self)"
check_eq '… calls lead from one to the next' 1000x "$(callgrind_annotate --threshold=100 --auto=no --tree=calling plain.callgrind 2>>callgrind.err | sed -nE 's/.*> .*:keep_1000_of_40 \(([0-9,]+x)\).*/\1/p' | tr -d ,)"
annotated odd no >odd.self
check_eq '… odd names' '3000 3000 3' "$(sed -nE 's/^([0-9 ]+) [^ ]*:operator< <Thing&>\(Thing& Thing&\) .*/\1/p' odd.self)"
annotated fork no >fork.self
check_eq '… processes together' "40000 100000" "$(awk '{ live += ($4 ~ /:keep_1000_of_40$/) * $1; requested += ($4 ~ /:(keep_1000_of_40|half_of_600_of_100)$/) * $2 } END { print live - 30000, requested }' fork.self)"
annotated plain no --sort=requested >/dev/null
check_eq '… --sort is the first event' requested "$(sed -n 's/^events: \([a-z]*\) .*/\1/p' plain.callgrind)"
check_eq '… without a complaint' '' "$(head -c 300 callgrind.err)"

# --- a table that is full ---

# The document has 200 MB; made as a whole it needed 1.2 GiB.
check 'thousands of sites as JSON in bounded memory' bash -c 'ulimit -v 524288 && "$1" report --format=json many.rec >many.json' - "$PAGEGAP"
sites=$(od -A n -t u4 -j 28 -N 4 "$(echo many.rec/*.sites)")
check_eq '… each of them, and nothing twice' "$((sites)) 0" "$(grep -oE '"kind": "(heap|others)"' many.json | wc -l) $(grep -oE '"id": [0-9]+, "kind": "(heap|others)"' many.json | sort | uniq -d | wc -l)"
check_eq '… with what the heap counts' "$(grep -oE -m 1 '"heap": \{"allocator": "[^"]*", "allocations": [0-9]+' many.json | sed 's/.* //')" \
	"$(grep -oE '"stack_end": ("[a-z]+"|null), "tag": null, "allocations": [0-9]+' many.json | awk '{ sum += $NF } END { print sum }')"
for format in folded flamegraph pprof massif callgrind; do
	check "… as $format" bash -c 'ulimit -v 524288 && "$1" report --format=$2 many.rec >bounded.out && test -s bounded.out' - "$PAGEGAP" "$format"
done
finish
