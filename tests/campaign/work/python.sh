# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: /usr/bin/python3 /usr/lib/python3.11/test/test_os.py
# Python's own tests of what an instrument may break. The verdict on each test counts, how long it took does not.
# threads: alive at exit
# varies: /^test_[A-Za-z0-9_]* (.*) \.\.\. \|^Result:\|^[A-Za-z]* \(test\|tests\) \(OK\|failed\|omitted\|skipped\)/!d
# varies: s/ will run for .*//; s/'[^']*tmp[^']*'/TMP/g; s/pid [0-9]*/PID/g; s/0x[0-9a-f]*/ADDRESS/g
# sorted: yes
# leaves-out: *
all="test_os test_subprocess test_threading test_mmap test_signal test_multiprocessing_fork test_json"
read -ra tests <<<"${PYTHON_TESTS:-$all}"
exec /usr/bin/python3 -m test -v -w "${tests[@]}" 2>/dev/null
