#!/bin/bash
# SPDX-License-Identifier: MIT
# Names that a program gives to what it does: its blocks are counted under each, in threads, handlers, children, and where pops are missing.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

# "tag blocks" of what get() asked for, in the processes that a jq condition means
by_tag() {
	"$PAGEGAP" report --format=json "$1.rec" | jq -r ".processes[] | select($2) | .sites[] | select(.stack[0].function == \"get\")
		| [.tag // \"none\", .allocations] | @tsv" | awk -F '\t' '{ n[$1] += $2 } END { for (t in n) if (n[t]) print t " " n[t] }' | sort
}

run_bare bare "$BUILD/tests/oracle/tagged"
check_eq 'without pagegap it runs' 0 "$(<bare.status)"
run_gap tagged --stacks=all "$BUILD/tests/oracle/tagged"
check_eq 'blocks stand under the names that were given' "$(printf '%s\n' 'child 9' 'serve 5')" "$(by_tag tagged '.born_by == "fork"')"
check_eq 'with threads, handlers and jumps' "$(printf '%s\n' 'handler 4' $'inner \\x1b[31m\\xff 20' 'left 6' 'load 101' 'none 12' 'serve 30' 'worker 50')" \
	"$(by_tag tagged '.born_by == "start"' | sed 's/\\\\/\\/g; s/\x1b/\\x1b/')"
check 'the report has totals by name' grep -qE '^ +9.86 KiB +101 +9.86 KiB +101  load$' tagged.report
check 'names are escaped' grep -qF 'inner \x1b[31m\xff' tagged.report
run_gap many --stacks=all "$BUILD/tests/oracle/tagged" many
check_eq 'of 200 names 127 have a place, the others count under none' '127 1 12 86' "$(by_tag many true | awk '
	/^tag / { names++; if ($2 == 15) deep = $3; else ones += $3 == 1 } /^none/ { none = $2 } END { print names, names - ones, deep, none }')"
check 'which the report says' grep -qE '73 .*names? of tags' many.report
run_gap plain "$BUILD/tests/oracle/tagged"
check_eq 'no stacks are taken with --stacks=off, and nothing is lost' '0 null' \
	"$("$PAGEGAP" run --stacks=off --report=/dev/null -o off.rec -- "$BUILD/tests/oracle/tagged"; echo $?) $("$PAGEGAP" report --format=json off.rec | jq -c '.processes[0].sites')"
finish
