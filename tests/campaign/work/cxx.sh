# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: g++
# C++ programs with exceptions, threads and thread-local objects, compiled and run.
# leaves-out: *.o
set -e
for name in exceptions thread_locals bad_alloc operator_new; do
	g++ -std=gnu++17 -O2 -pthread -I"$INPUTS/hostile" "$INPUTS/hostile/$name.cc" -o "$name"
	"./$name"
	echo "$name: status $?"
done
