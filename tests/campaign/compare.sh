#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagegap compare` beside the tools that measure one thing each, and against itself, for a machine where nothing else runs:
#   checks    tests/e2e/compare.sh, with hyperfine on programs that compute
#   others    the pool beside glibc on real programs: the ratio of times that hyperfine finds, the peak that time(1) finds
#   twice     one allocator under two names: how often that is no difference
# Environment: BUILD, SRC; RUNS=N (default 12), COMPARISONS=N of twice (default 20). Arguments: one of the parts, and names of the
# programs of others; default all. Prints what it measured.
# shellcheck disable=SC2317 # the parts are called by name
set -u
SRC=${SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"
export LC_ALL=C
unset LD_PRELOAD PYTHONMALLOC "${!PAGEPOOL_OPTION@}"
RUNS=${RUNS:-12} COMPARISONS=${COMPARISONS:-20}
POOL=$BUILD/libpagepool.so
median='def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;'

# What the programs read

inputs() {
	cat >rows.py <<-'PY'
		import json
		rows = [{"id": i, "name": "row %d" % i, "tags": ["a%d" % (i % 7), "b", None], "size": i / 3} for i in range(12000)]
		for _ in range(4):
		    rows = json.loads(json.dumps(rows))
	PY
	cat >hash.pl <<-'PL'
		my %h;
		for my $round (1 .. 2) {
			$h{"key $_ $round"} = [$_, "value " x ($_ % 5)] for 1 .. 60_000;
			delete $h{"key $_ $round"} for grep { $_ % 3 } 1 .. 60_000;
		}
	PL
	cat >rows.sql <<-'SQL'
		CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
			INSERT INTO t SELECT i, printf('row %d of many', i), i * 0.5 FROM n;
		CREATE INDEX tb ON t(b);
		SELECT count(*), sum(length(b)), max(c) FROM t WHERE b LIKE '%77%';
	SQL
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "%x line %d of some\n", (i * 2654435761) % 4294967296, i }' >lines
}

# A history of 1,000 commits, of which each changes one of 40 files.
repository() {
	git init -q -b main repository
	awk 'BEGIN {
		for (c = 1; c <= 1000; c++) {
			printf "commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 11\nchange %04d\n", 1500000000 + c, c
			text = ""
			for (i = 0; i < 400; i++)
				text = text sprintf("line %d of %d\n", i, i % 17 ? c % 40 : c * i)
			printf "M 644 inline file%d\ndata %d\n%s\n", c % 40, length(text), text
		}
	}' | git -C repository fast-import --quiet
	git -C repository gc -q
}

# program NAME: sets the array `program`; fails where it is not installed
program() {
	case $1 in
	python) program=("$(command -v /usr/bin/python3)" rows.py) ;;
	python_malloc) program=(env PYTHONMALLOC=malloc /usr/bin/python3 rows.py) ;;
	sqlite3) program=("$(command -v sqlite3)" -batch -init rows.sql :memory: 'SELECT 1') ;;
	perl) program=("$(command -v perl)" hash.pl) ;;
	git_log) program=("$(command -v git)" -C repository log --stat -p) ;;
	git_gc) program=("$(command -v git)" -C repository gc -q) ;;
	sort) program=("$(command -v sort)" -k 2 -k 1 lines) ;;
	*) return 1 ;;
	esac
	[[ ${program[0]} ]]
}
programs=(python python_malloc sqlite3 perl git_log git_gc sort)

# with ALLOCATOR COMMAND…
with() {
	if [[ $1 == pool ]]; then
		LD_PRELOAD=$POOL "${@:2}"
	else
		"${@:2}"
	fi
}

# once RUN: hyperfine and then time(1) with each allocator, beginning with the one or the other; appended to NAME.times and NAME.peaks
once() {
	local turns=(glibc pool) allocator
	(($1 % 2 == 0)) || turns=(pool glibc)
	for allocator in "${turns[@]}"; do
		with "$allocator" hyperfine -N -r 1 --export-json one.json "$quoted" >/dev/null 2>&1
		jq -c --arg allocator "$allocator" --argjson run "$1" '{allocator: $allocator, run: $run, seconds: .results[0].times[0]}' one.json >>"$name.times"
	done
	for allocator in "${turns[@]}"; do
		with "$allocator" /usr/bin/time -v -o time.out "${program[@]}" >/dev/null 2>&1 </dev/null
		awk -v allocator="$allocator" '/Maximum resident set size/ { printf "{\"allocator\":\"%s\",\"bytes\":%d}\n", allocator, $NF * 1024 }' \
			time.out >>"$name.peaks"
	done
}

# beside NAME: half of the others' runs before the comparison, half behind it, so that a machine that gets slower is so for both
beside() {
	local name=$1 quoted run ratio low high error
	local -a program
	if ! program "$name"; then
		skip "$name" 'not installed'
		return
	fi
	printf -v quoted '%q ' "${program[@]}"
	"${program[@]}" >/dev/null 2>&1 </dev/null # files are read by now
	for ((run = 0; run < RUNS; run++)); do
		((run != RUNS / 2)) || "$PAGEGAP" compare --format=json --runs="$RUNS" --alloc="glibc,$POOL" -- "${program[@]}" \
			>"$name.json" 2>"$name.err" </dev/null
		once "$run"
	done
	read -r ratio error < <(jq -rs "$median"' group_by(.run) | map((map(select(.allocator == "pool"))[0].seconds) /
		(map(select(.allocator == "glibc"))[0].seconds)) | (add / length) as $mean
		| "\(median) \(map(. - $mean | . * .) | add / (length - 1) / length | sqrt)"' "$name.times")
	read -r low high < <(jq -r '.allocators[1].figures.wall_ns | "\(.ratio_low) \(.ratio_high)"' "$name.json")
	printf '%s: time, pool to glibc: compare %.3f, %.3f to %.3f; hyperfine %.3f +- %.3f; glibc %.0f ms\n' "$name" \
		"$(jq '.allocators[1].figures.wall_ns.ratio' "$name.json")" "$low" "$high" "$ratio" "$error" \
		"$(jq '.allocators[0].figures.wall_ns.median / 1e6' "$name.json")"
	check "$name: hyperfine finds the ratio of times that compare finds: $ratio +- $error" awk -v low="$low" -v high="$high" \
		-v ratio="$ratio" -v error="$error" 'BEGIN { exit !(ratio >= low - error && ratio <= high + error) }'
	peak glibc 0
	peak pool 1
}

# peak ALLOCATOR INDEX: time(1)'s median lies in the interval of ours, give or take its own standard error
peak() {
	local low high middle theirs error
	read -r theirs error < <(jq -rs "$median"' map(select(.allocator == "'"$1"'").bytes) | (add / length) as $mean
		| "\(median) \(map(. - $mean | . * .) | add / (length - 1) / length | sqrt | floor)"' "$name.peaks")
	read -r middle low high < <(jq -r ".allocators[$2]"'.figures.max_rss_bytes | "\(.median) \(.low) \(.high)"' "$name.json")
	echo "$name: peak with $1: compare $((middle / 1000)) kB, $((low / 1000)) to $((high / 1000)); time(1) $((${theirs%.*} / 1000)) +- $((error / 1000))"
	check "$name: time(1) finds the peak with $1 that compare finds: $theirs" awk -v low="$low" -v high="$high" -v theirs="$theirs" \
		-v error="$error" 'BEGIN { exit !(low > 0 && theirs >= low - error && theirs <= high + error) }'
}

others() {
	local one
	if ! command -v hyperfine >/dev/null || [[ ! -x /usr/bin/time ]]; then
		skip 'hyperfine and time(1) beside compare' 'not installed'
		return
	fi
	inputs
	command -v git >/dev/null && repository
	(($#)) || set -- "${programs[@]}"
	for one; do
		beside "$one"
	done
}

# twice_of LIST: the same allocator under two names
twice_of() {
	local i verdict measure
	local -A same=([all]=0 [wall_ns]=0 [cpu_ns]=0 [max_rss_bytes]=0 [minor_faults]=0)
	for ((i = 0; i < COMPARISONS; i++)); do
		"$PAGEGAP" compare --format=json --runs=10 --alloc="$1" perl -e '@x = 1 .. 10000' >twice.json </dev/null
		while read -r measure verdict; do
			[[ $verdict != same ]] || same[$measure]=$((same[$measure] + 1))
		done < <(jq -r '.allocators[1] | "all \(.verdict)", (.figures | to_entries[] | "\(.key) \(.value.verdict)")' twice.json)
	done
	for measure in wall_ns max_rss_bytes minor_faults cpu_ns all; do
		check "$1 is no difference in $measure: ${same[$measure]} of $COMPARISONS" test $((same[$measure] * 20)) -ge $((COMPARISONS * 19))
	done
}

twice() {
	echo 'int nothing_in_it;' >empty.c && "${CC:-cc}" -shared -fPIC -o libempty.so empty.c && cp libempty.so libanother.so || return
	twice_of glibc,glibc
	twice_of ./libempty.so,./libanother.so
	twice_of "$POOL,$POOL"
}

checks() {
	TIMES=1 bash "$SRC/tests/e2e/compare.sh" || HARNESS_FAILED=$((HARNESS_FAILED + 1))
}

parts=(checks others twice)
case ${1:-} in
'') ;;
checks|others|twice) parts=("$1") && shift ;;
*) echo "not ok - $1 is a part: they are checks, others and twice" && exit 1 ;;
esac
for part in "${parts[@]}"; do
	"$part" "$@"
done
finish
