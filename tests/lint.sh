#!/bin/bash
# SPDX-License-Identifier: MIT
# Static checks: shellcheck, cppcheck, the house rules; TIDY=1 adds clang-tidy's analyzer, which is slow.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$SRC" || exit 1
failed=0

# verdict SENTENCE OUTPUT: no output is good
verdict() {
	if [[ -z $2 ]]; then
		echo "ok - $1"
	else
		failed=1
		printf '%s\n' "$2"
		echo "not ok - $1: $(printf '%s\n' "$2" | head -n 1)"
	fi
}

parts=()
for part in preload alloc report examples tests; do
	[[ -d $part ]] && parts+=("$part")
done
mapfile -t scripts < <(find "${parts[@]}" -name '*.sh' | sort)
mapfile -t sources < <(find "${parts[@]}" \( -name '*.c' -o -name '*.cc' -o -name '*.h' -o -name '*.S' \) | sort)

if command -v shellcheck >/dev/null; then
	verdict "shellcheck finds nothing in ${#scripts[@]} scripts" \
		"$(shellcheck -x -f gcc "${scripts[@]}" .ci/run 2>&1)"
else
	echo 'skip - shellcheck: not installed'
fi

if command -v cppcheck >/dev/null; then
	# Out parameters that another file fills look uninitialised (*uninitvar). Observed programs leak and misuse on
	# purpose. What is C is for the compiler to say: cppcheck knows less of it (syntaxError).
	verdict 'cppcheck finds nothing in preload/, alloc/ and report/' "$(cppcheck --quiet --std=c11 --language=c \
		--enable=warning,performance,portability --inline-suppr --suppress=ctuuninitvar --suppress=legacyUninitvar \
		--template=gcc -D_GNU_SOURCE -D__x86_64__ preload alloc report 2>&1)"
	verdict 'cppcheck finds no error in examples/ and tests/' "$(cppcheck --quiet --inline-suppr --template=gcc \
		--suppress=memleak --suppress=memleakOnRealloc --suppress=uninitdata --suppress=returnDanglingLifetime \
		--suppress=syntaxError -D_GNU_SOURCE -D__x86_64__ examples tests 2>&1)"
else
	echo 'skip - cppcheck: not installed'
fi

verdict 'every file names its licence' "$(for file in "${sources[@]}" "${scripts[@]}" .ci/run Makefile; do
	head -n 3 "$file" | grep -qF 'SPDX-License-Identifier: MIT' || echo "$file"
done)"
verdict 'what the Makefile runs can be run' "$(find tests tests/campaign -maxdepth 1 -name '*.sh' ! -perm -u+x)"
verdict 'nothing is left for later' \
	"$(grep -nE '\<(TODO|FIXME|XXX)\>' "${sources[@]}" "${scripts[@]}" | grep -vF 'tests/lint.sh:')"

if [[ ${TIDY:-} ]]; then
	verdict "clang-tidy's analyzer finds nothing in preload/ and report/" "$(clang-tidy --quiet \
		--checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*' preload/*.c report/*.c -- \
		-std=gnu17 -D_GNU_SOURCE= 2>/dev/null)"
fi
exit "$failed"
