#!/bin/bash
# SPDX-License-Identifier: MIT
# What becomes of the `syscall` instructions of C libraries, runtimes and processes as they run: one table. objdump counts them too.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"
SITES=$BUILD/tests/oracle/syscall_sites

# Prints a row: title, sites, by which form, refused, pages of trampolines, why those are refused (for each form, if they differ).
row() {
	awk -F '\t' -v title="$1" '
		$2 == "pages" { pages += $3 }
		NF == 7 { sites++; forms[$4]++ }
		NF == 7 && $4 == "refused" { why[$5 == $6 ? $5 : $5 "/" $6 "/" $7]++ }
		END {
			for (reason in why)
				reasons = reasons "  " why[reason] " " reason
			printf "%-20s %5d %8d %5d %5d %7d %5d%s\n", title, sites, forms["one_byte"], forms["mov"], forms["hop"], forms["refused"], pages, reasons
		}'
}
sites_of() { awk -F '\t' 'NF == 7' "$1" | wc -l; }
refused_in() { awk -F '\t' -v why="$2" 'NF == 7 && $4 == "refused" && (why == "" || $5 == why)' "$1" | wc -l; }

file() {
	local title=$1 path=$2
	if [[ -z $path || ! -e $path ]]; then
		skip "$title" 'not installed'
		return 1
	fi
	"$SITES" "$path" >"$title.sites"
	row "$title" <"$title.sites"
	check_eq "objdump finds as many syscall instructions in $title" \
		"$(objdump -d --no-show-raw-insn "$path" | grep -cP '\tsyscall\s*$')" "$(sites_of "$title.sites")"
}

# process TITLE COMMAND…: all files of a process that sleeps
process() {
	local title=$1 pid
	shift
	command -v "$1" >/dev/null || { skip "$title" 'not installed' && return; }
	"$@" >process.out 2>&1 </dev/null &
	pid=$!
	sleep 2
	if kill -0 "$pid" && "$SITES" -p "$pid" >"$title.sites" && [[ -s $title.sites ]]; then
		row "$title" <"$title.sites"
		if (($(refused_in "$title.sites" '') * 20 <= $(sites_of "$title.sites"))); then
			ok "at most one site in 20 of $title is refused"
		else
			not_ok "at most one site in 20 of $title is refused" "$(grep refused "$title.sites")"
		fi
	else
		not_ok "$title is running" "$(head -c 300 process.out)"
	fi
	kill "$pid"
	wait "$pid"
} 2>>kill.err

printf '%-20s %5s %8s %5s %5s %7s %5s  %s\n' '' sites 'one byte' mov hop refused pages 'refused for'
libc=$(ldd /bin/sh | awk '/libc\.so/ { print $3 }')
if file glibc "$libc"; then
	check_eq 'glibc: one returns from signals' 1 "$(refused_in glibc.sites SIGNAL_RETURN)"
fi
file ld.so "$(ldd /bin/sh | awk '/ld-linux/ { print $1 }')"
skip 'a C library with a separate libpthread' 'no release that still gets updates has one'
if file musl "$(find /lib/ld-musl-x86_64.so.1 2>/dev/null)"; then
	check_eq 'musl: one is where threads are cancelled' 1 "$(refused_in musl.sites CANCELLATION)"
	check_eq 'musl: one returns from signals' 1 "$(refused_in musl.sites SIGNAL_RETURN)"
fi
if file go "$(go env GOROOT 2>/dev/null)/bin/go"; then
	check_eq 'go: its stacks are too small' "$(sites_of go.sites)" "$(refused_in go.sites SMALL_STACK)"
fi
file node "$(command -v node)"
for preload in '' "$PAGEGAP_LIBRARY"; do
	with=${preload:+ with pagegap}
	process "sleep$with" env ${preload:+LD_PRELOAD="$preload" PAGEGAP_OPTIONS=output="$WORK"} sleep 100
	process "python$with" env ${preload:+LD_PRELOAD="$preload" PAGEGAP_OPTIONS=output="$WORK"} \
		/usr/bin/python3 -c 'import json, ssl, sqlite3, ctypes, time; time.sleep(100)'
	process "redis$with" env ${preload:+LD_PRELOAD="$preload" PAGEGAP_OPTIONS=output="$WORK"} redis-server --port 0 --unixsocket "$WORK/redis" --save ''
	process "node$with" env ${preload:+LD_PRELOAD="$preload" PAGEGAP_OPTIONS=output="$WORK"} node -e 'setTimeout(() => 0, 100000)'
done
finish
