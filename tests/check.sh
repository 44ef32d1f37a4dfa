#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs tests and counts. Without arguments: every unit test, every tests/check_*.sh, the lint, every tests/e2e/*.sh;
# with arguments: those scripts or unit test programs, one after the other. A test prints `ok …`, `not ok …` or `skip …` lines (unit tests:
# TAP); one that prints none, or that ends with a bad status without naming a failure, counts as failed. Logs stay in
# $BUILD/check/.
set -u
# Signals that are ignored here, by nohup say, could not be trapped by the shells that the tests run: trap(1).
[[ ${CHECK_SIGNALS:-} == default ]] || CHECK_SIGNALS=default exec env --default-signal bash "$0" "$@"
SRC=${SRC:-$(cd "$(dirname "$0")/.." && pwd)}
BUILD=${BUILD:-$SRC/build}
export SRC BUILD CMOCKA_MESSAGE_OUTPUT=TAP
# Tests that run make are not part of the make that runs them; nor is what runs them observed.
unset MAKEFLAGS MFLAGS MAKELEVEL LD_PRELOAD "${!PAGEGAP_@}"
cd "$SRC" || exit 1
logs=$BUILD/check
rm -rf -- "$logs" && mkdir -p "$logs" || exit 1

# Debian's redis-server is redis-check-rdb under another name; with redis-tools alone, no daemon gets installed and
# started.
if ! command -v redis-server >/dev/null && command -v redis-check-rdb >/dev/null; then
	mkdir -p "$BUILD/tools" && ln -sfn "$(readlink -f "$(command -v redis-check-rdb)")" "$BUILD/tools/redis-server"
	PATH=$BUILD/tools:$PATH
fi

if (($#)); then
	tests=("$@")
else
	shopt -s nullglob
	tests=()
	for source in tests/unit/*.c; do
		tests+=("$BUILD/${source%.c}")
	done
	tests+=(tests/check_*.sh tests/lint.sh tests/e2e/*.sh)
fi

name_of() {
	local name=${1#"$BUILD/"}
	name=${name#tests/}
	echo "${name%.sh}"
}
log_of() {
	local name
	name=$(name_of "$1")
	echo "$logs/${name//\//_}.log"
}

# Leaves the log, and beside it the status and the seconds.
run_test() {
	local log started=$SECONDS
	log=$(log_of "$1")
	if [[ $1 == *.sh ]]; then
		bash "$1" </dev/null >"$log" 2>&1
	else
		"$1" </dev/null >"$log" 2>&1
	fi
	echo "$? $((SECONDS - started))" >"$log.ended"
}

tell() {
	local name log status seconds skips oks faults
	name=$(name_of "$1") log=$(log_of "$1")
	read -r status seconds <"$log.ended" || status=lost
	# cmocka prints a skipped test as "not ok N # SKIP name".
	skips=$(grep -caE '^skip\b|^(not )?ok .*# SKIP' "$log")
	oks=$(grep -aE '^ok\b' "$log" | grep -vc '# SKIP')
	faults=$(grep -aE '^not ok\b' "$log" | grep -vc '# SKIP')
	if [[ $faults == 0 && $status != 0 ]]; then
		echo "not ok - $name: ended with status $status; last line: $(tail -n 1 "$log")" >>"$log"
		faults=1
	elif ((oks + faults + skips == 0)); then
		echo "not ok - $name: checked nothing" >>"$log"
		faults=1
	fi
	passed=$((passed + oks)) failed=$((failed + faults)) skipped=$((skipped + skips))
	printf '%-32s %4d passed' "$name" "$oks"
	((faults == 0)) || printf ', %d FAILED' "$faults"
	((skips == 0)) || printf ', %d skipped' "$skips"
	printf '  (%d s)\n' "$seconds"
	grep -aE '^not ok\b' "$log" | grep -v '# SKIP' | head -n 20 | cut -c 1-400 | sed 's/^/    /'
	grep -aE '^skip\b|^(not )?ok .*# SKIP' "$log" | head -n 20 | cut -c 1-200 | sed 's/^/    /'
}

# Long ones that measure nothing of the machine run beside the others, where there is a second processor; whoever is done with the
# others takes of these too, from the end.
beside=()
if (($# == 0 && $(nproc) > 1)); then
	beside=(tests/e2e/{hostile,compare}.sh tests/check_build.sh tests/e2e/{hostile_log,oracle_access,hostile_all_calls}.sh tests/lint.sh
		tests/e2e/{debuggers,sites_formats,log_read,symbols,oracle_decode}.sh)
fi
take_beside() {
	local test
	for test; do
		! mkdir "$(log_of "$test").taken" 2>/dev/null || run_test "$test"
	done
}
take_beside "${beside[@]}" &
trap 'kill $(jobs -p) 2>/dev/null' EXIT

passed=0 failed=0 skipped=0
for test in "${tests[@]}"; do
	[[ " ${beside[*]} " != *" $test "* ]] || continue
	run_test "$test"
	tell "$test"
done
for ((i = ${#beside[@]} - 1; i >= 0; i--)); do
	take_beside "${beside[i]}"
done
wait
for test in "${beside[@]}"; do
	tell "$test"
done
printf '\n%d passed, %d failed, %d skipped; %d test files in %d s; logs in %s\n' \
	"$passed" "$failed" "$skipped" "${#tests[@]}" "$SECONDS" "$logs"
((failed == 0))
