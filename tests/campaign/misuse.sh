#!/bin/bash
# SPDX-License-Identifier: MIT
# Misuses blocks (tests/pool/misuse.c) under the pooled allocator in both modes, under glibc, and under whatever other
# allocators there are, and prints a table of what came of it, of three times the worst:
#   said     a line on standard error, and the end by SIGABRT or SIGTRAP
#   ended    the end by a signal without a word
#   unseen   the program went on, and nothing came of it that it could see
#   taken    memory was handed out that was not free
#   hung     no end within 20 s
# The pooled allocator must keep what its README promises.
# Arguments: further allocators, as NAME=FILE or NAME=FILE,VARIABLE=VALUE. Environment: BUILD, SRC.
set -u
# shellcheck source=tests/harness.sh
. "${BASH_SOURCE[0]%/*}/../harness.sh"
MISUSE=$BUILD/tests/pool/misuse
TIMES=3
ulimit -c 0

names=() shapes=()
# add NAME FILE [VARIABLE=VALUE]: an empty FILE is libc's own malloc
add() {
	names+=("$1")
	shapes+=("${2:+LD_PRELOAD=$2 }${3:-PAGEPOOL_OPTIONS=}")
}
add pool "$BUILD/libpagepool.so"
add hardened "$BUILD/libpagepool.so" PAGEPOOL_OPTIONS=hardened=1
add glibc ''
for argument in "$@"; do
	file=${argument#*=}
	variable=${file#*,}
	[[ $file == *,* ]] || variable=''
	add "${argument%%=*}" "${file%%,*}" "$variable"
done
if (($# == 0)); then
	for pair in jemalloc=libjemalloc.so.2 mimalloc=libmimalloc.so.2 tcmalloc=libtcmalloc_minimal.so.4; do
		file=$(ldconfig -p | awk -v name="${pair#*=}" '$1 == name { print $NF; exit }')
		[[ -z $file ]] || add "${pair%%=*}" "$file"
	done
fi

# outcome SHAPE MISUSE: of one run
outcome() {
	local said status
	# shellcheck disable=SC2086 # a shape is several words
	said=$(exec 2>&1 && exec timeout -s KILL 20 env $1 "$MISUSE" "$2")
	status=$?
	case $status in
	0) echo unseen ;;
	3) echo taken ;;
	137) echo hung ;;
	134 | 133) [[ -n $said ]] && echo said || echo ended ;;
	*) ((status > 128)) && echo ended || echo "status $status" ;;
	esac
}

# worst OUTCOME…: the one that is worst for the program
worst() { printf '%s\n' "$@" | awk '{ print index("said ended unseen hung taken", $1), $0 }' | sort -n | tail -n 1 | cut -d ' ' -f 2-; }

# What the README of the allocator promises, for each mode.
promised() {
	case $1 in
	pool:'freed twice, the second time'*) echo taken ;;
	pool:'freed twice'* | pool:'resized after'* | pool:'free of'* | hardened:*free*twice* | hardened:'resized after'* | hardened:'free of'*)
		echo said ;;
	*:'32 MiB behind 100') echo ended ;;
	hardened:*' behind '* | hardened:'a freed block of 100'*) echo said ;;
	# in a free slot, which is looked at when it is handed out
	hardened:*' before 100' | hardened:*'pointer written'* | hardened:'the same, mixed'*) echo 'said or unseen' ;;
	*) echo unseen ;;
	esac
}

mapfile -t misuses < <("$MISUSE")
((${#misuses[@]} > 20)) || not_ok 'the misuses are known' "${#misuses[@]}"
table=$(printf '%-66s' misuse && printf '%-11s' "${names[@]}" && echo)
for misuse in "${misuses[@]}"; do
	line=$(printf '%-66s' "$misuse")
	for i in "${!names[@]}"; do
		outcomes=()
		for ((n = 0; n < TIMES; n++)); do outcomes+=("$(outcome "${shapes[i]}" "$misuse")"); done
		came=$(worst "${outcomes[@]}")
		line+=$(printf '%-11s' "$came")
		[[ ${names[i]} == pool || ${names[i]} == hardened ]] || continue
		wanted=$(promised "${names[i]}:$misuse")
		if [[ " or $wanted or " == *" or $came or "* ]]; then
			ok "${names[i]}: $misuse: $came"
		else
			not_ok "${names[i]}: $misuse" "$came, not $wanted"
		fi
	done
	table+=$'\n'$line
done
printf '# %s\n' "${table//$'\n'/$'\n'# }"
finish
