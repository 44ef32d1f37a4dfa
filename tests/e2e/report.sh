#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagegap report` on good, bad and huge recordings, and the help of the command.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

run_gap good /bin/bash -c '/bin/true; /bin/echo x'
check_eq 'a whole recording: status' 0 "$("$PAGEGAP" report good.rec >good.text 2>good.said; echo $?)"
check_eq 'a whole recording: not a word on standard error' '' "$(cat good.said)"
check 'no line is longer than 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' good.text
"$PAGEGAP" report --exact --all good.rec >exact.text
check 'not with --exact --all either' awk 'length > 80 { print; bad = 1 } END { exit bad }' exact.text
check_eq 'a process has its own page' 1 "$("$PAGEGAP" report --process="$(json good '.processes[-1].pid')" good.rec | head -n 2 |
	grep -c "pid $(json good '.processes[-1].pid')")"
check_eq '--all has a page for each image' "$(json good '.processes | length')" "$(grep -c '^Time ' exact.text)"
ledger_balances 'every ledger adds up' good

# damaged SENTENCE STATUS PATTERN: the recording bad.rec is reported with this status and one line
damaged() {
	local status lines
	"$PAGEGAP" report bad.rec >bad.text 2>bad.said </dev/null
	status=$?
	lines=$(wc -l <bad.said)
	if ((status != $2)); then
		not_ok "$1" "status $status: $(cat bad.said)"
	elif ((lines != 1)) || ! grep -q "$3" bad.said; then
		not_ok "$1" "$lines lines: $(cat bad.said)"
	else
		ok "$1"
	fi
}
root=$(basename "$(find good.rec -name '*.0.capture' | sort | head -n 1)")
fresh() {
	rm -rf bad.rec && cp -r good.rec bad.rec
}
number() { # little endian, four bytes
	printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}
fresh && truncate -s 1000 "bad.rec/$root"
damaged 'a truncated capture' 1 "$root: truncated"
check 'the others are reported' grep -q 'Time' bad.text
fresh && : >"bad.rec/$root"
damaged 'an empty capture' 1 "$root: empty"
fresh && cp /bin/true "bad.rec/$root"
damaged 'a foreign file' 1 "$root: not a capture of pagegap"
fresh && number 77 | dd of="bad.rec/$root" bs=1 seek=8 conv=notrunc status=none
damaged 'a capture of the future' 1 'made by a newer pagegap (format 77), this one reads 2'
fresh && ln -s /etc/passwd bad.rec/1.0.capture
damaged 'a symbolic link' 1 '1.0.capture: a symbolic link'
fresh && mkfifo bad.rec/1.0.capture
damaged 'a FIFO' 1 '1.0.capture: not a regular file'
fresh && find bad.rec -name '*.capture' -exec cp /bin/true {} \;
"$PAGEGAP" report bad.rec >bad.text 2>bad.said
check_eq 'nothing but bad captures: status' 125 $?
check 'nothing but bad captures: the last line sums up' grep -q 'none of its .* captures can be read' bad.said
rm -rf bad.rec && mkdir bad.rec
damaged 'an empty directory' 125 'not a recording: there is no capture in it'
rm -rf bad.rec && : >bad.rec
damaged 'a file' 125 'not a recording: not a directory'
rm -f bad.rec
damaged 'nothing at all' 125 'bad.rec: No such file or directory'

mkdir here && cd here || exit 1
"$PAGEGAP" report >out 2>said
check_eq 'no recording here: status' 125 $?
check 'no recording here: what to do' grep -q "make one with 'pagegap run PROGRAM'" said
"$PAGEGAP" run true 2>/dev/null
sleep 0.02
"$PAGEGAP" run echo the newest >/dev/null 2>&1
check 'without a name the newest here is reported' grep -q '^echo the newest' <("$PAGEGAP" report)
cd "$WORK" || exit 1
"$PAGEGAP" report good.rec >/dev/full 2>full.said
check_eq 'a full disk: status' 125 $?
check_eq 'a full disk: one line' 'pagegap: standard output: the report could not be written: No space left on device' "$(cat full.said)"
"$PAGEGAP" report good.rec >&- 2>closed.said
check_eq 'a closed standard output: status' 125 $?

# A big recording is a small one with new names and pids.
leaf=$(find good.rec -name '*.1.capture' | head -n 1)
/usr/bin/python3 - "$leaf" <<'PYTHON'
import os, struct, sys
capture = bytearray(open(sys.argv[1], "rb").read())
os.mkdir("big.rec")
for pid in range(5000001, 5002001):
    struct.pack_into("<II", capture, 20, pid, 5000001 + (pid - 5000001) // 2)   # pid, parent_pid
    struct.pack_into("<Q", capture, 40, 10**9 + pid)                           # start_ns
    with open(f"big.rec/{pid}.1.capture", "wb") as out:
        out.write(capture)
PYTHON
resident() {
	/usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=open("big.out", "w"), check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
check_eq 'a report of 2,000 processes needs less than 64 MiB' 1 $(($(resident "$PAGEGAP" report big.rec) < 65536))
check 'and folds them' grep -q 'more: .*(--all' <(tr '\n' ' ' <big.out)
check_eq 'its page stays short' 1 $(($(wc -l <big.out) < 120))
check_eq 'so does its JSON' 1 $(($(resident "$PAGEGAP" report --format=json big.rec) < 65536))
check_eq 'which has all of them' 2000 "$(jq '.processes | length' big.out)"

# Help

"$PAGEGAP" --help >help.text
check_eq 'help: status' 0 $?
for verb in run report snapshot; do
	check "help lists $verb" grep -q "^  $verb " help.text
	"$PAGEGAP" help $verb >"$verb.help" && "$PAGEGAP" $verb --help >"$verb.also"
	check "$verb --help is help $verb" cmp "$verb.help" "$verb.also"
	check "help $verb fits 80 columns" awk 'length > 80 { print; bad = 1 } END { exit bad }' "$verb.help"
	while read -r option; do
		check "the manual has $verb $option" grep -qF -- "${option//-/\\-}" "$SRC/report/pagegap.1"
	done < <(grep -oE -- '--[a-z]+' "$verb.help" | sort -u)
done
check 'help fits 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' help.text
check 'the version is said' grep -qE '^pagegap [0-9]' <("$PAGEGAP" --version)
if command -v man >/dev/null; then
	check_eq 'the manual has no fault' '' "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$SRC/report/pagegap.1" 2>&1 >/dev/null)"
else
	skip 'the manual has no fault' 'man is not installed'
fi
finish
