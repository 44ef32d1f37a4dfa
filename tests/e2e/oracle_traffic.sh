#!/bin/bash
# SPDX-License-Identifier: MIT
# Bytes by descriptor, of programs that know what they moved (tests/oracle/traffic.c), with wrappers and with every call caught; and as strace -y shows them.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

program=$BUILD/tests/oracle/traffic
# The descriptors of the first process, a line each.
lines() { of_report '.processes[0].syscalls.descriptors[] | "\(.fd) \(.kind) \(.calls) \(.errors) \(.bytes_in) \(.bytes_out) \(.path // "")"'; }
# Calls that move bytes through one descriptor, as the list of calls has them.
moved='^(readv?|writev?|p(read|write)(64|v2?)|recv(from|msg)|send(to|msg)|getdents64|vmsplice)$'

for how in wrappers all; do
	RUN_OPTIONS=(--syscalls="$how")
	for scenario in $("$program"); do
		mkdir "$WORK/$scenario.$how"
		record "$program" "$scenario" "$WORK/$scenario.$how"
		check_eq "traffic $scenario, $how: runs" 0 "$(<"$here/status")"
		lines | sort >"$here/lines"
		sort "$here/stdout" >"$here/expected"
		check_eq "traffic $scenario, $how: every descriptor has the calls and the bytes that it had" "" "$(comm -23 "$here/expected" "$here/lines")"
		[[ $scenario == ways ]] || check_eq "traffic $scenario, $how: all calls are somewhere" true "$(of_report ".processes[0].syscalls
			| ([.calls[] | select(.name | test(\"$moved\")) | .calls] | add) == ([.descriptors[].calls] | add)")"
		[[ $scenario$how != briefall ]] || check_eq 'traffic brief, all: hardly a call takes a signal, and no site is patched twice' true \
			"$(of_report '.processes[0].syscalls | .caught * 10 < ([.calls[].calls] | add) and .patched_sites < 30')"
		[[ $scenario != child ]] || check_eq "traffic child, $how: the child has its own" '5 50' "$(of_report \
			'.processes[1].syscalls.descriptors[] | select(.path and (.path | endswith("/both"))) | "\(.calls) \(.bytes_out)"')"
		check_eq "traffic $scenario, $how: no more than there is room for" true "$(of_report '.processes[0].syscalls.descriptors | length <= 63')"
	done
done

"$PAGEGAP" report --syscalls "$WORK/1/recording" >page
check 'the page of system calls has them' grep -qE '^Busiest descriptors' page
check 'with where they lead' grep -qE '^ .* 16 .* [0-9]+  .*/one$' page
check 'no line is longer than 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' page

# by_path FILE: what strace -y shows: "calls bytes path" of reads and writes that succeeded
by_path() {
	sed -nE 's/^([0-9]+ +)?(read|write)\([0-9]+<([^>]*)>.* = ([0-9]+)$/\4 \3/p' "$1" |
		awk '{ bytes = $1; sub(/^[0-9]+ /, ""); calls[$0]++; sum[$0] += bytes } END { for (p in calls) print calls[p], sum[p], p }' | sort
}
if command -v strace >/dev/null; then
	head -c 100000 /dev/zero >input
	strace -y -o strace.out dd if=input of=output bs=1000 status=none
	run_gap dd --syscalls=all dd if=input of=output bs=1000 status=none
	check_eq 'dd reads and writes what strace -y shows' "$(by_path strace.out | grep put)" \
		"$(json dd '.processes[0].syscalls.descriptors[] | select(.path) | "\(.calls) \(.bytes_in + .bytes_out) \(.path)"' | grep put | sort)"
else
	skip 'dd reads and writes what strace -y shows' 'strace is not installed'
fi
finish
