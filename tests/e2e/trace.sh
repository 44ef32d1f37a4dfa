#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that are traced from outside, because they cannot load the library or by --trace: their calls and errors equal those that
# strace -f sees, call for call; what they do, say and return is what they do bare.
# shellcheck disable=SC2016 # $ is the observed shells', and awk's
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
# shellcheck source=tests/oracle/calls.sh
. "$SRC/tests/oracle/calls.sh"

if ! command -v strace >/dev/null; then
	skip "what is traced is what strace sees" "strace is not installed"
	finish
fi
export PATH=/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=1 PERL_HASH_SEED=0 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
as=()
chmod 711 "$WORK"

# observed NAME OPTIONS -- COMMAND…
observed() {
	local name=$1
	local -a options=()
	shift
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	"${as[@]}" "$PAGEGAP" run "${options[@]}" --format=json --report="$name.json" -o "$name.rec" "$@" >"$name.out" 2>"$name.err" </dev/null
}

# Lines of $1 that are not in the ranges of $2…; whether a thread has to wait is luck.
luck='^futex '
outside() {
	awk -v luck="$luck" '
		FNR == 1 { file++ }
		{ count = $NF; $NF = ""; names[$0] = 1; of[file, $0] = count }
		END {
			for (name in names) {
				if (name ~ luck) continue
				least = most = of[2, name] + 0
				for (i = 3; i <= file; i++) {
					if (of[i, name] + 0 < least) least = of[i, name] + 0
					if (of[i, name] + 0 > most) most = of[i, name] + 0
				}
				if (of[1, name] + 0 < least || of[1, name] + 0 > most)
					print name "pagegap " of[1, name] + 0 ", strace " least " to " most
			}
		}' "$@" | sort
}

# Bytes that calls which return them moved: "name bytes", sorted
strace_bytes() {
	awk '
		{ pid = $1; sub(/^[0-9]+ +/, "") }
		match($0, /^<\.\.\. [a-z_0-9]+ resumed>/) { name = $2 }
		!/^<\.\.\./ { name = $0; sub(/\(.*/, "", name) }
		name ~ /^(read|write|pread64|readv|writev|getrandom)$/ && match($0, / = [0-9]+$/) { sum[name] += substr($0, RSTART + 3) }
		END { for (n in sum) print n, sum[n] }' "$1" | sort
}
pagegap_bytes() {
	jq -r '[.processes[].syscalls.calls[] | select(.name | test("^(read|write|pread64|readv|writev|getrandom)$"))] | group_by(.name)[]
		| "\(.[0].name) \(map(.bytes) | add)"' "$1" | sort
}

# equal NAME [OPTION…] -- COMMAND…: the same status, output and calls; alike: within five runs of strace's
equal() { compare 1 "$@"; }
alike() { compare 7 "$@"; }
compare() {
	local runs=$1 name=$2 status
	local -a expected=() options=()
	shift 2
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	shift
	for ((i = 0; i < runs; i++)); do
		"${as[@]}" strace -f -o "$name.strace$i" "$@" >"$name.strace$i.out" 2>"$name.strace$i.err" </dev/null
		status=$?
		strace_counts "$name.strace$i" >"$name.expected$i"
		expected+=("$name.expected$i")
	done
	observed "$name" "${options[@]}" -- "$@"
	check_eq "$name: the same status" "$status" $?
	check_eq "$name: the same output" "$(md5sum <"$name.strace0.out")" "$(md5sum <"$name.out")"
	pagegap_counts "$name.json" >"$name.counted"
	check_eq "$name: the same calls and errors, $(awk 'NF == 2 { n += $2 } END { print n }' "$name.counted") in all" "" \
		"$(outside "$name.counted" "${expected[@]}")"
	[[ $runs != 1 ]] || check_eq "$name: as many bytes" "$(strace_bytes "$name.strace0")" "$(pagegap_bytes "$name.json")"
	check_eq "$name: every call that returned has a time within its bounds" 0 "$(jq '[.processes[].syscalls.calls[]
		| select(.timed > 0 and ((.min_ns <= .p50_ns and .p50_ns <= .p99_ns and .p99_ns <= .max_ns and .max_ns <= .time_ns) | not))]
		| length' "$name.json")"
	check_eq "$name: all of it is traced, and nothing of it preloaded" '["traced"]' \
		"$(jq -c '[.processes[].syscalls.mode] | unique' "$name.json")"
}

all_of_them() {
	local user=$1
	equal "$user.ls" --trace -- ls -lR "$WORK/tree"
	luck='^(futex|rt_sigreturn|wait4) ' # a handler of SIGCHLD runs once for one child or for two
	alike "$user.sh" --trace -- sh -c 'for i in 1 2 3; do echo $i | cat; (exit $i); done; date +%Y >/dev/null'
	luck='^futex '
	if command -v python3 >/dev/null; then
		equal "$user.python" --trace -- python3 -c 'import json, subprocess; print(len(json.dumps(list(range(1000))))); subprocess.run(["true"])'
	fi
	if command -v perl >/dev/null; then
		equal "$user.perl" --trace -- perl -e 'open F, "/etc/services"; while (<F>) { $n++ } print "$n\n"; print `echo a`'
	fi
	if command -v git >/dev/null; then
		equal "$user.git" --trace -- git -C tree -c "safe.directory=*" log --stat
	fi
	luck='^(futex|pause|rt_sigprocmask) ' # how far threads come before their process ends
	alike "$user.traced" -- "$BUILD/tests/oracle/traced"
	luck='^futex '
	ledger_balances "$user.traced: every ledger balances" "$user.traced"
	if busybox=$(command -v busybox) && ! readelf -lW "$busybox" | grep -q INTERP; then
		equal "$user.busybox_ls" -- busybox ls -lR "$WORK/tree"
		equal "$user.busybox_find" -- busybox find /usr/include
		equal "$user.busybox_dd" -- busybox dd if=/dev/zero of=/dev/null bs=1 count=20000
		luck='^(futex|rt_sigreturn|wait4) ' # as above
		alike "$user.busybox_sh" -- busybox sh -c 'for i in 1 2 3; do echo $i | /bin/cat; (exit $i); done; /bin/date +%Y >/dev/null'
		luck='^futex '
		check_eq "$user.busybox_ls: one line says that it is traced, and why" \
			"pagegap: busybox: traced from outside: a static executable cannot be preloaded" "$(head -n 1 "$user.busybox_ls.err")"
	else
		skip "$user: busybox" "there is no static busybox"
	fi
	if [[ -x $WORK/go ]]; then
		# How often its scheduler has nothing to do, and how many threads it starts.
		luck='^(futex|epoll_pwait|nanosleep|sched_yield|clone|gettid|rt_sigprocmask|sigaltstack|mmap|madvise) '
		export GODEBUG=asyncpreemptoff=1
		alike "$user.go" -- "$WORK/go"
		luck='^futex '
	else
		skip "$user: a Go program" "go is not installed"
	fi
	if [[ -x $WORK/musl ]]; then
		equal "$user.musl" -- "$WORK/musl"
	else
		skip "$user: a musl program" "musl-gcc is not installed"
	fi
}

mkdir tree tree/{a,b,c}
for i in {1..100}; do echo "$i of many" >"tree/$([[ $((i % 3)) == 0 ]] && echo a || echo b)/$i"; done
if command -v git >/dev/null; then
	(cd tree && git init -q . && git add . && git -c user.name=a -c user.email=b commit -qm first)
fi
if command -v go >/dev/null; then
	cat >go.go <<-'GO'
		package main

		import (
			"fmt"
			"os"
		)

		func main() {
			done := make(chan int)
			for i := 0; i < 8; i++ {
				go func(i int) {
					for j := 0; j < 100; j++ {
						os.ReadFile("/etc/hostname")
						os.Stat("/nonexistent")
					}
					done <- i
				}(i)
			}
			sum := 0
			for i := 0; i < 8; i++ {
				sum += <-done
			}
			fmt.Println(sum)
		}
	GO
	HOME=$WORK GOCACHE=$WORK/gocache CGO_ENABLED=0 go build -o go go.go 2>go.log || head -n 3 go.log
fi
if command -v musl-gcc >/dev/null; then
	cat >musl.c <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <sys/wait.h>
		#include <unistd.h>
		int main(void)
		{
			for (int i = 0; i < 100; i++) { char *p = malloc(100000); p[0] = 1; fopen("/nonexistent", "r"); free(p); }
			if (!fork()) { execl("/bin/echo", "echo", "a", (char *)0); }
			wait(0);
			return system("exit 3") >> 8;
		}
	C
	musl-gcc -O1 -o musl musl.c 2>musl.log || head -n 3 musl.log
fi

all_of_them root
if ((EUID == 0)); then
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent)
	mkdir nobody && chmod 777 nobody && cd nobody && ln -s ../tree tree
	all_of_them nobody
	cd ..
	as=()
fi

# Only some calls: those, and as often; the program's filters refuse what they refused.
observed list --trace=getppid,%time,prctl,restart_syscall -- "$BUILD/tests/oracle/traced"
check_eq "a list: the same status" 6 $?
check_eq "a list: the same output" "$(md5sum <root.traced.out)" "$(md5sum <list.out)"
check_eq "a list: these calls alone, as often" "$(grep -E '^(getppid|prctl|restart_syscall|nanosleep|clock_nanosleep|setitimer) ' root.traced.expected0)" \
	"$(pagegap_counts list.json | grep -v '^prctl EINVAL')" # seccomp's strict mode is not to be had beside a filter
observed without --trace='!%file,!%memory' -- ls -l "$WORK/tree/a"
check_eq "a list of what to leave out" "[]" "$(jq -c '[.processes[].syscalls.calls[] | .category | select(. == "file" or . == "memory")]' without.json)"
observed bad --trace=open,nonsense -- true
check_eq "a call that does not exist is an error" "125 1" "$? $(grep -c 'nonsense' bad.err)"

# Ends and births.
check_eq "the ends are those that the parents saw" "$(awk '$NF ~ /^-?[0-9]+$/ && !/^(interrupted|sleep|stopped|continued|refused|no)/ { print $NF }' root.traced.out |
	sort)" "$(jq -r '.processes[] | select(.born_by == "fork" or .born_by == "vfork" or .born_by == "exec") | select(.ended_by.kind != "exec")
	| if .ended_by.kind == "signal" then -.ended_by.code else .ended_by.code end' root.traced.json | sort)"
births=$(jq -c '[.processes[] | "\(.born_by) \(.ended_by.kind) \(.ended_by.code)"] | group_by(.) | map({(.[0]): length}) | add' root.traced.json)
check_eq "each image has a capture of its own, born and ended as it was" "1 25 2 1 1 1 1" "$(jq -r '[
	.["start exit 6"], ([to_entries[] | select(.key | test("fork exit [0-9]$|fork exit 1[0-9]$")) | .value] | add),
	.["exec exit 5"], .["fork signal 9"], .["fork signal 15"], .["fork signal 11"], .["fork signal 31"]] | join(" ")' <<<"$births")"
observed killed --trace -- sh -c 'kill -9 $$'
check_eq "killed: the status is the program's" 137 $?
observed debugger --trace -- "$BUILD/tests/oracle/traced" ptrace
check_eq "a program that traces others is refused" "ptrace refused" "$(<debugger.out)"
check_eq "and the report says so" 1 "$("$PAGEGAP" report debugger.rec | tr -s '\n ' ' ' | grep -c 'refused to it while it is traced')"
strace -f -o /dev/null "$PAGEGAP" run --trace -o under.rec --report=under.txt -- echo a >under.out 2>under.err
check_eq "under another tracer it is not traced, but recorded, and that is said" "a 1" "$(<under.out) $(grep -c 'cannot trace' under.err)"

if ((EUID == 0)); then
	cp "$(command -v id)" setuid && chown 65534 setuid && chmod 4755 setuid
	./setuid -u >setuid.bare
	observed setuid -- ./setuid -u
	check_eq "a set-uid program that root runs is traced, as whom it is" "$(<setuid.bare) traced" \
		"$(<setuid.out) $(jq -r '.processes[0].syscalls.mode' setuid.json)"
	observed setuid_list --trace=%process -- ./setuid -u
	check_eq "by a filter too" "$(<setuid.bare) traced" "$(<setuid_list.out) $(jq -r '.processes[0].syscalls.mode' setuid_list.json)"
fi
observed off --trace=off -- "$BUILD/tests/oracle/traced" nothing
check_eq "--trace=off traces nothing" "5 null" "$? $(jq -c '.processes[0].syscalls' off.json)"
observed daemon --trace -- sh -c 'sleep 2 & exit 3'
check_eq "what goes on when the program has ended is running" "3 exit,running" \
	"$? $(jq -r '[.processes[].ended_by.kind] | "\(first),\(last)"' daemon.json)"

# The program outlives the command and the tracer.
# tracer RECORDING: the tracer of a process that runs
tracer() {
	local capture pid found
	for capture in "$1"/*.capture; do
		pid=${capture##*/} pid=${pid%%.*}
		found=$(awk '/^TracerPid/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
		[[ ${found:-0} == 0 ]] || echo "$found"
	done | head -n 1
}
"$PAGEGAP" run --trace -o outlives.rec --report=outlives.txt -- sh -c 'sleep 1; echo alive' >outlives.out 2>&1 &
runner=$!
sleep 0.5
kill -9 "$runner"
wait "$runner" 2>/dev/null
sleep 1.2
check_eq "a program whose runner was killed goes on to its end" alive "$(tail -n 1 outlives.out)"
"$PAGEGAP" run --trace -o tracer.rec --report=tracer.txt -- sh -c 'sleep 1; echo alive; exit 3' >tracer.out 2>&1 &
runner=$!
sleep 0.5
kill -9 "$(tracer tracer.rec)"
wait "$runner"
check_eq "so does one whose tracer was killed" "3 alive" "$? $(tail -n 1 tracer.out)"
if ((EUID == 0)); then
	"$PAGEGAP" run --trace=getppid -o filtered.rec --report=filtered.txt -- sh -c 'sleep 1; echo alive' >filtered.out 2>&1 &
	runner=$!
	sleep 0.5
	kill -9 "$(tracer filtered.rec)"
	wait "$runner" 2>/dev/null
	check_eq "but not where a filter would make its calls fail" 137 $?
fi
finish
