#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs each fuzz target named for FUZZ_SECONDS, from the seeds in tests/fuzz/corpus/NAME; what it finds grows in
# $BUILD/fuzz/corpus.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/.." && pwd)}
BUILD=${BUILD:-$SRC/build}
failed=0
(($#)) || { echo 'fuzz: no targets in tests/fuzz/' >&2 && exit 1; }
for name in "$@"; do
	corpus=$BUILD/fuzz/corpus/$name seeds=$SRC/tests/fuzz/corpus/$name
	mkdir -p "$corpus" || exit 1
	[[ -d $seeds ]] || seeds=
	echo "$name: ${FUZZ_SECONDS:=600} s"
	if "$BUILD/fuzz/tests/fuzz/$name" -max_total_time="$FUZZ_SECONDS" -max_len=1048576 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$BUILD/fuzz/$name." "$corpus" ${seeds:+"$seeds"} >"$BUILD/fuzz/$name.log" 2>&1; then
		inputs=$(sed -n 's/stat::number_of_executed_units: *//p' "$BUILD/fuzz/$name.log")
		echo "ok - $name: $inputs inputs, no fault"
	else
		failed=1
		echo "not ok - $name: see $BUILD/fuzz/$name.log"
		tail -n 20 "$BUILD/fuzz/$name.log"
	fi
done
exit "$failed"
