#!/bin/bash
# SPDX-License-Identifier: MIT
# What became of the time that threads lived: programs whose threads do known things, with wrappers and with every call caught.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

adds_up='[.processes[].time.accounting | select(.)
	| .user_ns + .system_ns + .runnable_wait_ns + .asleep_ns == .lived_ns
		and (.asleep_in_calls_least_ns == null or (.asleep_in_calls_least_ns <= .asleep_in_calls_most_ns and .asleep_in_calls_most_ns <= .asleep_ns))] | all'
each_adds_up='[.processes[].syscalls.threads[] | select(.asleep_ns)
	| .user_ns + .system_ns + .runnable_wait_ns + .asleep_ns == .lived_ns] | length > 0 and all'
# by_thread CALLS: the list of threads, but for what differs from run to run
by_thread() { of_report '.processes[0].syscalls.threads | map(select(.name != "lives")) | sort_by(.name)[] | '"$1"; }
columns='"\(.kind) \(.threads) \(.name) \(.ended) \(.complete) \(.tid != null)"'

for how in wrappers all; do
	RUN_OPTIONS=(--syscalls="$how")
	for scenario in $("$BUILD/tests/oracle/lives"); do
		args=("$scenario")
		[[ $how == wrappers ]] || args+=(all)
		judge lives "${args[@]}"
		check_eq "lives ${args[*]}: the parts are the whole" true "$(of_report "$adds_up")"
		check_eq "lives ${args[*]}: and so they are of every thread" true "$(of_report "$each_adds_up")"
		check_eq "lives ${args[*]}: threads have all the calls" "$(of_report '[.processes[0].syscalls.calls[].calls] | add')" \
			"$(of_report '[.processes[0].syscalls.threads[].calls] | add')"
		case $scenario in
		four)
			check_eq "lives ${args[*]}: threads are told apart" \
				'thread 1 computer true true true;thread 1 reader true true true;thread 1 sleeper true true true;thread 1 waiter true true true;' \
				"$(by_thread "select(.kind == \"thread\") | $columns" | tr '\n' ';')"
			check_eq "lives ${args[*]}: what they did is theirs" "clock_nanosleep read" "$(by_thread \
				'select(.name == "sleeper" or .name == "reader") | .busiest' | sort | tr '\n' ' ' | sed 's/ $//')"
			check_between "lives ${args[*]}: the one that computes" 180000000 260000000 \
				"$(by_thread 'select(.name == "computer") | .user_ns + .system_ns')"
			check_between "lives ${args[*]}: the one that waits in libc" 180000000 10000000000 \
				"$(by_thread 'select(.name == "waiter") | .asleep_ns')"
			;;
		turns)
			check_eq "lives ${args[*]}: one that follows another is not taken for it" 'sequence 6 asker true true false' \
				"$(by_thread "select(.kind == \"sequence\") | $columns")"
			;;
		many)
			check_eq "lives ${args[*]}: those without room are said to be shared" true \
				"$(of_report '.processes[0].syscalls.threads | any(.kind == "shared" and .threads == null and .calls > 0)')"
			;;
		esac
		check "lives ${args[*]}: the page has the sum" grep -qE 'Time +wall [^;]*; .* = user .* \+ asleep ' <(tr -s '\n ' ' ' <"$here/report.txt")
	done
done
finish
