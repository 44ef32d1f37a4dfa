# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# sort with two threads and little memory, so that it writes temporary files; uniq, join, comm on its output.
set -e
sort --parallel=2 -S 8M -T . -n "$INPUTS/lines" >by_number
sort --parallel=2 -S 60M -k2,2 -k1,1n "$INPUTS/lines" | tee by_word | cut -d' ' -f2 | uniq -c | sort -rn | head -n 3
sort --parallel=2 -c -n by_number && echo sorted
sort --parallel=2 -rn -k3,3 "$INPUTS/lines" | head -n 2
sort --parallel=2 -S 8M -T /does/not/exist "$INPUTS/lines" >/dev/null || echo "status $?"
