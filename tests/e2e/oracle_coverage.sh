#!/bin/bash
# SPDX-License-Identifier: MIT
# What the kernel counts of reads and writes is what is seen when every call is; and what wrappers do not see of them is said.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

known='.processes[] | select(.syscalls.coverage.unseen_least != null) | .syscalls.coverage'

# same NAME COMMAND…
same() {
	local name=$1
	shift
	run_gap "$name.all" --syscalls=all "$@"
	check_eq "$name: every call is seen, and the kernel counted as many" true \
		"$(json "$name.all" "[$known | .kernel_reads == .seen_reads and .kernel_writes == .seen_writes and .unseen_least == 0] | length > 0 and all")"
	run_gap "$name.wrapped" "$@"
	check_eq "$name: what wrappers do not see is no more than there is" true \
		"$(json "$name.wrapped" "[$known | .unseen_least <= .kernel_reads + .kernel_writes - .seen_reads - .seen_writes] | length > 0 and all")"
}
head -c 100000 /dev/zero >input
same dd dd if=input of=output bs=100 status=none
same sum sha256sum input
same od od input
same sort sort input
same shell /bin/sh -c 'od input; tail -c 5000 input | wc -c'
# stdio reads inside libc: 100,000 bytes by 4,096, and the end of the file. What goes out, goes through a wrapper.
cat >stdio.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	FILE *file = fopen("input", "r");
	setvbuf(file, NULL, _IOFBF, 4096);
	while (getc(file) != EOF)
		;
	for (int i = 0; i < 1000; i++)
		if (write(1, "x", 1) != 1)
			return 1;
	return 0;
}
C
${CC:-gcc} -w -o stdio stdio.c
same stdio ./stdio
check_eq 'the reads that libc makes for itself are missed, and no more' '26 1000' \
	"$(json stdio.wrapped "$known"' | "\(.unseen_least) \(.seen_writes)"')"
"$PAGEGAP" report --syscalls stdio.wrapped.rec >page
check 'the page says how many' grep -q 'reads and writes that the kernel counted, at least' page
check 'and so does the report' grep -q 'not seen; of other calls' <(tr -s '\n ' ' ' <stdio.wrapped.report)
run_gap threads "$BUILD/tests/oracle/lives" turns
check_eq 'of a process that had several threads it is not known' '[null,null]' \
	"$(json threads '[.processes[0].syscalls.coverage | .kernel_reads, .unseen_least] | tostring')"
finish
