#!/bin/bash
# SPDX-License-Identifier: MIT
# Blocks at known places give the known page fill and the known live, slack and free bytes, mapped and resident.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

for scenario in $("$BUILD/tests/oracle/layout"); do
	for seed in 1 2 3; do
		judge layout "$scenario" "$seed"
	done
done
finish
