#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that holds its peak of resident memory for 60 ms finds it in its report, within 10 % of what the kernel saw.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

for scenario in $("$BUILD/tests/oracle/peak"); do
	judge peak "$scenario"
done
finish
