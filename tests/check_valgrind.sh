#!/bin/bash
# SPDX-License-Identifier: MIT
# The reporter under valgrind: no invalid access, no uninitialised value, no leak, over real recordings and broken ones.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
if ! command -v valgrind >/dev/null; then
	skip 'the reporter under valgrind' 'valgrind is not installed'
	finish
fi

# clean SENTENCE STATUS ARG…: pagegap ARG… is clean under valgrind and ends with that status
clean() {
	local sentence=$1 expected=$2 status
	shift 2
	valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
		--log-file=valgrind.log "$PAGEGAP" "$@" >out 2>err </dev/null
	status=$?
	if ((status == expected)) && [[ ! -s valgrind.log ]]; then
		ok "$sentence"
	else
		not_ok "$sentence" "status $status, expected $expected; $(head -n 8 valgrind.log) $(head -n 2 err)"
	fi
}

run_gap single /bin/ls -l /usr/lib
# shellcheck disable=SC2016 # for the shell that is observed
run_gap tree /bin/bash -c 'for i in 1 2 3; do /bin/true & done; wait; (kill -9 $BASHPID); echo done | cat'
run_gap threads "$BUILD/tests/oracle/counts_threads"
for name in single tree threads; do
	clean "the text report of a recording: $name" 0 report "$name.rec"
	clean "the JSON report of a recording: $name" 0 report --format=json "$name.rec"
done
clean 'help' 0 --help

# Broken recordings: one line and a bad status each (which status is the reporter's own tests' matter).
capture=$(find single.rec -name '*.capture' | head -n 1)
[[ -n $capture ]] || { not_ok 'a recording to break' "$(cat single.err)" && finish; }
broken() {
	local sentence=$1 status
	"$PAGEGAP" report broken.rec >/dev/null 2>&1
	status=$?
	clean "$sentence" "$status" report broken.rec
}
mkdir broken.rec
head -c 5000 "$capture" >broken.rec/1.0.capture && broken 'a truncated capture'
: >broken.rec/1.0.capture && broken 'an empty capture'
head -c "$(stat -c %s "$capture")" /dev/zero | tr '\0' '\377' >broken.rec/1.0.capture && broken 'a capture of all ones'
head -c 16 "$capture" >broken.rec/1.0.capture
head -c "$(($(stat -c %s "$capture") - 16))" /dev/zero | tr '\0' '\377' >>broken.rec/1.0.capture &&
	broken 'a good magic, then all ones'
finish
