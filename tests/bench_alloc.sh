#!/bin/bash
# SPDX-License-Identifier: MIT
# Allocators compared: workloads of tests/bench_alloc.c and real programs under each of them, in turns (A B C A B C …); each
# measured run follows one that is not measured.
#   tests/bench_alloc.sh [--runs=N] [--allocators=glibc,pool,jemalloc,mimalloc,tcmalloc] [--only=NAME,…] [--keep=FILE]
# Prints medians as ratios to glibc: wall time, peak resident memory of the largest process, minor faults. --keep
# appends the raw lines: workload, allocator, wall ns, user ns, system ns, resident KiB, status, minor faults.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
RUNS=5 ALLOCATORS=glibc,pool,jemalloc,mimalloc,tcmalloc ONLY='' KEEP=/dev/null
for argument in "$@"; do
	case $argument in
	--runs=*) RUNS=${argument#*=} ;;
	--allocators=*) ALLOCATORS=${argument#*=} ;;
	--only=*) ONLY=,${argument#*=}, ;;
	--keep=*) KEEP=$(cd "$OLDPWD" && realpath -m -- "${argument#*=}") ;;
	*) sed -n '3,8s/^# //p' "$SRC/tests/bench_alloc.sh" >&2 && exit 2 ;;
	esac
done
export LC_ALL=C
unset LD_PRELOAD PYTHONMALLOC "${!PAGEPOOL_OPTION@}"

# library ALLOCATOR: what is preloaded for it; fails where it is not installed
library() {
	local name
	case $1 in
	glibc) return 0 ;;
	pool) echo "$BUILD/libpagepool.so" && return ;;
	jemalloc) name=libjemalloc.so.2 ;;
	mimalloc) name=libmimalloc.so.2 ;;
	tcmalloc) name=libtcmalloc_minimal.so.4 ;;
	*) name=$1 && [[ -e $1 ]] && echo "$1" && return ;;
	esac
	PATH=$PATH:/sbin:/usr/sbin ldconfig -p |
		awk -v name="$name" '$1 == name { print $NF; found = 1; exit } END { exit !found }'
}

# Real programs: input NAME makes what program_NAME reads

cat >rows.py <<'PY'
import json
rows = [{"id": i, "name": "row %d" % i, "tags": ["a%d" % (i % 7), "b", None], "size": i / 3} for i in range(20000)]
for _ in range(6):
    rows = json.loads(json.dumps(rows))
PY
cat >hash.pl <<'PL'
my %h;
for my $round (1 .. 2) {
	$h{"key $_ $round"} = [$_, "value " x ($_ % 5)] for 1 .. 120_000;
	delete $h{"key $_ $round"} for grep { $_ % 3 } 1 .. 120_000;
}
PL
cat >rows.sql <<'SQL'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
	INSERT INTO t SELECT i, printf('row %d of many', i), i * 0.5 FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), sum(length(b)), max(c) FROM t WHERE b LIKE '%77%';
DELETE FROM t WHERE a % 3 = 0;
SQL
awk 'BEGIN { for (i = 0; i < 500; i++) {
	printf "struct s%d { int a, b; struct s%d *next; };\nint f%d(struct s%d *s, int n)\n{\n", i, i, i, i
	printf "\tint sum = %d;\n\tfor (int i = 0; i < n; i++) {\n\t\tsum += s->a * i + (s->b >> %d);\n", i, i % 13
	printf "\t\tif (sum & %d)\n\t\t\ts = s->next ? s->next : s;\n\t}\n\treturn sum;\n}\n", i % 31 + 1 } }' >units.c
CC1=$("${CC:-cc}" -print-prog-name=cc1)
PYTHON=$(command -v /usr/bin/python3)
SQLITE3=$(command -v sqlite3)
PERL=$(command -v perl)
GIT=$(command -v git)

# command_of WORKLOAD: sets the array `program`; fails where there is no such program
# shellcheck disable=SC2016 # for the program
command_of() {
	case $1 in
	python) program=("$PYTHON" rows.py) ;;
	python_malloc) program=(env PYTHONMALLOC=malloc "$PYTHON" rows.py) ;;
	python_start) program=("$PYTHON" -c 'import json, re, argparse') ;;
	cc1) program=("$CC1" -quiet -O1 units.c -o units.s) ;;
	sqlite3) program=("$SQLITE3" -batch -init rows.sql :memory: 'SELECT 1') ;;
	perl) program=("$PERL" hash.pl) ;;
	git) program=("$GIT" -C "$SRC" log --stat -n 60) ;;
	bash) program=(bash -c 'for ((i = 0; i < 150; i++)); do x=$(echo "$i" | tr 1 2); done') ;;
	*) program=("$BUILD/tests/bench_alloc" "$1") ;;
	esac
	[[ ${program[0]} ]]
}

mapfile -t workloads < <("$BUILD/tests/bench_alloc")
workloads+=(python python_malloc python_start cc1 sqlite3 perl git bash)

# measure WORKLOAD ALLOCATOR
measure() {
	local preload
	command_of "$1" || return
	preload=$(library "$2")
	# Once for nothing: files are read, and a host gives the guest its memory (a huge page that was free for two seconds may
	# have gone back to it, and then costs a hundred times as much).
	env ${preload:+LD_PRELOAD="$preload"} "${program[@]}" >/dev/null 2>&1 </dev/null
	: >line
	# The shell between is not preloaded; env is, and becomes the program.
	"$BUILD/tests/bench_run" line env ${preload:+LD_PRELOAD="$preload"} "${program[@]}" >out 2>err </dev/null
	[[ -s line ]] && echo "$1 $2 $(cat line)" | tee -a raw >>"$KEEP"
}

present=()
for allocator in ${ALLOCATORS//,/ }; do
	if library "$allocator" >/dev/null; then
		present+=("$allocator")
	else
		echo "$allocator is not installed"
	fi
done
: >raw
for ((run = 0; run < RUNS; run++)); do
	for workload in "${workloads[@]}"; do
		[[ ! $ONLY || $ONLY == *,$workload,* ]] || continue
		for allocator in "${present[@]}"; do
			measure "$workload" "$allocator"
		done
	done
done
printf '%s, %s processors, Linux %s, %s, medians of %s\n\n' \
	"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" "$(date +%F)" "$RUNS"
awk -f "$SRC/tests/bench_alloc.awk" raw
