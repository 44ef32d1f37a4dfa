#!/bin/bash
# SPDX-License-Identifier: MIT
# `pagegap compare`: what it measures, what it says, what it leaves behind.
# shellcheck disable=SC2016,SC2317 # variables are the observed shell's; functions are called by check
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"

mkdir scratch
export TMPDIR=$PWD/scratch
cc=${CC:-cc}

# compare NAME [OPTION…] PROGRAM…: leaves NAME.json, NAME.err, NAME.status
compare() {
	local name=$1
	shift
	"$PAGEGAP" compare --format=json "$@" >"$name.json" 2>"$name.err" </dev/null
	echo $? >"$name.status"
}
# said NAME FILTER
said() { jq -r "$2" "$1.json"; }

# one_line SENTENCE STATUS PATTERN COMMAND…: the command ends with the status and says exactly one line, which matches
one_line() {
	local sentence=$1 expected=$2 pattern=$3 status
	shift 3
	"$@" >line.out 2>line.err </dev/null
	status=$?
	if ((status != expected)); then
		not_ok "$sentence" "status $status: $(cat line.err)"
	elif (($(wc -l <line.err) != 1)) || ! grep -qE -- "$pattern" line.err; then
		not_ok "$sentence" "$(cat line.err)"
	elif [[ -s line.out ]]; then
		not_ok "$sentence" "on standard output: $(cat line.out)"
	else
		ok "$sentence"
	fi
}

installed=glibc
for name in jemalloc mimalloc tcmalloc; do
	if "$PAGEGAP" compare --runs=1 --alloc=$name true >/dev/null 2>&1; then
		installed+=,$name
	else
		skip "comparisons with $name" 'not installed'
	fi
done
another=${installed#glibc,} another=${another%%,*}
if [[ $another == glibc ]]; then
	skip 'everything' 'no allocator is installed beside glibc'
	finish
fi
another_path=$("$PAGEGAP" compare --runs=1 --format=json --alloc="$another" true | jq -r '.allocators[0].path')

# Bad input

one_line 'no program' 125 'which program' "$PAGEGAP" compare
one_line 'a program that is nowhere: 127' 127 '^pagegap: no-such-program: not found on PATH$' "$PAGEGAP" compare no-such-program
: >plain
one_line 'a file that is not executable: 126' 126 '^pagegap: \./plain: Permission denied$' "$PAGEGAP" compare ./plain
printf '#!/no/such/interpreter\n' >script && chmod +x script
one_line 'a script without its interpreter: 127' 127 '^pagegap: \./script: No such file' "$PAGEGAP" compare ./script
one_line 'an unknown option' 125 "^pagegap: compare --frob: no such option; see 'pagegap help compare'" "$PAGEGAP" compare --frob true
for runs in 0 -1 1001 x 3x ''; do
	one_line "--runs=$runs" 125 "^pagegap: --runs=$runs: give a number from 1 to 1000" "$PAGEGAP" compare --runs="$runs" true
done
one_line 'an unknown format' 125 'format=xml: not a format; give text, json or csv' "$PAGEGAP" compare --format=xml true
one_line 'an unknown allocator' 125 'alloc=frob: not an allocator that is known by name; give glibc,' "$PAGEGAP" compare --alloc=frob true
one_line 'an empty name' 125 'alloc=glibc,: a name is missing' "$PAGEGAP" compare --alloc=glibc, true
one_line 'a library that is not there' 125 'alloc=./none.so: No such file' "$PAGEGAP" compare --alloc=./none.so true
one_line 'a library that is a directory' 125 'alloc=./: not a file' "$PAGEGAP" compare --alloc=./ true
echo text >text.so
one_line 'a library that is a text' 125 'alloc=./text.so: not an ELF file' "$PAGEGAP" compare --alloc=glibc,./text.so true
head -c 30 /bin/true >cut.so
one_line 'a library that is cut' 125 'alloc=./cut.so: not an ELF file' "$PAGEGAP" compare --alloc=./cut.so true
one_line 'a library that is a program' 125 'alloc=/bin/ls: a program' "$PAGEGAP" compare --alloc=/bin/ls true
if echo 'int x;' | $cc -m32 -shared -fPIC -nostdlib -x c - -o small.so 2>/dev/null; then
	one_line 'a library of another class' 125 'alloc=./small.so: a library for another architecture' "$PAGEGAP" compare --alloc=./small.so true
else
	skip 'a library of another class' 'the compiler makes no 32-bit libraries'
fi
one_line 'an input that is not there' 125 'stdin=none: No such file' "$PAGEGAP" compare --stdin=none true
mkfifo pipe
one_line 'an input that can be read only once' 125 'stdin=pipe: not a file' "$PAGEGAP" compare --stdin=pipe true
one_line 'a directory for the output that is there already' 125 'keep-output=scratch: File exists' "$PAGEGAP" compare --keep-output=scratch true
TMPDIR=/no/where "$PAGEGAP" compare --runs=1 --alloc=glibc --format=json true >nowhere.json 2>nowhere.err
check_eq 'without a place for recordings the rest is compared' '0 null 1' "$? $(said nowhere .allocators[0].observed) $(grep -c TMPDIR nowhere.err)"

# What is run

"$PAGEGAP" compare --alloc="$installed" --runs=2 -- sh -c 'echo to standard output; echo to standard error >&2' >text.out 2>text.err </dev/null
check_eq 'a comparison: status' 0 $?
check_eq 'not a word on standard error' '' "$(cat text.err)"
check_eq 'nothing of the program on standard output' 0 "$(grep -c '^to standard' text.out)"
check 'no line is longer than 80 columns' awk 'length > 80 { print; bad = 1 } END { exit bad }' text.out
check_eq 'no colour in a file' 0 "$(grep -c $'\033' text.out)"
check 'outputs are said to be equal' grep -q 'outputs equal' text.out
compare turns --runs=3 --alloc="glibc,$another,glibc" sh -c 'echo "${LD_PRELOAD:-none}" >>turns'
check_eq 'a warm-up of each, then they take turns, each beginning a round' \
	"none $another_path none none $another_path none $another_path none none none none $another_path" \
	"$(head -n 12 turns | tr '\n' ' ' | sed 's/ $//')"
check_eq 'then once each under pagegap' "none $another_path none" "$(tail -n +13 turns | tr '\n' ' ' | sed 's/ $//')"
check_eq 'a second one of a name gets a number' "glibc $another glibc#2" "$(said turns '[.allocators[].name] | join(" ")')"
env FROB=1 "$PAGEGAP" compare --runs=1 --alloc="$another" --keep-output=env.kept sh -c 'env; echo error >&2' >/dev/null
check_eq 'the allocator is all that the environment gets' "LD_PRELOAD=$another_path" \
	"$(diff <(env FROB=1 sh -c env | sort) <(sort env.kept/stdout) | grep '^>' | cut -c 3-)"
check_eq 'standard error is kept too' error "$(cat env.kept/stderr)"
check_eq 'what is kept is its owner'\''s alone' '700 600 600' "$(stat -c %a env.kept env.kept/stdout env.kept/stderr | tr '\n' ' ' | sed 's/ $//')"
seq 100000 >input
compare input --runs=2 --alloc="glibc,$another" --stdin=input --keep-output=input.kept cat
check 'every run reads the input from its beginning' cmp input input.kept/stdout
check_eq 'its output was counted' "$(stat -c %s input)" "$(said input '[.allocators[].runs[].stdout.bytes] | unique[]')"
compare empty --runs=1 --alloc=glibc cat
check_eq 'without an input it is empty' 0 "$(said empty '.allocators[0].runs[0].stdout.bytes')"
compare long --runs=1 --alloc=glibc --keep-output=long.kept sh -c 'head -c 100000000 /dev/zero'
check_eq 'a long output is counted whole and kept in part' "100000000 $((64 << 20))" \
	"$(said long '.allocators[0].runs[0].stdout.bytes') $(stat -c %s long.kept/stdout)"
rm -rf long.kept
same() {
	local sentence=$1
	shift
	"$@" >bare.out 2>&1 </dev/null
	rm -rf same.kept
	"$PAGEGAP" compare --runs=1 --alloc=glibc --keep-output=same.kept -- "$@" >/dev/null 2>&1 </dev/null
	check "$sentence" diff bare.out same.kept/stdout
}
same 'signal mask and dispositions are the command'\''s' grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
(trap '' HUP USR1 PIPE CHLD
same 'ignored and blocked ones too' env --block-signal=USR2,CHLD,INT grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status)
same 'descriptors' /bin/bash -c 'for fd in /proc/self/fd/*; do case $fd in */255|*/3) ;; *) echo "$fd"; esac; done'
same 'limits' cat /proc/self/limits

# Where allocators are found

mkdir -p place/bin place/lib 'a place' own
cp "$PAGEGAP" place/bin/pagegap
PAGEGAP=$PWD/place/bin/pagegap compare missing --runs=1 --alloc=glibc,pool true
check_eq 'what is not installed is said' 'pool: part of pagegap' "$(said missing '.not_installed[] | "\(.name): \(.package)"' | cut -d ';' -f 1)"
check_eq 'the others are compared' glibc "$(said missing '[.allocators[].name] | join(" ")')"
cp "$another_path" place/lib/libpagepool.so
PAGEGAP=$PWD/place/bin/pagegap compare pool --runs=1 --alloc=pool true
check_eq 'the pool is found in ../lib' "$PWD/place/lib/libpagepool.so" "$(said pool '.allocators[0].path')"
cp "$another_path" place/bin/libpagepool.so
PAGEGAP=$PWD/place/bin/pagegap compare pool --runs=1 --alloc=pool true
check_eq 'or beside the command' "$PWD/place/bin/libpagepool.so" "$(said pool '.allocators[0].path')"
cp "$another_path" own/
LD_LIBRARY_PATH=$PWD/own compare own --runs=1 --alloc="$another" true
check_eq 'LD_LIBRARY_PATH comes first, as for ld.so' "$PWD/own/$(basename "$another_path")" "$(said own '.allocators[0].path')"
cp "$another_path" 'a place/mine.so.1'
compare blank --runs=1 --alloc=glibc,'a place/mine.so.1' /usr/bin/python3 -c 'print(1)'
check_eq 'a path with a blank: its name and its effect' 'mine true true' \
	"$(said blank '.allocators[1] | "\(.name) \(.took_effect) \(.observed.malloc != "glibc")"')"
compare all --runs=1 --alloc="$installed" /usr/bin/python3 -c 'print(1)'
check_eq 'every allocator took effect' true "$(said all '[.allocators[].took_effect] | all')"
LD_PRELOAD=$another_path "$PAGEGAP" compare --runs=1 --alloc=glibc /usr/bin/python3 -c 'print(1)' >theirs.text
check 'nor was glibc where something else is preloaded' grep -q '^note: glibc was not used' theirs.text
echo 'int frob;' | $cc -shared -fPIC -x c - -o idle.so
"$PAGEGAP" compare --runs=1 --alloc=glibc,./idle.so /usr/bin/python3 -c 'print(1)' >idle.text
check 'a library without a malloc was not used' grep -q '^note: idle was not used: the program.s malloc is that of glibc$' idle.text

# What is measured

cat >eat.c <<'C'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	size_t bytes = (size_t)atol(argv[1]) << 20;
	char *block = malloc(bytes);
	memset(block, argc, bytes);
	usleep(200000);
	return block[bytes / 2] != argc;
}
C
$cc -O1 -fno-builtin -o eat eat.c || exit 1
compare eat --runs=8 --alloc=glibc ./eat 64
check_eq 'the peak is what was touched' true "$(said eat '.allocators[0].figures.max_rss_bytes.median / 1048576 | . > 64 and . < 68')"
check_eq 'so are the faults' true "$(said eat '.allocators[0].figures.minor_faults.median | . > 32 and . < 17500')"
check_eq 'the time has the sleep in it, which processor time has not' true \
	"$(said eat '.allocators[0].figures | .wall_ns.median - .cpu_ns.median >= 0.19e9 and .cpu_ns.median > 0')"
compare below --runs=3 --alloc=glibc sh -c './eat 48; ./eat 16; true'
check_eq 'children count' true "$(said below '.allocators[0].figures.max_rss_bytes.median / 1048576 | . > 48 and . < 52')"
median() { sort -n | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }
if [[ -x /usr/bin/time ]]; then
	# agrees PROGRAM…: with time(1) on the peak of resident memory, within 5 %
	agrees() {
		local theirs ours
		theirs=$(for _ in 1 2 3 4 5 6 7; do /usr/bin/time -f %M -o time.out "$@" >/dev/null 2>&1 </dev/null; tail -n 1 time.out; done | median)
		compare agrees --runs=8 --alloc=glibc "$@"
		ours=$(said agrees '.allocators[0].figures.max_rss_bytes.median / 1024 | floor')
		check "time -v agrees on the peak of $1: $theirs and $ours kB" awk -v a="$theirs" -v b="$ours" \
			'BEGIN { exit !(b > a * 0.95 && b < a * 1.05) }'
	}
	agrees ./eat 20
	agrees /usr/bin/python3 -c 'x = [str(i) for i in range(200000)]'
	agrees perl -e 'my @x = map { "x" x $_ } 1 .. 3000;'
	agrees sort -r input
	agrees sh -c './eat 30; ./eat 10'
else
	skip 'time -v agrees on the peak' '/usr/bin/time is not installed'
fi
if command -v hyperfine >/dev/null; then
	# as_hyperfine COMMAND: our interval of the median and its range of times have something in common
	as_hyperfine() {
		local theirs
		local -a words
		eval "words=($1)"
		hyperfine -N -w 1 -r 12 --export-json hyperfine.json "$1" >/dev/null 2>&1
		theirs=$(jq -r '.results[0] | "\(.min) \(.max)"' hyperfine.json)
		compare hyper --runs=12 --alloc=glibc "${words[@]}"
		check "hyperfine agrees on the time of $1" awk -v theirs="$theirs" -v ours="$(said hyper \
			'.allocators[0].figures.wall_ns | "\(.low / 1e9) \(.high / 1e9)"')" \
			'BEGIN { split(theirs, t, " "); split(ours, o, " "); exit !(o[1] > 0 && o[1] <= t[2] && t[1] <= o[2]) }'
	}
	as_hyperfine 'sleep 0.1'
	# Of what computes, the two can only agree where nobody else does: tests/campaign/compare.sh.
	if [[ ${TIMES:-} ]]; then
		as_hyperfine './eat 20'
		as_hyperfine "perl -e '@x = map { \"x\" x \$_ } 1 .. 3000'"
		as_hyperfine 'sort -r input'
		as_hyperfine "/usr/bin/python3 -c 'x = [str(i) for i in range(200000)]'"
	fi
else
	skip 'hyperfine agrees on the time' 'not installed'
fi
compare cow --runs=1 --alloc="$installed" "$BUILD/examples/copy_on_write"
# 1,024 pages by a child and 512 by its parent, and some of their stacks, data and heap.
check_eq 'copies after forks are known of each' true "$(said cow '[.allocators[].observed.cow | .forks == 3 and
	.copied_pages >= 1536 and .copied_pages < 1536 + 200 and .inherited_pages >= 3 * 4096] | all')"
PYTHONMALLOC=malloc compare fork --runs=1 --alloc="$installed" /usr/bin/python3 -c 'import os, sys, time
x = [str(i) for i in range(200000)]
if os.fork() == 0:
    for s in x: sys.getrefcount(s)
    y = [s for s in x]
    os._exit(0)
os.wait()'
check_eq 'so are those of a heap' true "$(said fork '[.allocators[].observed.cow | .forks == 1 and .copied_pages > 1000] | all')"
check_eq 'so is how full the pages are' true "$(said fork '[.allocators[].observed | .page_fill | map(.pages) | add > 1000] | all')"
check_eq 'the rows add up to what was resident' true \
	"$(said fork '[.allocators[].observed | (.rows | map(.resident_bytes) | add) == .rss_bytes] | all')"

# The same twice

same=0
for _ in {1..20}; do
	compare twice --alloc=glibc,glibc --runs=10 perl -e '@x = 1 .. 10000'
	[[ $(said twice '.allocators[1].verdict') == same ]] && same=$((same + 1))
done
# With 10 runs each is wrong with a probability of 0.4 % at most: two of them in one of 330.
check "the same allocator under two names is no difference: $same of 20 comparisons" test $same -ge 19
compare large --runs=8 --alloc="glibc,$another" sh -c 'case ${LD_PRELOAD-} in "") ./eat 8 ;; *) ./eat 24 ;; esac'
check_eq 'what takes three times the memory is said to' 'different more' "$(said large '.allocators[1] | "\(.verdict) \(.figures.max_rss_bytes.verdict)"')"

# Programs that do not do the same

cat >usable.c <<'C'
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	size_t usable = malloc_usable_size(malloc(20));
	(void)argv;
	printf("%zu\n", usable);
	if (argc > 2 && usable != 24)
		raise(SIGTERM);
	return argc > 1 ? (int)usable : 0;
}
C
$cc -O1 -fno-builtin -o usable usable.c || exit 1
compare usable --runs=2 --alloc="glibc,$another" ./usable
check_eq 'outputs that depend on the allocator' 'false true 0 4' \
	"$(said usable '"\(.stdout_agrees) \(.ends_agree) \(.allocators[0].differing_runs.stdout) \(.allocators[1].differing_runs.stdout)"')"
"$PAGEGAP" compare --runs=2 --alloc="glibc,$another" ./usable 1 >usable.text
check 'it is said which runs' grep -q "^note: $another: standard output of 4 of 4 runs differs from that of the warm-up" usable.text
check 'and whose exit status' grep -q "^note: $another: 4 of 4 runs ended otherwise than the warm-up of glibc did" usable.text
check_eq 'they are not said to be equal' 0 "$(grep -c 'outputs equal' usable.text)"
compare signals --runs=2 --alloc="glibc,$another" ./usable 1 2
check_eq 'exits and signals are told apart' '{"kind":"exit","code":24} {"kind":"signal","code":15}' \
	"$(said signals '[.allocators[].runs[0].ended_by | tojson] | join(" ")')"
"$PAGEGAP" compare --runs=8 --alloc="glibc,$another" sh -c 'case ${LD_PRELOAD-} in "") ./eat 8 ;; *) echo too early >&2; exit 3 ;; esac' >early.text
check 'how the first of them ended, and what it said' grep -q 'exit 3; standard error begins: too early' <(tr -s '\n ' ' ' <early.text)
check 'one that fails early is not praised for it' grep -q 'but the program did not end as it should' <(tr -s '\n ' ' ' <early.text)
check_eq 'nor proposed' 0 "$(grep -c '^Use it' early.text)"
echo 'int x;' | $cc -shared -fPIC -x c - -o libneeded.so && echo 'extern int x; int *p = &x;' | $cc -shared -fPIC -x c - -o needs.so -L. -lneeded
rm -f libneeded.so
"$PAGEGAP" compare --runs=1 --alloc=glibc,./needs.so true >needs.text
check 'a library that cannot be loaded is told from a program that cannot be preloaded' grep -q 'exit 127; standard error begins: .*libneeded.so' \
	<(tr -s '\n ' ' ' <needs.text)
check_eq 'which that is not' 0 "$(grep -c 'has no effect' needs.text)"
"$PAGEGAP" compare --runs=1 --alloc="glibc,$another" sh -c 'echo it went wrong >&2; exit 7' >fails.text
check_eq 'a program that fails: the comparison does not' 0 $?
check 'it is said how' grep -q '^note: exit 7 in all runs; standard error begins: it went wrong$' fails.text
"$PAGEGAP" compare --runs=1 --alloc="glibc,$another" bash -c 'ulimit -c 0; kill -SEGV $$' >killed.text
check 'a program that is killed' grep -q '^note: signal 11 (SIGSEGV) in all runs' killed.text
echo 'int main(void) { return 0; }' >five.c
if $cc -static -o static five.c 2>/dev/null; then
	"$PAGEGAP" compare --runs=1 --alloc="glibc,$another" ./static >static.text
	check 'a static executable is said to be out of reach' grep -q '^note: LD_PRELOAD has no effect on a static executable' static.text
fi
cat >own.c <<'C'
#include <stddef.h>
static char pool[1 << 20];
static size_t at;
void *malloc(size_t size) { void *block = pool + at; at += (size + 15) & ~(size_t)15; return block; }
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *block, size_t size) { (void)block; return malloc(size); }
int main(void) { return !malloc(100); }
C
$cc -fno-builtin -o own_malloc own.c || exit 1
"$PAGEGAP" compare --runs=1 --alloc="glibc,$another" ./own_malloc >own.text
check 'so is one that brings its own malloc' grep -q '^note: LD_PRELOAD has no effect on an executable that brings its own' own.text
if ((EUID == 0)) && runuser=$(command -v setpriv); then
	cp five.c setuid.c && $cc -o setuid setuid.c && chmod u+s setuid && chmod 755 . && mkdir -m 777 nobody
	"$runuser" --reuid=65534 --regid=65534 --clear-groups env TMPDIR="$PWD/nobody" \
		"$PAGEGAP" compare --runs=1 --alloc="glibc,$another" ./setuid >setuid.text 2>&1
	check 'and a set-uid one' grep -q '^note: LD_PRELOAD has no effect on a set-uid' setuid.text
else
	skip 'and a set-uid one' 'needs root and setpriv'
fi
"$PAGEGAP" compare --runs=1 --alloc=glibc echo $'\033[31mred' 'two words' >names.text
check 'names cannot steer a terminal' grep -qF "echo \\x1b[31mred 'two words'" names.text

# Nothing is left

# gone PATTERN: no such process, soon
gone() {
	for _ in {1..100}; do
		pgrep -f -- "$1" >/dev/null || return 0
		sleep 0.02
	done
	pgrep -af -- "$1"
	return 1
}
started=$SECONDS
compare daemon --runs=2 --alloc=glibc sh -c 'sleep 87.3 & setsid sleep 87.3 & (trap "" TERM; sleep 0.01; sleep 87.3) &'
check "a program that leaves daemons does not hang: $((SECONDS - started)) s" test $((SECONDS - started)) -lt 15
check 'they are ended' gone 'sleep 87[.]3'
check_eq 'that is said' true "$(said daemon '[.allocators[0].runs[].left_behind >= 3] | all')"
cat >hop.c <<'C'
#include <unistd.h>
int main(void)
{
	if (fork())
		return 0;
	for (;;)
		if (fork())
			_exit(0);
}
C
$cc -O1 -o hopper-86 hop.c || exit 1
compare hop --runs=1 --alloc=glibc ./hopper-86
check 'one that flees from process to process is ended' gone 'hopper-8[6]'
check_eq 'and was seen' true "$(said hop '.allocators[0].runs[0].left_behind >= 1')"
# interrupted SIGNAL PATTERN PROGRAM…: once a process matches the pattern, or after so many seconds, the comparison gets the
# signal
interrupted() {
	local signal=$1 when=$2 command
	shift 2
	env --default-signal "$PAGEGAP" compare --alloc="glibc,$another" --runs=9 -- "$@" >interrupted.text 2>interrupted.err </dev/null &
	command=$!
	if [[ $when =~ ^[0-9]+$ ]]; then
		sleep "$when"
	else
		until pgrep -f -- "$when" >/dev/null || ! kill -0 $command; do sleep 0.02; done
	fi
	kill -"$signal" $command
	wait $command
	echo $? >interrupted.status
}
for signal in INT TERM HUP; do
	interrupted $signal '^sleep 88[.]1' sh -c 'trap "" TERM INT HUP; sleep 88.1 & setsid sh -c "sleep 88.1; true" & sleep 88.1; true'
	check_eq "SIG$signal: status" $((128 + $(kill -l $signal))) "$(cat interrupted.status)"
	check "SIG$signal: no process is left" gone 'sleep 88[.]1'
	check "SIG$signal: it is said" grep -q "^interrupted by SIG$signal after 0 of 9 runs each" interrupted.text
done
(trap '' HUP && exec "$PAGEGAP" compare --runs=1 --alloc=glibc sleep 0.3 >nohup.text 2>&1 </dev/null) &
command=$!
sleep 0.5
kill -HUP $command
wait $command
check_eq 'under nohup it goes on' 0 $?
interrupted INT 4 sh -c 'sleep 0.4'
check 'what there is is printed' grep -qE '^  glibc +1[.]00 \([45][0-9.]+ ms\)' interrupted.text
check 'with how much that is' grep -qE '^interrupted by SIGINT after [1-9] of 9 runs each' interrupted.text
interrupted TERM '^sleep 85[.]5' sh -c 'if grep -q libpagegap /proc/$$/maps; then sleep 85.5; fi; true'
check 'in the run under pagegap: what there is is printed' grep -q '^interrupted by SIGTERM after 9 of 9 runs each' interrupted.text
check 'in the run under pagegap: no process is left' gone 'sleep 85[.]5'
env --default-signal "$PAGEGAP" compare --alloc=glibc sh -c 'setsid sleep 89.2 & sleep 89.2; true' >/dev/null 2>&1 </dev/null &
command=$!
sleep 0.7
kill -KILL $command
wait $command 2>/dev/null
check 'nor is one when pagegap itself is killed' gone 'sleep 89[.]2'
check_eq 'no temporary file is left' '' "$(ls scratch)"
"$PAGEGAP" compare --runs=1 --alloc=glibc true >/dev/full 2>full.err
check_eq 'a report that cannot be written' '125 1' "$? $(grep -c 'standard output: the report could not be written' full.err)"

# On a terminal

cat >terminal.py <<'PYTHON'
import os, pty, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen, interrupted, begun = b"", sys.argv[1] == "0", time.time()
while True:
    if not interrupted and time.time() - begun > float(sys.argv[1]):
        os.write(terminal, b"\x03")
        interrupted = True
    try:
        import select
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    except OSError:
        break
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
export TERM=xterm
unset NO_COLOR
/usr/bin/python3 terminal.py 0 "$PAGEGAP" compare --runs=3 --alloc=glibc sh -c 'sleep 0.5; exit 3' >terminal.seen
check 'there is a line of progress on a terminal' grep -q 'runs: [2-4] of 5' terminal.seen
check 'what is unusual is in colour' grep -q $'\033\[1;33mnote: exit 3' terminal.seen
NO_COLOR=1 /usr/bin/python3 terminal.py 0 "$PAGEGAP" compare --runs=1 --alloc=glibc sh -c 'exit 3' >terminal.seen
check_eq 'but not with NO_COLOR' 0 "$(grep -c $'\033\[1' terminal.seen)"
/usr/bin/python3 terminal.py 1.5 "$PAGEGAP" compare --runs=3 --alloc=glibc sh -c 'trap "" INT; sleep 86.4; true' >terminal.seen
check_eq 'Ctrl-C: status' 130 $?
check 'Ctrl-C: it is said' grep -q 'interrupted by SIGINT' terminal.seen
check 'Ctrl-C: no process is left' gone 'sleep 86[.]4'

# Other formats

"$PAGEGAP" compare --runs=8 --format=csv --alloc="$installed" ./usable >csv.csv
check 'CSV: every line has every column' /usr/bin/python3 -c 'import csv, sys
rows = list(csv.DictReader(open("csv.csv"), strict=True))
assert [r["allocator"] for r in rows] == sys.argv[1].split(","), rows
for r in rows:
    assert None not in r and None not in r.values(), r
    assert float(r["wall_ns_ratio_low"]) <= float(r["wall_ns_ratio"]) <= float(r["wall_ns_ratio_high"]), r
    assert int(r["max_rss_bytes"]) > 0 and r["forks"] == "0", r
assert rows[0]["max_rss_bytes_ratio"] == "1.000000" and rows[0]["path"] == ""' "$installed"
cat >validate.py <<'PYTHON'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
faults = list(jsonschema.Draft7Validator(schema).iter_errors(json.load(open(sys.argv[2]))))
for fault in faults[:5]:
    print("/".join(map(str, fault.absolute_path)), fault.message[:200])
sys.exit(bool(faults))
PYTHON
if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	compare static --runs=1 --alloc="glibc,$another" "$([[ -x static ]] && echo ./static || echo ./own_malloc)"
	compare names --runs=1 --alloc=glibc --stdin=/dev/null /bin/echo $'\xff\xfe' $'\x01\x1b' '"\x' ''
	env --default-signal timeout -s TERM 1 "$PAGEGAP" compare --format=json --alloc=glibc sleep 100 >stopped.json
	for name in turns input nowhere missing all eat fork twice usable signals daemon static names stopped; do
		check "JSON against the schema: $name" /usr/bin/python3 validate.py "$SRC/report/compare.schema.json" $name.json
	done
	check_eq 'bytes that are not UTF-8 are written as \xNN' '\xff\xfe' "$(said names '.command[1]')"
	check_eq 'an interrupted one says so' SIGTERM "$(said stopped .interrupted_by)"
else
	skip 'JSON against the schema' 'python3-jsonschema is not installed'
fi
check 'help' grep -q -- '--alloc=LIST' <("$PAGEGAP" help compare)
finish
