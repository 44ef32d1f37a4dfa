#!/bin/bash
# SPDX-License-Identifier: MIT
# The pooled allocator without memory. Each of the first 500 calls that map, unmap, move or advise fails: alone, with every
# tenth later one, with all later ones (tests/pool/fail_mapping.c, without_memory.c); with the usual options, and where free pages
# are returned at once, which takes more calls. What is said names the last n for which there was a call to fail. Then address-space limits and, as root,
# vm.overcommit_memory=2: programs that need more than there is say so and end, and do not crash.
# Environment: BUILD, SRC; LAST=N (default 500); JOBS=N (default: processors)
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
POOL=$BUILD/libpagepool.so
LAST=${LAST:-500} JOBS=${JOBS:-$(nproc)}
export BUILD POOL

# shellcheck disable=SC2317 # xargs calls it
# one EVERY N: says "failed N" when all is well, nothing when there was no such call
one() {
	local said status
	said=$(LD_PRELOAD="$BUILD/tests/pool/fail_mapping $POOL" FAIL_AT=$2 FAIL_EVERY=$1 timeout 60 "$BUILD/tests/pool/without_memory" 2>&1)
	status=$?
	case $said in
	good) echo "failed $2" ;;
	'good, no call failed') ;;
	*) echo "call $2: $said (status $status)" ;;
	esac
}
export -f one
# each_fails OPTIONS EVERY: one check
each_fails() {
	local chosen=$1 every=$2 later last
	case $every in 0) later=alone ;; 1) later='and all later ones' ;; *) later="and every ${every}th later one" ;; esac
	# shellcheck disable=SC2016 # for the other shell
	seq "$LAST" | PAGEPOOL_OPTIONS=$chosen xargs -P "$JOBS" -n 1 bash -c 'one "$0" "$1"' "$every" >each.out
	last=$(sed -n 's/^failed //p' each.out | sort -n | tail -n 1)
	check_eq "mapping call n fails, $later, n = 1 to $LAST, ${chosen:-usual options}: nothing lost; the last that there was is ${last:-none}" '' \
		"$(grep -v '^failed ' each.out; ((${last:-0} >= (LAST < 100 ? LAST : 100))) || echo 'hardly any call failed')"
}
for chosen in '' return_after_ms=1; do
	for every in 0 10 1; do each_fails "$chosen" "$every"; done
done

# Ends by itself with a message about memory; not by a signal.
# out_of_memory SENTENCE PATTERN COMMAND…
out_of_memory() {
	local sentence=$1 pattern=$2 status said
	shift 2
	said=$(LD_PRELOAD=$POOL timeout 120 "$@" 2>&1 >/dev/null </dev/null)
	status=$?
	if ((status > 0 && status < 126)) && grep -qiE "$pattern" <<<"$said"; then
		ok "$sentence"
	else
		not_ok "$sentence" "status $status: $said"
	fi
}

# shellcheck disable=SC2016 # perl's
# Programs that ask for more and more, under the limit that is in force: $1 says which.
hungry() {
	out_of_memory "$1: python says MemoryError" MemoryError /usr/bin/python3 -c 'x = []
while True: x.append(bytearray(100000))'
	out_of_memory "$1: sqlite3 says out of memory" 'out of memory' sqlite3 :memory: \
		'create table t as with recursive c(x) as (select 1 union all select x + 1 from c limit 9000000) select randomblob(1000) from c;'
	out_of_memory "$1: perl says out of memory" 'out of memory' perl -e 'push @x, "y" x 100000 . $n++ while 1'
}

for limit in 28 35 50 70; do
	check_eq "an address space of $limit MiB: refused with ENOMEM, nothing lost" good \
		"$(LD_PRELOAD=$POOL "$BUILD/tests/pool/without_memory" "$limit" 2>&1)"
done
for limit in 100 300; do
	(ulimit -v $((limit * 1024)) && hungry "$limit MiB of address space") || HARNESS_FAILED=$((HARNESS_FAILED + 1))
done

# Strict accounting: what is committed now, and 300 MiB more (Documentation/mm/overcommit-accounting.rst).
settings=(overcommit_memory overcommit_ratio)
if [[ -w /proc/sys/vm/overcommit_memory ]]; then
	before=()
	for setting in "${settings[@]}"; do before+=("$(<"/proc/sys/vm/$setting")"); done
	restore() {
		echo "${before[0]}" >/proc/sys/vm/overcommit_memory
		echo "${before[1]}" >/proc/sys/vm/overcommit_ratio
	}
	trap 'restore; rm -rf -- "$WORK"' EXIT
	swap=$(awk '/^SwapTotal/ { print $2 }' /proc/meminfo)
	echo $(($(awk '/^Committed_AS/ { print $2 }' /proc/meminfo) + 300 * 1024 - swap)) >/proc/sys/vm/overcommit_kbytes
	echo 2 >/proc/sys/vm/overcommit_memory
	hungry 'strict accounting'
	check_eq 'strict accounting: a program that needs little goes on' good "$(LD_PRELOAD=$POOL "$BUILD/tests/pool/without_memory" 2>&1)"
	restore
	trap 'rm -rf -- "$WORK"' EXIT
else
	skip 'strict accounting' 'not root, or /proc/sys/vm cannot be written to'
fi

if command -v valgrind >/dev/null; then
	for program in sort perl; do
		# shellcheck disable=SC2016 # perl's
		case $program in sort) command=(sort -r /etc/services) ;; *) command=(perl -e 'push @x, $_ for 1 .. 5000; print scalar @x') ;; esac
		LD_PRELOAD=$POOL valgrind -q --error-exitcode=77 --leak-check=no "${command[@]}" >"$program.out" 2>"$program.err" </dev/null
		check_eq "valgrind runs $program with the pool preloaded, and finds nothing" 0 $?
	done
	valgrind -q --error-exitcode=77 --leak-check=no "$BUILD/examples/pool_requests" >linked.out 2>linked.err </dev/null
	check_eq 'valgrind runs a program linked with the pool, and finds nothing' 0 $?
else
	skip 'valgrind' 'not installed'
fi
finish
