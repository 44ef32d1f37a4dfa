#!/bin/bash
# SPDX-License-Identifier: MIT
# pagegap on a real program that every machine which could build it has: the C compiler, at work on a file of pagegap. Its allocator's
# peak is a tenth of what the kernel gives it, since it keeps most of its data in mappings of its own.
set -eu
: "${SRC:?}" "${BUILD:?}"
cd "$SRC"
rm -rf -- "$BUILD/demo"
mkdir "$BUILD/demo"
command=("${CC:-cc}" -O2 -c -o "$BUILD/demo/ledger.o" preload/ledger.c)
printf '\n$ pagegap run -- %s\n\n' "${command[*]}"
"$BUILD/pagegap" run -o "$BUILD/demo/recording" -- "${command[@]}" 2>&1
printf '\nThe recording is in %s: pagegap report --format=json prints it for programs.\n' "$BUILD/demo/recording"
