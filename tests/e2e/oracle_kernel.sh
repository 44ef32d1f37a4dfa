#!/bin/bash
# SPDX-License-Identifier: MIT
# The rows add up to VmSize and Rss as the program itself reads them, and its time is what getrusage and the scheduler
# say.
set -u
# shellcheck source=tests/oracle/judge.sh
. "${BASH_SOURCE[0]%/*}/../oracle/judge.sh"

judge kernel_sums
for scenario in $("$BUILD/tests/oracle/times"); do
	judge times "$scenario"
	# Asleep is what remains of the wall clock: neither computing nor waiting for a processor.
	asleep=$(of_report '.processes[0].time | .wall_ns - .user_ns - .system_ns - .runnable_wait_ns')
	measured=$(fact asleep_ns)
	check_between "times $scenario: asleep is the rest of the wall clock that the program measured" \
		$((measured - 40000000)) $((measured + 40000000 + $(fact wall_ns) / 20)) "$asleep"
done
finish
