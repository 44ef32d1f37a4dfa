#!/bin/bash
# SPDX-License-Identifier: MIT
# Page faults of real programs: what the report says of each is what wait4 told the parent, here time(1): those of the process and of
# all that it waited for. In every image whose every fault was sampled, the parts add up to it, and nothing is lost.
# Environment: BUILD, SRC.
# shellcheck disable=SC2016 # programs for others
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"
PYTHON=$(command -v /usr/bin/python3 || command -v python3)
[[ -x /usr/bin/time ]] || { skip 'sums of page faults' '/usr/bin/time is not installed' && finish; }

seq 200000 >"$WORK/lines"
sums() {
	local what=$1
	shift
	if ! command -v "$1" >/dev/null; then
		skip "$what" "$1 is not installed"
		return
	fi
	record /usr/bin/time -o "$WORK/usage" -f '%R %F' "$@"
	# All processes but the first, which is time itself; a fault that the kernel takes as a process ends is in nobody's books.
	check_eq "$what: minor and major faults are what wait4 said, but for 2 a process" true "$(of_report "($(sed 's/ / + /' "$WORK/usage")) as \$told | .processes[0].pid as \$first | [.processes[] | select(.pid != \$first)]
		| (map(.faults.minor + .faults.major) | add) as \$sum | (map(.pid) | unique | length) as \$count
		| if \$sum <= \$told and \$sum + 2 * \$count >= \$told then true else \"\(\$sum), told \(\$told), \(\$count) processes\" end")"
	check_eq "$what: the parts add up, and none is lost" true "$(of_report '[.processes[].faults | select(.method == "all" and .in_kernel != null)
		| .attributed + .in_kernel + .lost == .minor + .major and .lost == 0] | all')"
}
sums sqlite3 sqlite3 :memory: 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT count(*), sum(i) FROM n;'
sums perl perl -e 'my %h; $h{$_} = "x" x 50 for 1 .. 50000; print scalar(keys %h), "\n"'
sums python "$PYTHON" -c 'import json; print(len(json.dumps(list(range(200000)))))'
sums sort sort --parallel=2 -r "$WORK/lines"
sums tar tar -C "$SRC" -cf /dev/null preload report
sums xz xz -T2 -k -c "$WORK/lines"
sums openssl openssl speed -seconds 1 -bytes 64 sha256
sums node node -e 'let a = []; for (let i = 0; i < 1e5; i++) a.push({ i }); console.log(a.length)'
sums git git -C "$SRC" log --oneline -n 50
sums gcc gcc -O1 -c -o "$WORK/object" "$SRC/tests/bench_malloc.c"
sums bash bash -c 'for i in 1 2 3; do echo $i | cat | wc -l; done'
sums env env true
finish
