#!/bin/bash
# SPDX-License-Identifier: MIT
# What the build promises: from a read-only source tree whose path has spaces, as an ordinary user, incrementally;
# what is installed works from where it lies; a program that the toolchain cannot build is left out aloud.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
chmod 755 "$WORK"
source_copy="$WORK/a source tree"
user=()
if ((EUID == 0)); then
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent)
fi

mkdir "$source_copy"
tar -C "$SRC" --exclude=./build --exclude=./.git --exclude='pagegap.*.*' -cf - . | tar -C "$source_copy" -xf -
chmod -R a-w,a+rX "$source_copy"
trap 'chmod -R u+w "$WORK"; rm -rf -- "$WORK"' EXIT
mkdir -m 777 elsewhere

# build TARGET…: as the user, in the copy; the output in build.log
build() { (cd "$source_copy" && "${user[@]}" make -j2 BUILD="$WORK/elsewhere" "$@") >build.log 2>&1; }

build all
check_eq 'it builds as an ordinary user from a read-only path with spaces' 0 "$?"
check_eq 'nothing is written into the source tree' '' "$(find "$source_copy" -newer elsewhere ! -type l)"
build all
check_eq 'a second make builds nothing' 0 "$(grep -cE '^  (CC|AS|LINK)' build.log)"
build all -W preload/capture.h
users_of_capture=$(cd "$source_copy" && grep -l '^#include ".*capture\.h"' report/*.c preload/*.c | wc -l)
rebuilt=$(grep -cE '^  CC' build.log)
if ((users_of_capture > 0 && rebuilt >= users_of_capture)); then
	ok 'a changed header rebuilds what includes it'
else
	not_ok 'a changed header rebuilds what includes it' "$rebuilt of at least $users_of_capture"
fi

chmod u+w "$source_copy/examples"
printf '/* build: -mno-such-machine */\nint main(void) { return 0; }\n' >"$source_copy/examples/other_machine.c"
build "$WORK/elsewhere/examples/other_machine"
check_eq 'a program that the toolchain cannot build is left out' 0 "$?"
check_eq '… aloud' 1 "$(grep -c '^skip - examples/other_machine.c' build.log)"
rm "$source_copy/examples/other_machine.c"

mkdir -m 777 'a package'
build install PREFIX=/usr DESTDIR="$WORK/a package"
check_eq 'install puts seven files below DESTDIR' \
	'usr/bin/pagegap usr/include/pagegap.h usr/include/pagepool.h usr/lib/libpagegap.so usr/lib/libpagepool.a usr/lib/libpagepool.so usr/share/man/man1/pagegap.1' \
	"$(cd 'a package' && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs)"
(
	unset PAGEGAP_LIBRARY
	'a package/usr/bin/pagegap' run -o installed.rec --report=installed.report -- /bin/echo it runs
) >out 2>err
check_eq 'the installed command finds its library and runs a program' 'it runs' "$(cat out err)"
PAGEGAP="a package/usr/bin/pagegap" ledger_balances 'its ledger adds up' installed
build uninstall PREFIX=/usr DESTDIR="$WORK/a package"
check_eq 'uninstall leaves nothing' '' "$(find 'a package' -type f)"
finish
