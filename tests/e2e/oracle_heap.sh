#!/bin/bash
# SPDX-License-Identifier: MIT
# The heap rows equal what the allocator says of itself: glibc with one arena and with eight, the pooled allocator, and
# the allocators of other libraries.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

for scenario in $("$BUILD/tests/oracle/glibc_books"); do
	for arenas in 1 8; do
		judge glibc_books "$scenario" "$arenas"
	done
done

for scenario in $("$BUILD/tests/oracle/pool_books"); do
	for threads in 1 8; do
		OBSERVED_PRELOAD=$BUILD/libpagepool.so judge pool_books "$scenario" "$threads"
	done
done

# find_library FILE: its path, where the loader would find it
find_library() { ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }'; }

for pair in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2 tcmalloc:libtcmalloc_minimal.so.4; do
	library=$(find_library "${pair#*:}")
	if [[ -z $library ]]; then
		skip "the heap rows equal the books of ${pair%%:*}" "${pair#*:} is not installed"
		continue
	fi
	for threads in 1 4; do
		OBSERVED_PRELOAD=$library judge other_books "${pair%%:*}" "$threads"
	done
	check_eq "other_books ${pair%%:*}: the report names the allocator" "$(basename "$(readlink -f "$library")")" \
		"$(basename "$(readlink -f "$(of_report '.processes[0].heap.allocator')")")"
done
finish
