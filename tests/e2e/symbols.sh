#!/bin/bash
# SPDX-License-Identifier: MIT
# Functions and lines against addr2line, at the calls of programs in C++ and Rust: with debug information in the program, in a file of its
# own, in a form that other compilers write it, and without any.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
unset DEBUGINFOD_URLS
export LC_ALL=C
symbols_of=$BUILD/tests/oracle/symbols_of
cxx=$BUILD/tests/oracle/symbols_cxx
MOST=300 # addresses of one program

if ! command -v addr2line >/dev/null || ! command -v objdump >/dev/null; then
	skip 'functions and lines are those of addr2line' 'binutils is not installed'
	finish
fi

# calls FILE: the addresses of calls, at most MOST of them, from all over the file
calls() {
	objdump -d --no-show-raw-insn "$1" | awk -v most=$MOST '
		$2 ~ /^call/ { sub(/:$/, "", $1); all[n++] = $1 }
		END { step = n > most ? n / most : 1; for (i = 0; i < n; i += step) print all[int(i)] }'
}

build_id() { readelf -n "$1" 2>/dev/null | sed -n 's/.*Build ID: //p'; }

# judged SENTENCE NAME [names|ends]: NAME.ours and NAME.theirs
judged() {
	local sentence=$1 name=$2 verdict
	shift 2
	if verdict=$("$SRC/tests/oracle/symbols_judge.py" "$name.ours" "$name.theirs" "$@" 2>&1); then
		ok "$sentence ($(tail -n 1 <<<"$verdict"))"
	else
		not_ok "$sentence" "$(tail -n 1 <<<"$verdict"): $verdict"
	fi
}

# reads_alike SENTENCE FILE [names|ends]
reads_alike() {
	local name=${2##*/}
	calls "$2" >"$name.calls"
	addr2line -afiC -e "$2" <"$name.calls" >"$name.theirs"
	"$symbols_of" "$2" <"$name.calls" >"$name.ours" 2>"$name.words"
	judged "$1" "$name" "${@:3}"
}

# --- debug information in the program ---

cp "$cxx" plain
reads_alike 'a program in C++' plain
check_eq 'nothing is wrong with it' '' "$(<plain.words)"

# variant SENTENCE NAME HOW COMPILER [FLAG…]
variant() {
	local sentence=$1 name=$2 how=$3
	shift 3
	if "$@" -std=gnu++17 -O2 -o "$name" "$SRC/tests/oracle/symbols_cxx.cc" 2>"$name.errors"; then
		reads_alike "$sentence" "$name" "$how"
	else
		skip "$sentence" "$(head -n 1 "$name.errors")"
	fi
}
variant 'the same with DWARF 4' dwarf4 '' "${CXX:-c++}" -gdwarf-4
# addr2line of binutils 2.40 does not find all that is inlined in what clang writes.
if command -v clang++ >/dev/null; then
	variant 'the same by clang, which writes no table of addresses' clang ends clang++ -g
else
	skip 'the same by clang' 'clang++ is not installed'
fi

if command -v rustc >/dev/null; then
	for mangling in legacy v0; do
		rustc -g -O -C symbol-mangling-version=$mangling -o rust_$mangling "$SRC/tests/oracle/symbols_rust.rs" 2>rust.errors ||
			rustc -g -O -Z unstable-options -C symbol-mangling-version=$mangling -o rust_$mangling "$SRC/tests/oracle/symbols_rust.rs" 2>rust.errors
		if [[ -x rust_$mangling ]]; then
			reads_alike "a program in Rust, names mangled as in $mangling" rust_$mangling
		else
			skip "a program in Rust, names mangled as in $mangling" "$(head -n 1 rust.errors)"
		fi
	done
else
	skip 'a program in Rust' 'rustc is not installed'
fi

# --- debug information in a file of its own ---

# same SENTENCE NAME: the answers of NAME.ours, where they were found, are those for the whole program
same() { check "$1" cmp plain.ours "$2.ours"; }

id=$(build_id plain)
cp plain stripped && objcopy --only-keep-debug plain whole.debug && strip stripped
if [[ $id ]]; then
	mkdir -p "debug/.build-id/${id:0:2}"
	cp whole.debug "debug/.build-id/${id:0:2}/${id:2}.debug"
	"$symbols_of" -d "$WORK/debug" -b "$id" stripped <plain.calls >by_id.ours 2>by_id.words
	same 'a stripped program and its debug file by build ID' by_id
	"$symbols_of" -d "/nothing:$WORK/debug" -b "$id" /nothing/gone <plain.calls >gone.ours 2>gone.words
	same 'a deleted program whose debug file is there' gone
	check_eq 'it is called deleted all the same' deleted "$(<gone.words)"
	"$symbols_of" -d "$WORK/debug" -b "$id" "$BUILD/pagegap" <plain.calls >other.ours 2>other.words
	same 'a replaced program whose debug file is there' other
	check_eq 'it is called replaced' replaced "$(<other.words)"
	cp plain "debug/.build-id/${id:0:2}/${id:2}"
	"$symbols_of" -d "$WORK/debug" -b "$id" /nothing/gone <plain.calls >copy.ours 2>copy.words
	same 'a deleted program of which there is a copy by build ID' copy
	"$symbols_of" -b "$(build_id "$BUILD/pagegap")" plain <plain.calls >wrong.ours 2>wrong.words
	check_eq 'a program of another build gives no name' '' "$(grep -vE '^(0x[0-9a-f]{16}|\?\?|\?\?:0)$' wrong.ours)"
	check_eq 'and is called replaced' replaced "$(<wrong.words)"
else
	skip 'debug files by build ID' 'the linker writes no build IDs'
fi

mkdir -p linked/.debug && cp whole.debug linked/.debug/
objcopy --strip-all --remove-section=.note.gnu.build-id --add-gnu-debuglink=whole.debug plain linked/program
"$symbols_of" linked/program <plain.calls >linked.ours 2>linked.words
same 'a stripped program and its debug file by .gnu_debuglink' linked

# --- symbol tables ---

objcopy --strip-debug plain symtab
addr2line -afC -e symtab <plain.calls >symtab.theirs
"$symbols_of" symtab <plain.calls >symtab.ours 2>symtab.words
judged 'a program with a symbol table alone' symtab names
check_eq 'a symbol table knows no lines' "$(wc -l <plain.calls)" "$(grep -cxF '??:0' symtab.ours)"
strip -o nameless "$symbols_of"
"$symbols_of" nameless <plain.calls >nameless.ours 2>nameless.words
check_eq 'a program without symbols is said to be one' 'no symbols' "$(<nameless.words)"
if command -v xz >/dev/null; then
	nm --defined-only --format=posix plain | awk '$2 ~ /^[tTwW]$/ { print $1 }' >keep
	objcopy -S --remove-section=.gdb_index --keep-symbols=keep whole.debug mini && xz -f mini
	strip -o bare plain && objcopy --add-section .gnu_debugdata=mini.xz bare compressed
	"$symbols_of" compressed <plain.calls >compressed.ours 2>compressed.words
	cp symtab.theirs compressed.theirs
	judged 'a stripped program with a compressed symbol table' compressed names
else
	skip 'a stripped program with a compressed symbol table' 'xz is not installed'
fi

# The loader's own list, before any linker or debug file: libstdc++ in Debian has no other one.
library=$(ldd plain | awk '/libstdc\+\+/ { print $3 }')
if [[ $library ]]; then
	nm -DC --defined-only --without-symbol-versions "$library" | awk '$2 == "T" && /std::filesystem::/ { print $1 }' | sort -u >library.calls
	addr2line -afC -e "$library" <library.calls >library.theirs
	"$symbols_of" "$library" <library.calls >library.ours 2>library.words
	judged 'a library by its dynamic symbols' library names
fi

# --- places in the file ---

text=$(readelf -SW plain | awk '$2 == ".text" || $3 == ".text" { sub(/^.*\.text +PROGBITS +/, ""); print $1, $2 }')
read -r address offset <<<"$text"
check_eq 'an offset in the file is the address that its segment gives it' "$("$symbols_of" plain "$address")" "$("$symbols_of" -o plain "$offset")"
finish
