#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs what `make sanitize` built: unit tests under ASan+UBSan and TSan, and the reporter under ASan+UBSan over
# recordings that the uninstrumented library made, whole and damaged in a thousand places.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
export ASAN_OPTIONS=abort_on_error=0:exitcode=99
export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:exitcode=99
shopt -s nullglob

for program in "$BUILD"/asan/tests/unit/* "$BUILD"/tsan/tests/unit/*; do
	[[ -x $program && -f $program && $program != *.o ]] || continue
	if "$program" >out 2>&1; then
		ok "${program#"$BUILD/"}"
	else
		not_ok "${program#"$BUILD/"}" "$(grep -aE 'ERROR|FAILED|Sanitizer|runtime error|^ *#[0-3] ' out)"
	fi
done

run_gap bare /bin/ls -l /usr/lib
run_gap tree /bin/bash -c 'for i in 1 2 3; do /bin/true & done; wait; echo done | cat'
reporter=$BUILD/asan/pagegap
for name in bare tree; do
	check "the sanitized text report: $name" "$reporter" report "$name.rec"
	check "the sanitized JSON report: $name" "$reporter" report --format=json "$name.rec"
done

"$BUILD/tests/oracle/log_made" tree.rec >/dev/null
for format in text json chrome; do
	check "the sanitized log as $format" "$reporter" log --format=$format --descriptors --duration tree.rec
done

# 1,000 damaged copies, with a fixed seed: any status is right but that of a sanitizer or a signal.
RANDOM=1
capture=$(find bare.rec -name '*.capture' | head -n 1)
[[ -n $capture ]] || { not_ok 'a recording to damage' "$(cat bare.err)" && finish; }
bytes=$(stat -c %s "$capture")
mkdir damaged.rec
crashes=0
for ((i = 0; i < 1000; i++)); do
	cp "$capture" damaged.rec/1.0.capture
	for ((j = 0; j < 1 + i % 16; j++)); do
		# Half of the damage goes into the first 64 KiB, where the counts and indices are.
		((at = (RANDOM << 15 | RANDOM) % (j % 2 ? bytes : 65536)))
		printf -v byte '\\x%02x' $((RANDOM % 4 ? 255 : RANDOM % 256))
		printf '%b' "$byte" |
			dd of=damaged.rec/1.0.capture bs=1 seek="$at" conv=notrunc status=none
	done
	"$reporter" report --format=json damaged.rec >out 2>err
	status=$?
	if ((status == 99 || status > 128)); then
		crashes=$((crashes + 1))
		cp damaged.rec/1.0.capture "$BUILD/damaged.$i.capture"
		grep -m 1 -E 'ERROR|runtime error' err
	fi
done
check_eq "1,000 damaged recordings are survived (those that are not: $BUILD/damaged.*.capture)" 0 "$crashes"
finish
