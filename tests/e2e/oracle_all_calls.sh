#!/bin/bash
# SPDX-License-Identifier: MIT
# With --syscalls=all, the system calls of whole programs, by name and by errno, equal those that strace -f sees of the bare
# program, call for call, from the moment that its libraries are there (tests/oracle/calls.sh). A program whose counts vary by
# themselves must be within what strace sees of it in five runs. Most calls of a long run come from patched sites, without a signal.
# shellcheck disable=SC2016 # what other shells and perl shall expand
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
# shellcheck source=tests/oracle/calls.sh
. "$SRC/tests/oracle/calls.sh"

# traced FILE COMMAND…; observed NAME COMMAND…
traced() {
	local file=$1
	shift
	strace -f -o "$file" "$@" >"$file.out" 2>"$file.err" </dev/null
}

observed() {
	local name=$1
	shift
	"$PAGEGAP" run --syscalls=all --faults=count --format=json --report="$name.json" -o "$name.rec" -- "$@" \
		>"$name.out" 2>"$name.err" </dev/null
}

# Lines of $1 that are not in the ranges of the traces $2…: "name pagegap N, strace A to B"
outside() {
	local counted=$1
	shift
	awk '
		FNR == 1 { file++ }
		{ count = $NF; $NF = ""; name = $0; names[name] = 1; of[file, name] = count }
		END {
			for (name in names) {
				# Whether a thread has to wait is luck, and how often the break moves depends on where it begins.
				if (file > 2 && name ~ /^(futex|brk) /) continue
				least = most = of[2, name] + 0
				for (i = 3; i <= file; i++) {
					if (of[i, name] + 0 < least) least = of[i, name] + 0
					if (of[i, name] + 0 > most) most = of[i, name] + 0
				}
				counted = of[1, name] + 0
				if (counted < least || counted > most) print name "pagegap " counted ", strace " least " to " most
			}
		}' "$counted" "$@" | sort
}

# equal NAME COMMAND…: one run of each must be equal
# alike NAME COMMAND…: within five of strace's
equal() { compare 1 "$@"; }
alike() { compare 5 "$@"; }
compare() {
	local runs=$1 name=$2 status
	local -a expected=()
	shift 2
	for ((i = 0; i < runs; i++)); do
		traced "$name.strace$i" "$@"
		status=$?
		strace_counts_loaded "$name.strace$i" >"$name.expected$i"
		expected+=("$name.expected$i")
	done
	observed "$name" "$@"
	check_eq "$name: the same status" "$status" $?
	[[ $runs != 1 ]] || check_eq "$name: the same output" "$(md5sum <"$name.strace0.out")" "$(md5sum <"$name.out")"
	pagegap_counts "$name.json" >"$name.counted"
	check_eq "$name: the same calls and errors, $(awk 'NF == 2 { n += $2 } END { print n }' "$name.counted") in all" "" \
		"$(outside "$name.counted" "${expected[@]}")"
}

# Of all calls, at most so many in a hundred took a signal.
mostly_patched() {
	check_eq "$1: at least 95 of 100 calls come from patched sites" yes "$(jq -r '[.processes[].syscalls | select(. != null)]
		| (map(.calls | map(.calls) | add) | add) as $calls | (map(.caught) | add) as $caught
		| if $calls > 10000 and $caught * 20 <= $calls then "yes" else "\($caught) of \($calls) took a signal" end' "$1.json")"
}

if ! command -v strace >/dev/null; then
	skip "all calls are those that strace sees" "strace is not installed"
	finish
fi
export PATH=/usr/local/bin:/usr/bin:/bin # without anybody's shims
mkdir tree tree/{a,b,c}
for i in {1..300}; do echo "$i of many" >"tree/$([[ $((i % 3)) == 0 ]] && echo a || echo b)/$i"; done
equal ls ls -lR "$WORK/tree"
equal find find /usr/include
equal tar tar cf /dev/null "$WORK/tree"
equal dd dd if=/dev/zero of=/dev/null bs=1 count=200000
mostly_patched dd
equal cp sh -c 'cp -r "$0" "$1" && rm -r "$1"' "$WORK/tree" "$WORK/copy"
equal sort sort -r "$WORK/tree/a/3" /etc/services
equal sh sh -c 'for i in 1 2 3; do echo $i | cat; (exit $i); done; date +%Y >/dev/null'
equal bash bash -c 'for i in {1..20}; do ls / | wc -l; done'
mkdir calls
alike calls sh -c '"$0" "$1"' "$BUILD/tests/oracle/calls" "$WORK/calls"
if command -v python3 >/dev/null; then
	export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=1 PERL_HASH_SEED=0
	equal python python3 -c 'import json, subprocess; print(len(json.dumps(list(range(1000))))); subprocess.run(["true"])'
	equal stat python3 -c 'import os
for i in range(30000): os.stat("/etc")'
	mostly_patched stat
else
	skip "python: the same calls and errors" "python3 is not installed"
fi
if command -v perl >/dev/null; then
	equal perl perl -e 'open F, "/etc/services"; while (<F>) { $n++ } print "$n\n"; print `echo a`'
else
	skip "perl: the same calls and errors" "perl is not installed"
fi
if command -v git >/dev/null; then
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	(cd tree && git init -q . && git add . && git -c user.name=a -c user.email=b commit -qm first)
	git -C tree status >/dev/null
	equal git_status git -C tree status
	equal git_log git -C tree log --stat
fi
if command -v sqlite3 >/dev/null; then
	equal sqlite3 sqlite3 :memory: 'create table t(a, b); insert into t select value, value * 2 from generate_series(1, 5000); select sum(b) from t;'
else
	skip "sqlite3: the same calls and errors" "sqlite3 is not installed"
fi
alike gcc "${CC:-cc}" -O1 -c -o "$WORK/object.o" "$SRC/tests/bench_malloc.c"
finish
