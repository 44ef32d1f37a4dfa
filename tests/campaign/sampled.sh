#!/bin/bash
# SPDX-License-Identifier: MIT
# Sampled call sites, --stacks=sampled, of many seeds: in how many runs the truth lies in the printed interval, for sites of 1 %, 5 %, 30 % and
# more of the bytes, of few and many samples, in one thread and in four; and whether the estimates are right on average.
# Environment: BUILD, SRC; SEEDS (default 200); LEAST of 100 intervals (default 93).
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
PROGRAM=$BUILD/tests/oracle/sampled_sites
SEEDS=${SEEDS:-200} LEAST=${LEAST:-93}

# one SEED MEAN HOW: SEED.truth and SEED.json
one() {
	PAGEGAP_OPTIONS="output=$1.rec,report=/dev/null,stacks=sampled,sample-bytes=$2,sample-seed=$1" LD_PRELOAD=$PAGEGAP_LIBRARY "$PROGRAM" "${@:3}" >"$1.truth"
	"$PAGEGAP" report --format=json "$1.rec" >"$1.json" && rm -r "$1.rec"
}

for mean in ${MEANS:-512K 64K 8K}; do
	for how in ${HOWS:-plain threads}; do
		files=()
		for ((seed = 1; seed <= SEEDS; seed++)); do
			one "$seed" "$mean" "$how"
			files+=("$seed.truth" "$seed.json")
		done
		"$SRC/tests/oracle/sampled_judge.py" "$LEAST" "${files[@]}" >judged 2>&1
		echo "# one sample in $mean, $how, $SEEDS seeds"
		sed '$d; s/^/#/' judged
		check_eq "one in $mean, $how: the intervals hold the truth" good "$(tail -n 1 judged)"
	done
done
finish
