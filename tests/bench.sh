#!/bin/bash
# SPDX-License-Identifier: MIT
# What pagegap costs: programs run bare, under pagegap, under memusage and under heaptrack, in turns (A B C D A B …).
#   tests/bench.sh [--runs=N] [--tools=bare,pagegap,…] [--only=NAME,…] [--json=FILE] [--keep=FILE] [--billion] [--modes]
# --keep appends the raw measurements; --billion adds the program with 1,000,000,000 allocations (minutes); --modes measures what
# faults and copy-on-write add to the ledger alone, on programs that do little else.
# Tools: bare, pagegap (`pagegap run`), ledger (the same without faults and copy-on-write), preload (LD_PRELOAD alone), memusage,
# heaptrack. Those not installed are left out, aloud.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
RUNS=5 TOOLS=bare,pagegap,memusage,heaptrack ONLY='' JSON='' KEEP='' BILLION='' MODES=''
for argument in "$@"; do
	case $argument in
	--runs=*) RUNS=${argument#*=} ;;
	--tools=*) TOOLS=${argument#*=} ;;
	--only=*) ONLY=,${argument#*=}, ;;
	--json=*) JSON=$(cd "$OLDPWD" && realpath -m -- "${argument#*=}") ;;
	--keep=*) KEEP=$(cd "$OLDPWD" && realpath -m -- "${argument#*=}") ;;
	--billion) BILLION=1 ;;
	--modes) MODES=1 TOOLS=bare,ledger,pagegap ;;
	*) sed -n '3,8s/^# //p' "$SRC/tests/bench.sh" >&2 && exit 2 ;;
	esac
done
export LC_ALL=C
unset LD_PRELOAD PYTHONMALLOC "${!PAGEGAP_OPTION@}" DISPLAY
RAW=$WORK/raw
: >"$RAW"
CC1=$("${CC:-gcc}" -print-prog-name=cc1 2>/dev/null)
# What is first on PATH may be a script that looks for an interpreter.
PYTHON=$(command -v /usr/bin/python3 || command -v python3)
MEMUSAGE=$(compgen -G '/usr/lib/*/libmemusage.so' | head -n 1)
# Debian's redis-server is redis-check-rdb under another name.
command -v redis-check-rdb >/dev/null &&
	ln -s "$(readlink -f "$(command -v redis-check-rdb)")" "$WORK/redis-server"

has() { command -v "$1" >/dev/null; }

# --- the programs: prepare_NAME makes their input once, command_NAME sets the array `program` ---

prepare_python() {
	[[ $PYTHON ]] || return
	cat >json_work.py <<-'PY'
		import json
		rows = [{"id": i, "name": "row %d" % i, "tags": ["a%d" % (i % 7), "b", None], "size": i / 3}
		        for i in range(20000)]
		for _ in range(12):
		    text = json.dumps(rows)
		    rows = json.loads(text)
		print(len(text))
	PY
}
command_python() { program=("$PYTHON" json_work.py); }
prepare_python_malloc() { prepare_python; }
command_python_malloc() { program=(env PYTHONMALLOC=malloc "$PYTHON" json_work.py); }

prepare_cc1() {
	[[ -x $CC1 ]] || return
	awk 'BEGIN {
		for (i = 0; i < 1500; i++) {
			printf "struct s%d { int a, b; struct s%d *next; };\n", i, i
			printf "int f%d(struct s%d *s, int n)\n{\n\tint sum = %d;\n", i, i, i
			printf "\tfor (int i = 0; i < n; i++) {\n\t\tsum += s->a * i + (s->b >> %d);\n", i % 13
			printf "\t\tif (sum & %d)\n\t\t\ts = s->next ? s->next : s;\n\t}\n", i % 31 + 1
			print "\treturn sum;\n}"
		}
	}' >large.c
}
command_cc1() { program=("$CC1" -quiet -O1 large.c -o large.s); }

prepare_sqlite3() {
	has sqlite3 || return
	cat >work.sql <<-'SQL'
		CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
			INSERT INTO t SELECT i, printf('row %d of many', i), i * 0.5 FROM n;
		CREATE INDEX tb ON t(b);
		SELECT count(*), sum(length(b)), max(c) FROM t WHERE b LIKE '%77%';
		DELETE FROM t WHERE a % 3 = 0;
		SELECT b, count(*) FROM t GROUP BY substr(b, 1, 6) ORDER BY 2 DESC LIMIT 5;
	SQL
}
command_sqlite3() { program=(sqlite3 -batch -init work.sql :memory: 'SELECT 1;'); }

prepare_perl() {
	has perl || return
	cat >work.pl <<-'PL'
		my %h;
		for my $round (1 .. 4) {
			$h{"key $_ $round"} = [$_, "value " x ($_ % 5)] for 1 .. 120_000;
			delete $h{"key $_ $round"} for grep { $_ % 3 } 1 .. 120_000;
		}
		my @s = sort { $a cmp $b } keys %h;
		print scalar(@s), " $s[0]\n";
	PL
}
command_perl() { program=(perl work.pl); }

prepare_sort() {
	awk 'BEGIN { srand(7); for (i = 0; i < 1500000; i++) printf "%09d %s\n", rand() * 1e9, i }' >lines
}
command_sort() { program=(sort --parallel=2 -o sorted lines); }

prepare_git() {
	has git || return
	[[ -d repository ]] && return
	git init -q repository && (
		cd repository || exit 1
		for ((commit = 0; commit < 16; commit++)); do
			for ((file = 0; file < 400; file++)); do
				seq $((commit * file)) $((commit * file + 300)) >"file$file"
			done
			git add . && git -c user.name=bench -c user.email=bench@localhost commit -qm "Commit $commit"
		done
	)
}
command_git() { program=(git -C repository -c pack.threads=2 repack -a -d -f -q); }

prepare_redis() { [[ -x $WORK/redis-server ]] && has redis-benchmark; }

prepare_malloc() { [[ -x $BUILD/tests/bench_malloc ]]; }
command_malloc() { program=("$BUILD/tests/bench_malloc" 1 60000000); }
prepare_malloc_2_threads() { prepare_malloc; }
command_malloc_2_threads() { program=("$BUILD/tests/bench_malloc" 2 60000000); }
prepare_true() { :; }
command_true() { program=(/bin/true); }
prepare_processes() { echo 'for ((i = 0; i < 2000; i++)); do /bin/true; done' >processes.sh; }
command_processes() { program=(/bin/bash processes.sh); }
prepare_billion() { prepare_malloc; }
command_billion() { program=("$BUILD/tests/bench_malloc" 1 1000000000); }
prepare_faults() { :; }
command_faults() { program=("$BUILD/tests/bench_faults" 10); }
prepare_fork_1g() { :; }
command_fork_1g() { program=("$BUILD/tests/bench_fork" fork 1024); }
prepare_exit_1g() { :; }
command_exit_1g() { program=("$BUILD/tests/bench_fork" exit 1024); }
prepare_redis_saves() { prepare_redis; }

# --- the tools: prefix_NAME sets the array `prefix`; $recording does not exist yet ---

prefix_bare() { prefix=(); }
prefix_pagegap() { prefix=("$PAGEGAP" run -o "$recording" --report="$recording.txt" --); }
prefix_ledger() { prefix=("$PAGEGAP" run --faults=off --cow=off -o "$recording" --report="$recording.txt" --); }
prefix_preload() {
	prefix=(env LD_PRELOAD="$PAGEGAP_LIBRARY" PAGEGAP_OPTIONS="output=$recording,report=$recording.txt")
}
prefix_memusage() { prefix=(env LD_PRELOAD="$MEMUSAGE"); }
prefix_heaptrack() { prefix=(heaptrack -o "$recording"); }

available() {
	case $1 in
	bare) true ;;
	memusage) [[ $MEMUSAGE ]] ;;
	heaptrack) has heaptrack ;;
	*) [[ -x $PAGEGAP && -e $PAGEGAP_LIBRARY ]] ;;
	esac
}

# One measurement: appends "NAME TOOL wall user system rss status" to RAW.
measure() {
	local name=$1 tool=$2
	recording=$WORK/recordings/$name.$tool.$RANDOM$RANDOM
	mkdir -p "$WORK/recordings"
	"prefix_$tool"
	: >line
	if [[ $name == redis* ]]; then
		"measure_$name"
	else
		"command_$name"
		"$BUILD/tests/bench_run" line "${prefix[@]}" "${program[@]}" >out 2>err </dev/null
		# A program may have measured the part that matters itself.
		awk 'FILENAME == "out" { if ($1 == "wall_ns") wall_ns = $2; next } wall_ns { $1 = wall_ns } { print }' out line >line.own
		mv line.own line
	fi
	[[ -s line ]] || echo '- - - - -' >line
	echo "$name $tool $(cut -d " " -f 1-5 line) $(recorded_bytes)" >>"$RAW"
	# Nothing is deleted in between: ext4 passes over inodes that were freed a moment ago, one by one, to make a file.
}

# Largest capture of the recording, in bytes of disk; 0 for other tools.
recorded_bytes() {
	find "$recording" -name '*.capture' -printf '%k\n' 2>/dev/null |
		awk '$1 > kib { kib = $1 } END { print kib * 1024 }'
}

# start_redis, stop_redis: the server, under the tool
start_redis() {
	"$BUILD/tests/bench_run" server "${prefix[@]}" "$WORK/redis-server" --port 0 --unixsocket "$WORK/socket" --save '' \
		--dir "$WORK" --enable-debug-command yes --loglevel warning >out 2>err </dev/null &
	SERVER=$!
	until redis-cli -s socket ping >/dev/null 2>&1; do
		kill -0 "$SERVER" 2>/dev/null || return
		sleep 0.05
	done
}
# The memory is the server's.
stop_redis() {
	redis-cli -s socket shutdown nosave
	wait "$SERVER"
	awk -v rss="$(tail -n 1 server | cut -d ' ' -f 4)" '{ $4 = rss; print }' line >line.server &&
		mv line.server line
}

# The time is that of redis-benchmark.
measure_redis() {
	start_redis || return
	"$BUILD/tests/bench_run" line redis-benchmark -s socket -q -n 100000 -r 100000 -d 100 -P 8 \
		-t set,get,lpush,lpop,hset,zadd >out
	stop_redis
}

# The time is that of redis-benchmark while a child of the server saves 1 GB of values: BGSAVE.
measure_redis_saves() {
	start_redis || return
	redis-cli -s socket debug populate 250000 value 4000 >/dev/null
	redis-cli -s socket config set rdb-key-save-delay 20 >/dev/null # µs: the child lives until the benchmark has ended
	redis-cli -s socket bgsave >/dev/null
	"$BUILD/tests/bench_run" line redis-benchmark -s socket -q -n 200000 -r 250000 -d 4000 -t set >out
	redis-cli -s socket info persistence | grep -q rdb_bgsave_in_progress:1 || echo 'redis_saves: the child ended early' >&2
	stop_redis
}

# progress: how far we are, on a terminal
progress() { [[ ! -t 2 ]] || printf '\r%-60s\r' "$*" >&2; }

names=(python python_malloc cc1 sqlite3 perl redis sort git malloc malloc_2_threads true processes)
[[ ! $MODES ]] || names=(faults fork_1g exit_1g processes redis_saves)
[[ ! $BILLION ]] || names+=(billion)
tools=()
for tool in ${TOOLS//,/ }; do
	if available "$tool"; then tools+=("$tool"); else echo "skip - $tool: not installed" >&2; fi
done
for name in "${names[@]}"; do
	[[ ! $ONLY || $ONLY == *,$name,* ]] || continue
	if ! "prepare_$name"; then
		echo "skip - $name: not installed" >&2
		continue
	fi
	rounds=$RUNS
	# A start takes milliseconds: more of them.
	[[ $name != true ]] || rounds=$((RUNS * 20))
	[[ $name != billion ]] || rounds=1
	# The first run reads files and libraries from disk: it does not count.
	[[ $name == billion ]] || { measure "$name" bare && sed -i '$d' "$RAW"; }
	for ((round = 0; round < rounds; round++)); do
		for tool in "${tools[@]}"; do
			[[ $name == billion && $tool == heaptrack ]] && continue
			progress "$name, $tool, $((round + 1)) of $rounds"
			measure "$name" "$tool"
		done
	done
done
progress
[[ ! $KEEP ]] || cat "$RAW" >>"$KEEP"
jq -R -s --arg cpu "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" --arg kernel "$(uname -r)" \
	-f "$SRC/tests/bench_summary.jq" "$RAW" >summary.json || exit 1
[[ ! $JSON ]] || cp summary.json "$JSON"
jq -r -f "$SRC/tests/bench_table.jq" summary.json
