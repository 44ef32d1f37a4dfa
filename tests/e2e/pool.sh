#!/bin/bash
# SPDX-License-Identifier: MIT
# The pooled allocator under real programs: they do what they do without it; in a ledger of pagegap nothing is left
# unexplained; where the kernel refuses memory, so does it; after a fork pages stay shared.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"
POOL=$BUILD/libpagepool.so
CC=${CC:-cc}
export LC_ALL=C

# What it is

check_eq 'it needs libc alone' '' \
	"$(readelf -dW "$POOL" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so|ld-linux)')"
check_eq 'thread-local storage is initial-exec' '' "$(readelf -rW "$POOL" | grep -E 'DTPMOD|TLSDESC')"
check 'all symbols are bound at load time' grep -q 'BIND_NOW\|FLAGS_1.*NOW' <(readelf -dW "$POOL")
sed -n '/global:/,/local:/p' "$SRC/alloc/pagepool.map" | grep -v ':' | tr -d ' \t\n' | tr ';' '\n' |
	sed 's/\*/.*/' >allowed
readelf --dyn-syms -W "$POOL" | awk '$7 != "UND" && $5 ~ /GLOBAL|WEAK/ { sub(/@.*/, "", $8); print $8 }' |
	grep . | sort -u >exported
check_eq 'it exports what the version script names, nothing else' '' "$(grep -vxE -f allowed exported)"
check_eq 'every name of the version script is exported' '' \
	"$(while read -r name; do grep -qxE -- "$name" exported || echo "$name"; done <allowed)"

# Programs

# same NAME PROGRAM…: output and status are those of a run without it
same() {
	local name=$1
	shift
	"$@" >bare.out 2>&1 </dev/null
	echo "status $?" >>bare.out
	env LD_PRELOAD="$POOL" "$@" >pool.out 2>&1 </dev/null
	echo "status $?" >>pool.out
	check "$name does what it does without it" cmp bare.out pool.out
	env LD_PRELOAD="$POOL" PAGEPOOL_OPTIONS=hardened=1 "$@" >pool.out 2>&1 </dev/null
	echo "status $?" >>pool.out
	check "$name does so in hardened mode" cmp bare.out pool.out
}
has() { command -v "$1" >/dev/null || { skip "$1" 'not installed' && false; }; }

printf 'int f(int a)\n{\n\treturn a * 3;\n}\nint main(void)\n{\n\treturn f(14);\n}\n' >unit.c
# shellcheck disable=SC2016 # for the program
same bash bash -c 'for i in {1..40}; do a[i]=$(echo "$i" | tr 1-4 5-8); done; (exit 3); echo "${a[@]} $?"; exit 4'
# shellcheck disable=SC2016 # for the programs
has /usr/bin/python3 && same python3 /usr/bin/python3 -c '
import json, os, threading
rows = [{"id": i, "tags": ["a%d" % (i % 7), None]} for i in range(5000)]
for _ in range(3): rows = json.loads(json.dumps(rows))
threads = [threading.Thread(target=lambda: [str(i) * 10 for i in range(20000)]) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
pid = os.fork()
if not pid: os._exit(len([str(i) for i in range(100000)]) % 251)
print(len(rows), os.waitpid(pid, 0)[1])'
# shellcheck disable=SC2016
has perl && same perl perl -e '%h = map { $_ => "x" x ($_ % 99) } 1 .. 50000; delete $h{$_ * 3} for 1 .. 20000; print length(join "", @h{sort keys %h})'
has git && same git git -C "$SRC" log --oneline --stat -n 20
has sqlite3 && same sqlite3 sqlite3 :memory: 'create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
	insert into t select i, hex(i) from n; create index x on t(b); delete from t where a % 3; select count(*), max(b) from t;'
has "$CC" && same cc "$CC" "$CC" -O2 -S -o - unit.c
has "$CC" && "$CC" -O1 -fno-builtin -o with_pool unit.c "$BUILD/libpagepool.a" 2>link.err
check 'a program can be linked with it statically' test -x with_pool
check_eq 'C++: all forms of new and delete' good "$(LD_PRELOAD=$POOL "$BUILD/tests/pool/operators" 2>&1)"
same 'a program whose new handlers throw' "$BUILD/tests/hostile/bad_alloc"
same 'a program that defines some operators itself' "$BUILD/tests/hostile/operator_new"
# What glibc newer than 2.36 refuses, and what is usable beyond what was asked for, differs.
edges() { "$BUILD/tests/hostile/alloc_edges" 2>&1 | sed 's/, usable.*//; /^aligned_alloc \(odd\|no alignment\):/d'; }
check_eq 'results and errno at the edges of each function are those of glibc' "$(edges)" "$(LD_PRELOAD=$POOL edges)"
starts=''
for ((i = 0; i < 40; i++)); do
	starts+=$(LD_PRELOAD=$POOL "$BUILD/tests/pool/many_starts" 2>&1 | grep -v good)
done
check_eq 'threads that begin to allocate at one moment, 40 times' '' "$starts"

check_eq 'fork in a handler that interrupted malloc or free' good "$(LD_PRELOAD=$POOL timeout 60 "$BUILD/tests/pool/fork_in_handler" 2>&1)"
check_eq 'fork while other threads read and flush streams' good "$(LD_PRELOAD=$POOL timeout 60 "$BUILD/tests/pool/fork_stdio" lines 2>&1)"

# Loaded late, by dlopen: the program's malloc stays what it was, and what is looked up in the library works.
cat >late.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	void *library = dlopen(argv[1], RTLD_NOW), *before = malloc(100);
	void *(*get)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
	void (*give)(void *) = (void (*)(void *))dlsym(library, "free");
	for (int i = 0; i < 1000; i++)
		give(get((size_t)i * 99));
	free(realloc(before, 200));
	return puts("late") < 0 || argc < 2;
}
C
$CC -w -o late late.c
check_eq 'loaded late it works beside libc' late "$(./late "$POOL" 2>&1)"

# Under valgrind, which puts its own malloc in front of it, and beside it where it is told not to.

printf '#include <stdlib.h>\nint main(void)\n{\n\tvolatile char *a = malloc(10);\n\ta[10] = 1;\n\tfree((void *)a);\n\treturn 0;\n}\n' >beyond.c
$CC -w -fno-builtin -o beyond beyond.c
$CC -w -fno-builtin -o beyond_static beyond.c "$BUILD/libpagepool.a"
# valgrinds SENTENCE PATTERN PRELOADED OPTION… PROGRAM
valgrinds() {
	local sentence=$1 pattern=$2 preloaded=$3
	shift 3
	LD_PRELOAD=$preloaded valgrind "$@" >valgrind.out 2>&1
	check "$sentence" grep -q "$pattern" valgrind.out
}
if has valgrind; then
	valgrinds 'valgrind sees a write beyond a block, preloaded' 'Invalid write of size 1' "$POOL" ./beyond
	valgrinds 'and linked statically' 'Invalid write of size 1' '' ./beyond_static
	valgrinds 'told that there is no malloc, it runs the pool' 'in use at exit: 0 bytes in 0 blocks' "$POOL" \
		--soname-synonyms=somalloc=NONE ./beyond
	valgrinds 'in which no access is wrong' 'ERROR SUMMARY: 0 errors' "$POOL" --soname-synonyms=somalloc=NONE ./beyond
fi

# The example

"$BUILD/examples/pool_requests" >requests
check_eq 'a pool per request: 5,000 blocks of 301 requests, none left' 'pool_allocations 1505000 pool_live_blocks 0' \
	"$(grep -E '^pool_(allocations|live_blocks)' requests | xargs)"
check_eq 'with the time that each way took' 'glibc_ns malloc_ns pool_ns' "$(awk '/_ns [1-9]/ { print $1 }' requests | sort | xargs)"

# Options and misuse

check_eq 'an unknown option is complained of' 1 \
	"$(PAGEPOOL_OPTIONS=frob=1 LD_PRELOAD=$POOL /bin/true 2>&1 | grep -c '^pagepool: PAGEPOOL_OPTIONS: frob=1: means nothing')"
check_eq 'statistics at exit' 1 "$(PAGEPOOL_OPTIONS=statistics=1 LD_PRELOAD=$POOL bash -c : 2>&1 | grep -c 'bytes mapped with access')"
printf '#include <stdlib.h>\nint main(void)\n{\n\tchar *a = malloc(50);\n\tfree(a);\n\tfree(a);\n\treturn 0;\n}\n' >twice.c
$CC -w -fno-builtin -o twice twice.c
(ulimit -c 0 && LD_PRELOAD=$POOL exec ./twice) 2>twice.err
check_eq 'a block freed twice: SIGABRT' 134 $?
check 'a block freed twice: one line says so' grep -qx 'pagepool: free(0x[0-9a-f]*): not allocated: freed twice, or never handed out' twice.err

# Without memory

for limit in 28 35 50 70; do
	check_eq "an address space of $limit MiB: refused with ENOMEM, nothing lost" good \
		"$(LD_PRELOAD=$POOL "$BUILD/tests/pool/without_memory" "$limit" 2>&1)"
done
for left in 2048 512 64; do
	check_eq "$left KiB of address space left before the first block: small blocks are had from them" good \
		"$(LD_PRELOAD=$POOL "$BUILD/tests/pool/short_space" "$left" 2>&1)"
done
for every in 0 10 1; do
	failures='' last=none
	for ((n = 1; n <= 500; n += n < 20 ? 1 + 3 * (every == 10) : 41)); do
		said=$(LD_PRELOAD="$BUILD/tests/pool/fail_mapping $POOL" FAIL_AT=$n FAIL_EVERY=$every \
			PAGEPOOL_OPTIONS=return_after_ms=1 "$BUILD/tests/pool/without_memory" 2>&1)
		case $said in
		good) last=$n ;;
		'good, no call failed') ;;
		*) failures+="call $n: $said; " ;;
		esac
	done
	case $every in 0) later=alone ;; 1) later='and all later ones' ;; *) later="and every ${every}th later one" ;; esac
	check_eq "the n-th mapping call fails, $later, n up to $last: nothing lost" '' "$failures"
done

# Forks

# sharing SENTENCE LIMIT WHAT WHO
sharing() {
	local pages
	pages=$(LD_PRELOAD=$POOL "$BUILD/tests/bench_fork_sharing" "$3" "$4")
	if ((pages <= $2)); then
		ok "$1: $pages pages"
	else
		not_ok "$1" "$pages pages, at most $2"
	fi
}
for who in child parent; do
	sharing "a $who that reads 2,000,000 blocks copies nothing" 20 reads $who
	sharing "a $who that frees one in ten" 4700 frees $who
	sharing "a $who that frees and allocates one in ten" 11000 swaps $who
done

# Under pagegap

of_pool='.processes[] | select(.heap.allocator | test("libpagepool"))'

for program in /bin/ls "bash -c 'for i in 1 2 3; do echo x | cat; done'" "/usr/bin/python3 -c 'print(sum(len(str(i)) for i in range(10**5)))'"; do
	name=$(basename "${program%% *}")
	eval "run_gap $name env LD_PRELOAD=$POOL $program"
	ledger_balances "$name under pagegap: the ledger adds up" "$name"
	check_eq "$name under pagegap: nothing is unexplained" 0 \
		"$(json "$name" '[.processes[].snapshots[] | .unexplained_mapped_bytes, .unexplained_resident_bytes] | add')"
	# shellcheck disable=SC2016 # jq's
	check_eq "$name under pagegap: the heap rows are what the pool has mapped" '' \
		"$(json "$name" "$of_pool.snapshots[]"' | ([.rows[] | select(.row | startswith("heap.")).mapped_bytes] | add)
			as $heap | select($heap != .allocator.mapped_bytes) | "\(.why): \($heap), \(.allocator.mapped_bytes)"')"
	check_eq "$name under pagegap: nothing of what is free is without a name" 0 \
		"$(json "$name" "[$of_pool.snapshots[] | select(.why != \"peak\").allocator.unnamed_bytes | fabs] | add")"
	check "$name under pagegap: the page names its parts" grep -q "the allocator's own account these are" "$name.report"
	check "$name under pagegap: the heap is the pool's" grep -q libpagepool <(json "$name" '.processes[].heap.allocator')
done
finish
