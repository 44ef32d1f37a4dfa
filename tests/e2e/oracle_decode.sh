#!/bin/bash
# SPDX-License-Identifier: MIT
# Calls in words against strace's own lines: the same programs under both, call for call. What may differ, and why, stands in
# tests/oracle/decode_judge.pl.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"

version=$(strace --version 2>/dev/null | sed -n '1s/.* //p')
if [[ $version != 6.1 ]]; then
	skip 'decoded calls read as those of strace' "strace is '${version:-not installed}', and each version has other words; these are of 6.1"
	finish
fi
if ! strace -o /dev/null true 2>/dev/null; then
	skip 'decoded calls read as those of strace' 'nothing may be traced here'
	finish
fi
tracer=$BUILD/tests/oracle/decode_tracer
fixed=()
setarch -R true 2>/dev/null && fixed=(setarch -R)
export LC_ALL=C TZ=UTC

# reads_alike SENTENCE NAME PROGRAM [ARG…]: in a directory of its own each time, which is called the same
reads_alike() {
	local sentence=$1 name=$2 verdict
	shift 2
	rm -rf here && mkdir here
	(cd here && "${fixed[@]}" strace -ff -o "$WORK/$name.strace" "$@" >"$WORK/$name.out" 2>&1 </dev/null)
	rm -rf here && mkdir here
	(cd here && "${fixed[@]}" "$tracer" "$WORK/$name.ours" "$@" >"$WORK/$name.out2" 2>&1 </dev/null)
	if verdict=$("$SRC/tests/oracle/decode_judge.pl" "$WORK/$name.strace" "$WORK/$name.ours" 2>&1); then
		ok "$sentence ($(tail -n 1 <<<"$verdict"))"
	else
		not_ok "$sentence" "$(tail -n 1 <<<"$verdict"): $(grep '^[-+]' <<<"$verdict" | head -n 6)"
	fi
}

mkdir many && (cd many && touch file{1..500} && ln -s file1 link && mkfifo fifo && chmod 4755 file2)
head -c 100000 /dev/urandom >bytes
reads_alike 'ls -l of many files' ls ls -l "$WORK/many"
reads_alike 'cat' cat cat "$WORK/bytes" /etc/passwd /nothing
reads_alike 'cp' cp cp -r "$WORK/many" "$WORK/bytes" .
reads_alike 'touch' touch touch -d '2020-01-02 03:04:05.678' new
reads_alike 'tar' tar tar cf new.tar -C "$WORK" many
# shellcheck disable=SC2016 # $x is the shell's that runs there
reads_alike 'a shell that runs programs' sh sh -c 'exec 2>/dev/null; x=$(cat /etc/hostname; exit 4); ls /nothing; cd /tmp && umask 022 && /bin/echo "$x"'
if command -v git >/dev/null; then
	# A file as new as the index is read again by whoever looks first, and by nobody else.
	git init -q repository && echo text >repository/file && touch -d yesterday repository/file && git -C repository add file 2>/dev/null
	git -C repository status >/dev/null
	reads_alike 'git status' git git -C "$WORK/repository" status
else
	skip 'git status' 'git is not installed'
fi
reads_alike 'a program in Python' python /usr/bin/python3 -S -E "$SRC/tests/oracle/decode_python.py"
reads_alike 'calls that succeed' real "$BUILD/tests/oracle/decode_real"
reads_alike 'every call of the table with every kind of argument, as if it failed' failing "$BUILD/tests/oracle/decode_calls" plain 5
reads_alike 'the same as if it succeeded' succeeding "$BUILD/tests/oracle/decode_calls" plain 0
check_eq 'rubbish for arguments is survived' 0 "$("$tracer" rubbish.ours "$BUILD/tests/oracle/decode_calls" rubbish 0 >/dev/null 2>&1; echo $?)"
finish
