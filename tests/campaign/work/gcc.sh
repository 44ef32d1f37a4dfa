# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: gcc
# gcc on a file of more than 5,000 lines: compiler, assembler and linker, with and without optimisation.
# images: exact
set -e
wc -l <"$INPUTS/large.c"
cp "$INPUTS/large.c" .
gcc -O2 -g -c large.c -o optimised.o
gcc -O0 -pipe large.c -o program
gcc optimised.o -o optimised
./program
./optimised
gcc -Wall -fsyntax-only -x c - <<<'int f(void) { return x; }' || echo "status $?"
