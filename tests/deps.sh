#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that are missing, when it can; otherwise says exactly which and how to get them.
#   tests/deps.sh SET…     sets: build, check, bench, fuzz
# A package counts as present when its probe succeeds, so that a machine without dpkg is judged by what it has, not by
# names. "needs" ends with an error when the package stays missing; "likes" goes on: the tests that want it are
# skipped, and say so.
# shellcheck disable=SC2317 # the probes are called by name, from the table
set -u

# set, needs or likes, package, probe: a command, a header, or what follows "run:"
table() {
	cat <<-'TABLE'
		build needs gcc                  gcc
		build needs libc6-dev            stdio.h
		build needs libjansson-dev       jansson.h
		build needs libelf-dev           libelf.h
		build needs libdw-dev            elfutils/libdwfl.h
		build needs libiberty-dev        libiberty/demangle.h
		build needs libzydis-dev         Zydis/Zydis.h
		build needs libprotobuf-c-dev    protobuf-c/protobuf-c.h
		build needs protobuf-c-compiler  protoc-c
		build needs zlib1g-dev           zlib.h
		check needs g++                  g++
		check needs libcmocka-dev        run:probe_header stdarg.h stddef.h stdint.h setjmp.h cmocka.h
		check needs libseccomp-dev       seccomp.h
		check needs jq                   jq
		check needs python3              python3
		check needs python3-jsonschema   run:/usr/bin/python3 -c 'import jsonschema'
		check needs perl                 run:perl -MPOSIX -e1
		check needs shellcheck           shellcheck
		check needs cppcheck             cppcheck
		check needs valgrind             valgrind
		check needs binutils             objcopy
		check likes libc6-dbg            run:test -e /usr/lib/debug/.build-id
		check likes gcc-multilib         run:probe_m32
		check likes libc-devtools        memusage
		check needs libunwind-dev        libunwind.h
		check likes libjemalloc2         run:probe_library libjemalloc.so.2
		check likes libmimalloc2.0       run:probe_library libmimalloc.so.2
		check likes libtcmalloc-minimal4 run:probe_library libtcmalloc_minimal.so.4
		check likes busybox-static       busybox
		check likes git                  git
		check likes sqlite3              sqlite3
		check likes redis-tools          redis-benchmark
		check likes procps               ps
		check likes xz-utils             xz
		check likes openssl              openssl
		check likes strace               strace
		check likes gdb                  gdb
		check likes musl-tools           musl-gcc
		check likes golang-go            go
		check likes time                 /usr/bin/time
		check likes hyperfine            hyperfine
		check likes man-db               man
		bench needs jq                   jq
		bench likes heaptrack            heaptrack
		bench likes libjemalloc2         run:probe_library libjemalloc.so.2
		bench likes libmimalloc2.0       run:probe_library libmimalloc.so.2
		bench likes libtcmalloc-minimal4 run:probe_library libtcmalloc_minimal.so.4
		bench likes libc-devtools        memusage
		bench likes redis-tools          redis-benchmark
		bench likes sqlite3              sqlite3
		bench likes git                  git
		bench likes python3              python3
		bench likes perl                 perl
		fuzz  needs clang                clang
	TABLE
}

probe_header() { printf '#include <%s>\n' "$@" | "${CC:-cc}" -E -x c - -o /dev/null 2>/dev/null; }
probe_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -qF "$1"; }
probe_m32() {
	[[ $(uname -m) != x86_64 ]] ||
		echo '#include <stdio.h>' | "${CC:-cc}" -m32 -E -x c - -o /dev/null 2>/dev/null
}

present() {
	case $1 in
	run:*) eval "${1#run:}" >/dev/null 2>&1 ;;
	*.h) probe_header "$1" ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# Prints the packages of the given sets that are missing and of the given level ("needs", "likes", or both).
missing() {
	local level=$1 set grade package probe
	shift
	table | while read -r set grade package probe; do
		[[ " $* " == *" $set "* && $level == *$grade* ]] || continue
		present "$probe" || echo "$package"
	done | sort -u
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n "$@"
	fi
}

mapfile -t wanted < <(missing 'needs likes' "$@")
((${#wanted[@]})) || exit 0

if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
	echo "Installing: ${wanted[*]}"
	log=$(mktemp)
	apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600)
	as_root "${apt[@]}" update >"$log" 2>&1 || tail -n 3 "$log" >&2
	# All at once, or, where one of them does not exist here, one by one.
	if ! as_root "${apt[@]}" install --no-install-recommends "${wanted[@]}" >"$log" 2>&1; then
		for package in "${wanted[@]}"; do
			as_root "${apt[@]}" install --no-install-recommends "$package" >"$log" 2>&1 ||
				{ echo "apt-get could not install $package:" >&2 && tail -n 3 "$log" >&2; }
		done
	fi
	rm -f "$log"
fi

mapfile -t optional < <(missing likes "$@")
((${#optional[@]} == 0)) || echo "Not installed, so the tests that use them are skipped: ${optional[*]}"
mapfile -t required < <(missing needs "$@")
((${#required[@]})) || exit 0
cat >&2 <<EOT
Missing: ${required[*]}
On Debian or Ubuntu, as root:
  apt-get update && apt-get install -y --no-install-recommends ${required[*]} ${optional[*]}
Elsewhere: install what your distribution calls these.
EOT
exit 1
