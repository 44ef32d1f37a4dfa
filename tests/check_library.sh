#!/bin/bash
# SPDX-License-Identifier: MIT
# What may enter someone else's process: libpagegap.so needs libc alone, exports what its version script names and
# nothing else, is bound at load time, has no lazily allocated thread-local storage, and imports nothing that takes a
# lock the program may hold.
set -u
# shellcheck source=tests/harness.sh
. "$(dirname "$0")/harness.sh"
library=$BUILD/libpagegap.so
export LC_ALL=C

check_eq 'it needs libc alone' '' \
	"$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so|ld-linux)')"
check_eq 'its name is libpagegap.so' libpagegap.so "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')"
check 'all symbols are bound at load time' grep -q 'BIND_NOW\|FLAGS_1.*NOW' <(readelf -dW "$library")
check 'relocated data is read-only afterwards' grep -q 'GNU_RELRO' <(readelf -lW "$library")
check_eq 'no segment is writable and executable' '' "$(readelf -lW "$library" | grep -E ' RWE |TEXTREL')"
check_eq 'thread-local storage is initial-exec' '' "$(readelf -rW "$library" | grep -E 'DTPMOD|TLSDESC')"

readelf --dyn-syms -W "$library" >symbols
# The version script as one extended regular expression per name.
sed -n '/global:/,/local:/p' "$BUILD/preload/pagegap.map" | grep -v ':' | tr -d ' \t\n' | tr ';' '\n' |
	sed 's/\*/.*/' >allowed
awk '$7 != "UND" && $5 ~ /GLOBAL|WEAK/ { sub(/@.*/, "", $8); print $8 }' symbols | grep . | sort -u >exported
check_eq 'it exports what the version script names, nothing else' '' "$(grep -vxE -f allowed exported)"
while read -r name; do
	grep -qxE -- "$name" exported || echo "$name"
done <allowed >absent
check_eq 'every name of the version script is exported' '' "$(cat absent)"

awk '$7 == "UND" { sub(/@.*/, "", $8); print $8 }' symbols | grep . | sort -u >imported
allocation='(__libc_)?(malloc|calloc|realloc|free|memalign)|strdup'
stdio='v?[fsad]?n?printf(_chk)?|f(open|close|read|write|puts)|puts'
check_eq 'it imports no allocation, stdio or locale function' '' \
	"$(grep -xE "$allocation|$stdio|setlocale|strerror" imported)"
# Where a program's vector registers hold its own values. The Makefile has the list.
check_eq 'what uses general registers alone calls nothing that does not' '' "$(sed -n 's/^GENERAL := //p' "$SRC/Makefile" | tr ' ' '\n' |
	while read -r part; do nm "$BUILD/preload/$part.o" | grep -E ' U (mem|str|clock_gettime)'; done)"
finish
