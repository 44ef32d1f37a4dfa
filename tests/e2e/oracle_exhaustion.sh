#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that are refused memory are reported with what they asked for, the limit, and the ledger of that moment;
# one that the OOM killer kills is told from one that was sent SIGKILL. As the user who runs this, and as an ordinary
# one.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
chmod 755 "$WORK"

# tells SENTENCE PATTERN: the text report, its lines joined, has the words
tells() { check "$1" grep -qE "$2" <<<"$(tr -s ' \n' ' ' <"$here/report.txt")"; }

for user in self nobody; do
	((EUID)) && [[ $user == nobody ]] && continue
	RUN_AS=()
	[[ $user == self ]] || RUN_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for scenario in $("$BUILD/tests/oracle/exhaustion"); do
		record "$BUILD/tests/oracle/exhaustion" "$scenario"
		if [[ $(fact skipped) ]]; then
			skip "exhaustion $scenario as $user" 'a process may have too many mappings here'
			continue
		fi
		case $scenario in bad_arguments) ;; *) judge exhaustion "$scenario" ;; esac
		check_eq "exhaustion $scenario as $user: by which limit" "$(fact limit)" \
			"$(of_report '.processes[0].refused | if . == null then "none" else .limit end')"
		check_eq "exhaustion $scenario as $user: every ledger adds up" '' \
			"$(jq -r "$HARNESS_UNBALANCED" "$here/report.json")"
		case $scenario in
		address_space)
			tells 'the text says what was refused' \
				'Memory refused malloc 1 time, 20\.0 MiB, at .*; mmap 2 times, 8\.00 MiB to 100 MiB'
			tells 'and by which limit' 'the limit: RLIMIT_AS \(ulimit -v\), '
			tells 'and shows the ledger of that moment' 'Where the pages are, when memory was refused' ;;
		esac
	done
done

# A program that its own shell kills.
RUN_AS=()
# shellcheck disable=SC2016 # $$ is the observed shell's
record bash -c 'kill -9 $$'
check_eq 'SIGKILL from a process is not the OOM killer' no "$(of_report '.processes[0].killed.by_oom_killer')"
tells 'the text says so' 'the signal was sent by a process: the OOM killer killed none'
record /bin/true
check_eq 'who was not killed was not killed' null "$(of_report '.processes[0].killed')"

# A memory cgroup of its own, of version 2 or 1, below the one that this runs in.
make_cgroup() {
	local below
	if [[ -w /sys/fs/cgroup/cgroup.subtree_control ]] && grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
		CGROUP=/sys/fs/cgroup/pagegap.$$ LIMIT=memory.max
		echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
	else
		below=$(sed -n 's/^[0-9]*:\([^:]*,\)\?memory\(,[^:]*\)\?://p' /proc/self/cgroup)
		CGROUP=/sys/fs/cgroup/memory${below%/}/pagegap.$$ LIMIT=memory.limit_in_bytes
	fi
	mkdir "$CGROUP" 2>/dev/null || return
	trap 'rmdir "$CGROUP"; rm -rf -- "$WORK"' EXIT
	echo $((48 * 1024 * 1024)) 2>/dev/null >"$CGROUP/$LIMIT"
}

# The observed program moves there by itself: were the runner there too, it might be killed beside it. $1: what it
# becomes
record_in_cgroup() {
	# shellcheck disable=SC2016 # $$, $0 and $@ are the inner shell's
	record bash -c 'echo $$ >"$0/cgroup.procs" && sleep 0.3 && "$@"' "$CGROUP" "$@"
}

if ((EUID)) || ! make_cgroup; then
	skip 'the OOM killer' 'no memory cgroup can be made here'
	finish
fi
record_in_cgroup exec "$BUILD/tests/oracle/exhaustion" eat
if [[ $(<"$here/status") != 137 ]]; then
	skip 'the OOM killer' "it does not kill in a cgroup here: status $(<"$here/status")"
	finish
fi
check_eq 'the OOM killer is known by the count of the cgroup' 'signal 9 yes' \
	"$(of_report '.processes[-1] | "\(.ended_by.kind) \(.ended_by.code) \(.killed.by_oom_killer)"')"
check_eq 'and its limit' $((48 * 1024 * 1024)) "$(of_report '.processes[-1].killed.cgroup_limit_bytes')"
check_between 'the last ledger before it has most of what it had' $((24 * 1024 * 1024)) $((64 * 1024 * 1024)) \
	"$(of_report '[.processes[-1].snapshots[].rss_bytes] | max')"
check_eq 'and adds up' '' "$(jq -r "$HARNESS_UNBALANCED" "$here/report.json")"
tells 'the text says so' "killed by the kernel's OOM killer: .* rose by 1 .* the limit there is 48\.0 MiB"
tells 'and shows the ledger before it' 'Where the pages are, at its highest recorded, .* before the end'

# A child of a shell.
record_in_cgroup bash -c "$BUILD/tests/oracle/exhaustion eat; exit 7"
check_eq 'a shell goes on when the OOM killer has killed its child' 7 "$(<"$here/status")"
check_eq 'a child that the OOM killer kills is known too' 'signal 9 yes' \
	"$(of_report '.processes[] | select(.killed != null)
		| "\(.ended_by.kind) \(.ended_by.code) \(.killed.by_oom_killer)"')"
finish
