#!/bin/bash
# SPDX-License-Identifier: MIT
# Why a child copied what it shared is said where it is known, and only there.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

PYTHON=$(command -v /usr/bin/python3 || command -v python3)
why() { of_report '[.processes[].cow | values | .forks[] | select(.side == "child") | .why] | @json'; }
# forked BEFORE CHILD: a Python program forks after the one, the child does the other
forked() {
	record env PYTHONMALLOC="$1" "$PYTHON" -c "import os
$2
child = os.fork()
if not child:
    $3
    os._exit(0)
os.waitpid(child, 0)"
}

forked malloc 'blocks = [bytes(300) for _ in range(20000)]' pass
if [[ $(of_report '[.processes[].cow | values | .method] | all(. == "write-protect")') != true ]]; then
	skip 'why a child copied' 'userfaultfd is not to be had here'
	finish
fi
check_eq 'nothing is said of a child that copied next to nothing' '[null]' "$(why)"
forked malloc 'blocks = [bytes(300) for _ in range(20000)]' 'del blocks[:15000]'
check_eq 'most of what a child that frees copied is free' true \
	"$(of_report '[.processes[].cow | values | select(.forks[0].side == "child")
		| .by_row["heap.free"].copied_pages > .copied_pages / 2] | all')"
check_eq 'glibc writes into the blocks that it frees' '["free_lists"]' "$(why)"
check 'the text names the row' grep -qzE 'copied\s+by\s+it\s+[0-9.]+\s+MiB:\s+[0-9.]+\s+MiB\s+heap\s+free' \
	"$here/report.txt"
check 'and says why' grep -qz 'why:\s*glibc\s*writes\s*its\s*lists\s*of\s*free\s*blocks' "$here/report.txt"
forked default 'objects = ["%d" % i for i in range(200000)]' 'sum(map(len, objects))'
check_eq 'CPython counts references in the objects' '["reference_counts"]' "$(why)"
check 'the text says so' grep -qz 'why:\s*CPython\s*counts\s*references' "$here/report.txt"
# shellcheck disable=SC2016 # perl's
record perl -MPOSIX -e 'my @rows = map { "row $_" x 10 } 1 .. 100000;
	if (!fork) { substr($_, 0, 1) = "x" for @rows; POSIX::_exit(0) } wait'
check_eq 'of a program that writes to its own data nothing is said' '[null]' "$(why)"
finish
