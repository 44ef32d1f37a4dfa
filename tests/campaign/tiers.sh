#!/bin/bash
# SPDX-License-Identifier: MIT
# Every means by which copy-on-write and page faults are found, each forced: the hostile programs and the real ones
# behave as they do bare, and of generated scenarios each says what is so, within its bound.
# Environment: BUILD, SRC; TIERS="COW/FAULTS …", values of --cow and --faults (default: each); FIRST=N SEEDS=N, the
# generated scenarios (default 1000, 60); PYTHON_TESTS. Arguments: hostile, transparent, generated: one of the parts,
# and the programs of it; default all.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
export FIRST=${FIRST:-1000} SEEDS=${SEEDS:-60} TIMES=1
export PYTHON_TESTS=${PYTHON_TESTS:-test_mmap test_json test_threading}
status=0

run() {
	case $1 in
	hostile) PAIRS=all bash "$SRC/tests/e2e/hostile.sh" "${@:2}" ;;
	transparent) bash "$SRC/tests/campaign/transparent.sh" "${@:2}" ;;
	generated) bash "$SRC/tests/e2e/oracle_cow_generated.sh" ;;
	*) echo "not ok - $1 is a part: they are hostile, transparent and generated" && return 1 ;;
	esac
}

behave=${TIERS:-write-protect/sample scan/sample pagemap/sample smaps/sample off/sample auto/off auto/count auto/sample auto/all}
tell=${TIERS:-write-protect/all scan/all pagemap/all smaps/all}
parts=(hostile transparent generated)
(($# == 0)) || { parts=("$1") && shift; }
for part in "${parts[@]}"; do
	export TIERS=$behave
	[[ $part != generated ]] || TIERS=$tell
	run "$part" "$@" || status=1
done
exit $status
