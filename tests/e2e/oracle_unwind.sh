#!/bin/bash
# SPDX-License-Identifier: MIT
# Rules of unwind tables as libdw reads them, at every row of every function of some libraries: C, C++, hand-written assembly.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
for library in '' libstdc++.so.6 libcrypto.so.3 libpython3.11.so.1.0; do
	if [[ $library ]] && ! PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q "^\s*$library "; then
		skip "rules of $library" 'not installed'
		continue
	fi
	# shellcheck disable=SC2086 # none, or one
	"$BUILD/tests/oracle/unwind_rules" $library >rules
	check_eq "rules of ${library:-libc and what it loads} are libdw's: $(tail -n 1 rules)" 'differ 0' "$(tail -n 1 rules | grep -o 'differ [0-9]*')"
	# shellcheck disable=SC2016 # awk's
	check '… and of many places' awk '/^same/ { found = $2 > 50000 } END { exit !found }' rules
done
finish
