#!/bin/bash
# SPDX-License-Identifier: MIT
# Allocations, frees and bytes equal valgrind's "total heap usage" to the unit, and memusage's calls and peak where it
# counts the same.
#
# Valgrind is told not to free what glibc and libstdc++ keep to the end (--run-libc-freeres=no, --run-cxx-freeres=no):
# no other run does. Differences have names: the loader's vectors of a thread, one entry for each library with
# thread-local storage, pagegap's among them (tests/oracle/tls.h); and what libstdc++ makes of two sizes
# (tests/oracle/counts_cxx.cc). memusage counts neither aligned allocations nor frees of resized blocks, and counts
# free(NULL). Programs that copy their environment are no oracle: every observer adds to it (perl).
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

cat >script.sql <<'EOF'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)
	INSERT INTO t SELECT i, printf('row %d %s', i, hex(i*i)) FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), sum(length(b)), max(b) FROM t WHERE b LIKE '%7%';
SELECT group_concat(b) FROM (SELECT b FROM t ORDER BY b DESC LIMIT 20);
DELETE FROM t WHERE a % 3 = 0;
VACUUM;
EOF
seq 1 3000 | rev >words

# valgrind_counts PROGRAM [ARG…]: "allocations frees bytes", and what it prints in valgrind.stdout and valgrind.stderr
valgrind_counts() {
	valgrind --run-libc-freeres=no --run-cxx-freeres=no --log-file=valgrind.log "$@" \
		<"${INPUT:-/dev/null}" >valgrind.stdout 2>valgrind.stderr
	tr -d , <valgrind.log | awk '/total heap usage:/ { sub(/.*usage: /, ""); print $1, $3, $5 }'
}

# vectors FILE: bytes of the loader's vectors, from what a program printed; 0 if nothing
vectors() { awk '$1 == "vectors" { bytes = $2 } END { print bytes + 0 }' "$1"; }

# memusage_counts PROGRAM [ARG…]: "calls peak": malloc, realloc and calloc without failed ones, and the highest sum of
# live bytes
memusage_counts() {
	memusage "$@" <"${INPUT:-/dev/null}" 2>&1 >/dev/null | sed 's/\x1b\[[0-9;]*m//g' | awk '
		/Memory usage summary/ { sub(/.*heap peak: /, ""); peak = $1 + 0 }
		/^ *(malloc|realloc|calloc)\|/ { calls += $2 - $4 }
		END { if (calls) print calls, peak }'
}

# compare NAME PROGRAM [ARG…]; all runs are in the same directory, because some programs allocate its name
compare() {
	local name=$1 allocations frees bytes calls peak
	shift
	if ! command -v "$1" >/dev/null; then
		skip "$name: counts are valgrind's" "$1 is not installed"
		return
	fi
	record "$@"
	cd "$here" || exit 1
	read -r allocations frees bytes <<<"$(valgrind_counts "$@")"
	bytes=$((bytes - $(vectors valgrind.stderr) + $(vectors stderr)))
	check_eq "$name: prints the same" "$(cksum <valgrind.stdout)" "$(cksum <stdout)"
	check_eq "$name: allocations are valgrind's" "$allocations" "$(of_report '.processes[0].heap.allocations')"
	check_eq "$name: frees are valgrind's" "$frees" "$(of_report '.processes[0].heap.frees')"
	check_eq "$name: bytes asked for are valgrind's" "$bytes" "$(of_report '.processes[0].heap.requested_bytes')"
	case $name in
	mix | cxx) return ;;            # aligned blocks, which memusage does not count
	esac
	if ! command -v memusage >/dev/null; then
		skip "$name: calls and peak are memusage's" "memusage is not installed"
		return
	fi
	read -r calls peak <<<"$(memusage_counts "$@")"
	if [[ -z $calls ]]; then
		skip "$name: calls and peak are memusage's" "it prints nothing for this program"
		return
	fi
	check_eq "$name: allocations are memusage's calls" "$calls" "$(of_report '.processes[0].heap.allocations')"
	case $name in
	threads | handoff) ;;           # the peak depends on which thread runs when
	*)
		check_eq "$name: the peak of live bytes is memusage's" "$peak" \
			"$(of_report '.processes[0].heap.peak_live_requested_bytes')"
		;;
	esac
}

if ! valgrind --log-file=valgrind.log true; then
	skip "counts are valgrind's" "valgrind is not installed or cannot run (libc6-dbg?)"
	finish
fi
for name in mix threads handoff cxx dlopen; do
	compare "$name" "$BUILD/tests/oracle/counts_$name"
done
INPUT=$WORK/script.sql compare sqlite3 sqlite3 -batch -init /dev/null :memory:
compare jq jq -n '[range(500) | {a: ., b: tostring}] | length'
compare xz xz -T1 -0 -c "$WORK/words"
# shellcheck disable=SC2016
compare mawk mawk '{ a[$1 % 100] = a[$1 % 100] $1 } END { print length(a[3]) }' "$WORK/words"
compare sed sed -n 's/1/2/p' "$WORK/words"
finish
