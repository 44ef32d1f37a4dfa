# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# tar: create, list, extract, compare, append, and errors.
# images: exact
set -e
tar --sort=name --owner=0 --group=0 --numeric-owner -C "$INPUTS" -cf tree.tar tree
tar -czf tree.tar.gz --sort=name --owner=0 --group=0 -C "$INPUTS" --mtime=@1700000000 tree/folder1 tree/folder2
tar -tf tree.tar | wc -l
mkdir out
tar -C out -xf tree.tar
diff -r out/tree "$INPUTS/tree"
tar -C "$INPUTS" --sort=name --mtime=@1700000000 --owner=0 --group=0 -rf tree.tar large.c
tar -tf tree.tar | tail -n 1
tar -xf tree.tar no/such/file || echo "status $?"
