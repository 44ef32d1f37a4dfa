#!/bin/bash
# SPDX-License-Identifier: MIT
# What real programs share after a fork, and who copied it: redis while it saves, beside its own figure; CPython with and without
# gc.freeze(); a prefork server; and the churn of a program whose memory libc gives back, with the setting that the report proposes.
# Prints what it measured. Environment: BUILD, SRC; MIB=N of redis's values (default 1024).
# shellcheck disable=SC2317,SC2016 # the parts are called by name; $pid is jq's
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
INPUTS=$SRC/tests/campaign/inputs
PYTHON=$(command -v /usr/bin/python3 || command -v python3)
MIB=${MIB:-1024}

# child NAME: a figure of the only fork, as the child's side has it
child() { of_report "[.processes[].cow | values | .forks[] | select(.side == \"child\")] | max_by(.inherited_pages) | .$1"; }
by_row() {
	of_report "[.processes[] | select(.cow.forks[0].side? == \"child\")] | max_by(.cow.inherited_pages) | .cow.by_row
		| to_entries | map(select(.value.copied_pages > 0) | \"\(.key) \(.value.copied_pages)\") | join(\", \")"
}
# adds_up SENTENCE: each page that a child inherited was copied by it, lost its sharing otherwise, is shared or is gone
adds_up() {
	check_eq "$1" true "$(of_report '[.processes[].cow | values | .forks[] | select(.side == "child" and .copied_pages != null)
		| .inherited_pages == .copied_pages + (.reused_pages // 0) + .unshared_pages + .still_shared_pages + .gone_pages]
		| length > 0 and all')"
}

redis() {
	local server saved copied unshared writes
	if ! command -v redis-server >/dev/null || ! command -v redis-benchmark >/dev/null; then
		skip 'redis while it saves' 'redis-server and redis-benchmark are not installed'
		return
	fi
	record redis-server --port 0 --unixsocket "$WORK/socket" --save '' --dir "$WORK" --enable-debug-command yes \
		--loglevel warning &
	server=$!
	until redis-cli -s "$WORK/socket" ping >/dev/null 2>&1; do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	redis-cli -s "$WORK/socket" debug populate $((MIB * 256)) key 4000 >/dev/null
	redis-cli -s "$WORK/socket" config set rdb-key-save-delay 40 >/dev/null
	redis-cli -s "$WORK/socket" bgsave >/dev/null
	redis-benchmark -s "$WORK/socket" -q -t set -n 20000 -r $((MIB * 256)) -d 4000 >/dev/null
	redis-cli -s "$WORK/socket" info persistence | grep -q rdb_bgsave_in_progress:1 && writes=before || writes=beyond
	while redis-cli -s "$WORK/socket" info persistence | grep -q rdb_bgsave_in_progress:1; do sleep 0.2; done
	saved=$(redis-cli -s "$WORK/socket" info persistence | sed -n 's/^rdb_last_cow_size:\([0-9]*\).*/\1/p')
	redis-cli -s "$WORK/socket" shutdown nosave >/dev/null 2>&1
	wait "$server"
	RUNS=$((RUNS + 1)) here=$WORK/$RUNS # record ran in a shell of its own
	copied=$(child copied_pages) unshared=$(child unshared_pages)
	printf 'note - redis, %s MiB: rdb_last_cow_size %s KiB; the child copied %s KiB (%s), %s KiB more were its alone; bound %s pages\n' \
		"$MIB" $((saved / 1024)) $((copied * 4)) "$(by_row)" $((unshared * 4)) "$(child bound_pages)"
	adds_up 'redis: what was inherited adds up'
	# redis reads the private dirty memory of the child: what it copied, what its parent left to it, and what is new in it.
	if [[ $writes == beyond ]]; then
		skip 'redis: its own figure' 'it was written to when the child had read it'
		return
	fi
	check_between 'redis: its own figure is what no longer was shared, and what its child and pagegap needed anew' \
		$(((copied + unshared) * 4096 - (1 << 20))) $(((copied + unshared) * 4096 + (8 << 20))) "$saved"
}

python_objects() {
	local arguments copied=()
	for arguments in '' freeze collect 'freeze collect'; do
		# shellcheck disable=SC2086 # none, one or two
		record "$PYTHON" "$INPUTS/objects.py" $arguments
		check_eq "CPython${arguments:+, $arguments}: it ends well" 0 "$(<"$here/status")"
		adds_up "CPython${arguments:+, $arguments}: what was inherited adds up"
		copied+=("$(child copied_pages)")
		printf 'note - CPython, %s: inherited %s pages, copied %s (%s), still shared %s, bound %s\n' "${arguments:-plain}" \
			"$(child inherited_pages)" "$(child copied_pages)" "$(by_row)" "$(child still_shared_pages)" "$(child bound_pages)"
	done
	check_between 'CPython: counts of references are copied whether or not the objects are frozen' \
		$((copied[0] * 9 / 10)) $((copied[0] * 11 / 10)) "${copied[1]}"
	check_between 'CPython: a collection in the child copies no fewer' "${copied[0]}" $((1 << 30)) "${copied[2]}"
	check_between 'CPython: and no more than without one when the objects are frozen' 0 $((copied[1] * 11 / 10)) "${copied[3]}"
}

# A worker shares most of what it inherited as long as it serves. Taking the interpreter down writes to every object before it is freed.
prefork() {
	local how most
	for how in at-once ''; do
		# shellcheck disable=SC2086 # none or one
		record "$PYTHON" "$INPUTS/prefork.py" $how
		check_eq "prefork server${how:+, $how}: it ends well" 0 "$(<"$here/status")"
		check_eq "prefork server${how:+, $how}: four forks are known" 4 \
			"$(of_report '[.processes[].cow | values | .forks[] | select(.side == "child" and .copied_pages != null)] | length')"
		adds_up "prefork server${how:+, $how}: what was inherited adds up"
		most=$([[ $how ]] && echo still_shared || echo copied)_pages
		check_eq "prefork server${how:+, $how}: most is $most" true "$(of_report "[.processes[].cow | values | .forks[]
			| select(.side == \"child\") | .$most > .inherited_pages * 3 / 4] | all")"
		of_report '.processes[] | .pid as $pid | .cow | values | .forks[] | select(.side == "child")
			| "note - prefork worker \($pid): inherited \(.inherited_pages) pages, copied \(.copied_pages), " +
				"re-used \(.reused_pages), alone otherwise \(.unshared_pages), still shared \(.still_shared_pages), " +
				"bound \(.bound_pages)"'
	done
}

churn_faults() { of_report '[.processes[].faults.churn.heap.faults // 0] | add'; }
churn() {
	local before setting
	record env PYTHONMALLOC=malloc "$PYTHON" "$INPUTS/waves.py"
	before=$(churn_faults)
	setting=$(of_report '[.processes[].faults.churn.advice | values] | first // ""')
	check 'churn: the report proposes a setting' test -n "$setting"
	record env PYTHONMALLOC=malloc ${setting:+"$setting"} "$PYTHON" "$INPUTS/waves.py"
	check_between "churn: with $setting, a hundredth is left at most" 0 $((before / 100)) "$(churn_faults)"
	printf 'note - churn: %s faults before, %s with %s\n' "$before" "$(churn_faults)" "$setting"
}

(($#)) || set -- redis python_objects prefork churn
for part; do "$part"; done
finish
