#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls that the vDSO answers are counted when they are asked for, and are no system calls.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

calls='.processes[0].syscalls'
clock="[$calls.calls[] | select(.name == \"clock_gettime\") | .calls] | add"
for how in wrappers all; do
	run_gap "$how" --vdso --syscalls=$how "$BUILD/tests/oracle/vdso"
	check_eq "$how: the calls are those that were made" '2000 600 40 14' \
		"$(json "$how" "$calls.vdso | \"\\(.clock_gettime) \\(.gettimeofday) \\(.time) \\(.getcpu)\"")"
	check_eq "$how: clocks of processor time are system calls" 10 "$(json "$how" "$clock")"
	check "$how: the report tells them apart" grep -q 'without a system call: clock_gettime 2,000' <(tr -s '\n ' ' ' <"$how.report")
done
run_gap no "$BUILD/tests/oracle/vdso"
check_eq 'without being asked for they are not counted' 'null null' "$(json no "$calls.vdso") $(json no "$clock")"
PAGEGAP_OPTIONS=vdso=on,output=alone.rec,report=alone.report LD_PRELOAD=$PAGEGAP_LIBRARY "$BUILD/tests/oracle/vdso"
check_eq 'without the command, an option asks for them' 2000 "$(json alone "$calls.vdso.clock_gettime")"
"$PAGEGAP" report --syscalls wrappers.rec >page
check 'the page of system calls has them below' grep -qE '^ +600  gettimeofday$' page
if command -v strace >/dev/null; then
	strace -f -c -o strace.page "$BUILD/tests/oracle/vdso"
	check_eq 'strace sees the system calls alone' 10 "$(awk '$NF == "clock_gettime" { print $4 }' strace.page)"
else
	skip 'strace sees the system calls alone' 'strace is not installed'
fi
finish
