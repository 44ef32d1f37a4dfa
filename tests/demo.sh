#!/bin/bash
# SPDX-License-Identifier: MIT
# pagegap on a real program that every machine which could build it has: the C compiler proper, at work on a file of
# pagegap. It asks malloc for a tenth of what the kernel gives it.
set -eu
: "${SRC:?}" "${BUILD:?}"
cd "$SRC"
rm -rf -- "$BUILD/demo"
mkdir "$BUILD/demo"
"${CC:-cc}" -O2 -E preload/ledger.c -o "$BUILD/demo/ledger.i"
compiler=$("${CC:-cc}" -print-prog-name=cc1)
if [[ -x $compiler ]]; then
	command=("$compiler" -quiet -fpreprocessed -O2 "$BUILD/demo/ledger.i" -o "$BUILD/demo/ledger.s")
else # not gcc
	command=("${CC:-cc}" -O2 -S "$BUILD/demo/ledger.i" -o "$BUILD/demo/ledger.s")
fi
printf '\n$ pagegap run -- %s\n\n' "${command[*]}"
"$BUILD/pagegap" run -o "$BUILD/demo/recording" -- "${command[@]}" 2>&1
printf '\nThe recording is in %s: pagegap report --format=json prints it for programs.\n' "$BUILD/demo/recording"
