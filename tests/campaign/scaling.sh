#!/bin/bash
# SPDX-License-Identifier: MIT
# How much more work two threads get done than one, with the pool and with the allocators beside it: threads that allocate for
# themselves (threads_apart), that free each other's blocks (threads_swap), and that do nothing but malloc and free (malloc). Two
# measures: of wall time, twice the work in the second one's time; of processor time, what a thread's work costs alone against what
# it costs beside another, 1.00 when neither is in the other's way, which other programs on the machine spoil less. Runs take
# turns; medians, between the second smallest and the second largest.
# Environment: BUILD, SRC; RUNS=N (default 7), ALLOCATORS="glibc pool …". Arguments: some of the three; default all.
# The pool must be no worse than the best of the others by either measure, as far as the runs can show. For a machine where nothing
# else runs.
set -u
SRC=${SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"
export LC_ALL=C
unset LD_PRELOAD "${!PAGEPOOL_OPTION@}"
RUNS=${RUNS:-7} ALLOCATORS=${ALLOCATORS:-glibc pool jemalloc mimalloc tcmalloc}
if (($(nproc) < 2)); then
	skip 'two threads beside one' 'one processor'
	finish
fi

# library ALLOCATOR: what is preloaded for it; fails where it is not installed
library() {
	local name
	case $1 in
	glibc) return 0 ;;
	pool) echo "$BUILD/libpagepool.so" && return ;;
	jemalloc) name=libjemalloc.so.2 ;;
	mimalloc) name=libmimalloc.so.2 ;;
	tcmalloc) name=libtcmalloc_minimal.so.4 ;;
	*) return 1 ;;
	esac
	PATH=$PATH:/sbin:/usr/sbin ldconfig -p | awk -v name="$name" '$1 == name { print $NF; found = 1; exit } END { exit !found }'
}

# once WORKLOAD ALLOCATOR THREADS: its nanoseconds, and those of the processors
once() {
	local preload program=("$BUILD/tests/bench_alloc" "$1" "$3")
	preload=$(library "$2")
	[[ $1 != malloc ]] || program=("$BUILD/tests/bench_malloc" "$3" 30000000)
	: >line
	"$BUILD/tests/bench_run" line env ${preload:+LD_PRELOAD="$preload"} "${program[@]}" >/dev/null 2>&1 </dev/null
	awk '{ print $1, $2 + $3 }' line
}

# of_column N: the median of a column of an allocator's runs, the second smallest and the second largest
of_column() {
	sort -n -k "$1,$1" own | awk -v column="$1" '{ value[NR] = $column }
		END { k = NR > 3 ? 2 : 1; print value[int((NR + 1) / 2)], value[k], value[NR + 1 - k] }'
}

# judge WORKLOAD MEASURE FIELD: fields of the lines of medians: allocator, and of each measure median, low, high
judge() {
	local verdict
	verdict=$(awk -v m="$3" '$1 == "pool" { high = $(m + 2); own = $m } $1 != "pool" && $m > best { best = $m; low = $(m + 1); name = $1 }
		END { print (high >= low ? "good" : "bad"), sprintf("%.2f beside %.2f of %s", own, best, name) }' medians)
	check "$1: two threads against one, $2: ${verdict#* }" test "${verdict%% *}" = good
}

present=()
for allocator in $ALLOCATORS; do
	if library "$allocator" >/dev/null; then
		present+=("$allocator")
	else
		skip "$allocator" 'not installed'
	fi
done
(($#)) || set -- threads_apart threads_swap malloc
for workload; do
	: >runs
	for ((run = 0; run < RUNS; run++)); do
		for allocator in "${present[@]}"; do
			echo "$allocator $(once "$workload" "$allocator" 1) $(once "$workload" "$allocator" 2)" >>runs
		done
	done
	: >medians
	for allocator in "${present[@]}"; do
		awk -v of="$allocator" '$1 == of { print 2 * $2 / $4, 2 * $3 / $5, $2 / 1e9, $4 / 1e9 }' runs >own
		echo "$allocator $(of_column 1) $(of_column 2) $(of_column 3) $(of_column 4)" >>medians
	done
	awk -v workload="$workload" '{
		printf "%s: %-8s work %.2f (%.2f to %.2f), per processor time %.2f (%.2f to %.2f); one thread %.3f s, two %.3f s\n",
			workload, $1, $2, $3, $4, $5, $6, $7, $8, $11 }' medians
	judge "$workload" 'work done' 2
	judge "$workload" 'work per processor time' 5
done
finish
