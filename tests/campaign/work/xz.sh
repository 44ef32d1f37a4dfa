# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: xz tar
# xz with two threads, both ways, and in a pipe.
# threads: alive at exit
set -e
xz -T2 --block-size=1MiB -3 -k -c "$INPUTS/lines" >lines.xz
xz -T2 -dc lines.xz | cmp - "$INPUTS/lines"
xz -T2 -l lines.xz | tail -n 1
tar -C "$INPUTS" -cf - large.c | xz -T2 | xz -dc | tar -tf -
xz -t <<<'not compressed' || echo "status $?"
