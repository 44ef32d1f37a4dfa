#!/bin/bash
# SPDX-License-Identifier: MIT
# Own mappings, stacks and forks whose bytes are known by construction: every row of the ledger changes by exactly that
# much.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

for program in mappings tree; do
	for scenario in $("$BUILD/tests/oracle/$program"); do
		judge "$program" "$scenario"
	done
done
finish
