# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts that compare bare with observed runs share: places to run in, users to run as, programs,
# comparison, verdicts. Needs SRC and BUILD. Everything happens in a folder of its own under TMPDIR, with copies of
# the binaries, so that uid 65534 reaches them.

# shellcheck source=tests/harness.sh
. "$SRC/tests/harness.sh"
HOSTILE=$SRC/tests/hostile
WARNINGS=(-Wall -Wextra -Wshadow -Wconversion -Werror)
PLACES=0
USER_PRELOAD='' # LD_PRELOAD as the user of the program set it
SHAPE=()        # a command that runs the program, or pagegap with the program
COW=${COW:-} FAULTS=${FAULTS:-} SYSCALLS=${SYSCALLS:-}
case $SYSCALLS in # as options of run, and of the library
'') CALLS=() CALLS_OPTION='' ;;
log) CALLS=(--log --log-size=4M) CALLS_OPTION=,log=all,log-size=4194304 ;;
trace) CALLS=(--trace) CALLS_OPTION='' ;;
trace-log) CALLS=(--trace --log --log-size=4M) CALLS_OPTION='' ;;
*) CALLS=(--syscalls="$SYSCALLS") CALLS_OPTION=,syscalls=$SYSCALLS ;;
esac
[[ -z ${STACKS:-} ]] || CALLS+=(--stacks="$STACKS") CALLS_OPTION+=,stacks=$STACKS
[[ -z ${SAMPLE_BYTES:-} ]] || CALLS+=(--sample-bytes="$SAMPLE_BYTES") CALLS_OPTION+=,sample-bytes=$SAMPLE_BYTES
TIERS=${TIERS:-$COW/$FAULTS}

clean_up() {
	[[ -z ${MAP_COUNT:-} ]] || echo "$MAP_COUNT" >/proc/sys/vm/max_map_count
	[[ -z ${MOUNTED:-} ]] || umount -l "$MOUNTED"
	if [[ ${KEEP:-} ]]; then echo "# kept: $WORK"; else rm -rf "$WORK"; fi
}

# WORK, W (special programs), BIN (pagegap and its library), USERS.
prepare() {
	chmod 755 "$WORK" && WORK=$(cd "$WORK" && pwd -P) || exit 1
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	W=$WORK/special BIN=$WORK/bin
	mkdir "$W" "$BIN" "$WORK/programs"
	if [[ -x $BUILD/pagegap && -e $BUILD/libpagegap.so ]]; then
		cp "$BUILD/pagegap" "$BUILD/libpagegap.so" "$BIN"
	else
		not_ok 'pagegap is built' "no pagegap and libpagegap.so in $BUILD"
		exit 1
	fi
	# shellcheck disable=SC2034 # for the scripts
	USERS='self'
	if ((EUID == 0)); then
		# shellcheck disable=SC2034 # for the scripts
		USERS='root nobody'
	else
		skip 'two users' 'not root: everything runs as the current user only'
	fi
	ulimit -c 0
}

# verdict SENTENCE FAULTS: ok when there are none
verdict() { if [[ -n $2 ]]; then not_ok "$1" "$2"; else ok "$1"; fi; }

# compile OUTPUT SOURCE [FLAG…]: false, and a skip, when the toolchain lacks something
compile() {
	local output=$1 source=$2 compiler=("${CC:-cc}" -std=gnu17)
	shift 2
	[[ $source == *.cc ]] && compiler=("${CXX:-c++}" -std=gnu++17)
	compiler+=(-O2 -g "${WARNINGS[@]}" -fvisibility=hidden -pthread)
	"${compiler[@]}" -o "$output" "$source" "$@" 2>"$output.log" && return
	skip "$(basename "$output")" "cannot be built: $(grep -m1 -E 'error|cannot|not found' "$output.log")"
	return 1
}

# All that needs flags of its own. Each program's name is that of its source.
build_special() {
	local from=$HOSTILE/special
	compile "$W/ended" "$from/ended.c" || exit 1
	compile "$W/plugin.so" "$from/plugin.c" -shared -fPIC
	compile "$W/other_preload.so" "$from/other_preload.c" -shared -fPIC
	compile "$W/libfirst.so" "$from/first.c" -shared -fPIC -Wl,-z,initfirst &&
		compile "$W/first_main" "$from/first_main.c" -L"$W" -lfirst -Wl,-rpath,"$W"
	compile "$W/preloaded" "$from/preloaded.c"
	compile "$W/own_unwind" "$from/own_unwind.cc" -static-libgcc -static-libstdc++ -lunwind
	compile "$W/first_descriptor" "$from/first_descriptor.c"
	compile "$W/filtered" "$from/filtered.c"
	compile "$W/still_static" "$from/still.c" -static
	compile "$W/still_32" "$from/still.c" -m32
	if [[ -x $W/still_32 ]] && ! ("$W/still_32" 3; (($? == 3))) 2>/dev/null; then
		skip still_32 'this kernel runs no 32-bit programs'
		rm "$W/still_32"
	fi
}

# Prints the path of a program: a copy of the one in BUILD, or built here where the Makefile has not.
program_of() {
	local name special=$W/ copy
	name=$(basename "${1%.*}") copy=$WORK/programs/$name
	if [[ $1 == */special/* ]]; then
		[[ -x $special$name ]] && echo "$special$name"
		return
	fi
	if [[ -x $BUILD/tests/hostile/$name && $BUILD/tests/hostile/$name -nt $1 ]]; then
		cp "$BUILD/tests/hostile/$name" "$copy"
	else
		compile "$copy" "$1" >&2 || return
	fi
	echo "$copy"
}

# Sets the variable named $1 to a new folder for one run.
new_place() {
	PLACES=$((PLACES + 1))
	mkdir "$WORK/$PLACES"
	printf -v "$1" %s "$WORK/$PLACES"
}

# Keeps the report for the validation at the end, and nothing else.
discard() { find "$1" -mindepth 1 -maxdepth 1 ! -name json -exec rm -rf {} +; }

# run_as PLACE USER COMMAND…: in PLACE/cwd, with a small environment; leaves out, err and ended there.
run_as() {
	local place=$1 user=$2 as=()
	shift 2
	mkdir -p "$place/cwd"
	if [[ $user == nobody ]]; then
		chown 65534:65534 "$place" "$place/cwd"
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	(cd "$place/cwd" && exec env -i PATH=/usr/bin:/bin HOME=/nonexistent LC_ALL=C ANSWER=42 \
		"$W/ended" "$place/ended" "${as[@]}" "$@" >"$place/out" 2>"$place/err" </dev/null)
}

# use_tier COW/FAULTS: the values of --cow and --faults from now on; both may be empty. TIERS are all of them.
use_tier() { COW=${1%/*} FAULTS=${1#*/}; }

# Page faults are sampled by the command: to the library alone, tiers that differ in that are the same. Tracing is the command's.
tells_apart() { [[ $1 == run || ($SYSCALLS != trace* && ($COW != auto || $FAULTS == off)) ]]; }

in_words() { echo "${COW:+, --cow=$COW}${FAULTS:+, --faults=$FAULTS}${CALLS[*]:+, ${CALLS[*]}}"; }

# observe PLACE USER MODE PROGRAM…: under the command, or preloaded alone; the recording and the report stay out of the
# way.
observe() {
	local place=$1 user=$2 mode=$3 recording=${RECORDING:-$1/recording} report=${REPORT:-$1/report} options
	shift 3
	if [[ $mode == run ]]; then
		run_as "$place" "$user" "${SHAPE[@]}" ${USER_PRELOAD:+env LD_PRELOAD="$USER_PRELOAD"} "$BIN/pagegap" run \
			${COW:+--cow="$COW"} ${FAULTS:+--faults="$FAULTS"} "${CALLS[@]}" -o "$recording" --report="$report" -- "$@"
	else
		options=output=$recording,report=$report${COW:+,cow=$COW}$CALLS_OPTION
		[[ $FAULTS != off && $FAULTS != count ]] || options+=,faults=$FAULTS
		run_as "$place" "$user" "${SHAPE[@]}" env PAGEGAP_OPTIONS="$options" \
			LD_PRELOAD="$BIN/libpagegap.so${USER_PRELOAD:+:$USER_PRELOAD}" "$@"
	fi
}

# Prints what differs between two places: nothing when all is the same. With MAY_SAY set, lines of pagegap's own on
# standard error are no difference; the loader's complaint that pagegap cannot be loaded is.
differences() {
	local what
	# SIGSYS is caught then, and /proc/self/status says so: signals are bits, SIGSYS is 31.
	[[ $SYSCALLS != all && $SYSCALLS != log ]] || sed -i 's/^\(SigCgt:.*\)4\(0000000\)$/\10\2/' "$2/out"
	if [[ $SYSCALLS == trace* ]]; then # what no tracer can hide, and the one line that says so
		sed -i 's/^\(TracerPid:\t\)[0-9]*$/\10/' "$2/out"
		sed -i '/^pagegap: .*: traced from outside: --trace$/d' "$2/err"
	fi
	[[ -z ${MAY_SAY:-} ]] || sed -i -E '/^pagegap: error while loading/b; /^pagegap: /d' "$2/err"
	for what in ended out err; do
		cmp -s "$1/$what" "$2/$what" || diff -U0 --label bare --label observed "$1/$what" "$2/$what" |
			tail -n +3 | cat -v | sed "s/^/$what: /" | head -n 8
	done
}

read_recording() { "$BIN/pagegap" report --format=json "${RECORDING:-$1/recording}" >"$1/json" 2>"$1/json.err"; }

# One pass over all reports that were read, against the schema that lies beside the reporter's code.
validate_jsons() {
	local schema faults python count
	schema=$SRC/report/report.schema.json
	python=$(for python in python3 /usr/bin/python3; do
		"$python" -c 'import jsonschema' 2>/dev/null && echo "$python" && break
	done)
	if [[ -z $python ]]; then
		skip 'reports against the schema' 'python3-jsonschema is not installed'
		return
	fi
	find "$WORK" -mindepth 2 -maxdepth 2 -name json -size +0 >"$WORK/jsons"
	count=$(wc -l <"$WORK/jsons")
	faults=$("$python" "$HOSTILE/validate.py" "$schema" 2>&1 <"$WORK/jsons")
	((count > 0)) || faults='no report was read'
	verdict "$count reports against the schema" "$faults"
}

# For the program with 100,000 mappings: the machine's limit is put back at the end.
raise_map_count() {
	local now
	now=$(cat /proc/sys/vm/max_map_count)
	((now < 262144)) || return 0
	if ((EUID == 0)) && echo 262144 2>/dev/null >/proc/sys/vm/max_map_count; then
		MAP_COUNT=$now
	else
		skip '100,000 mappings' "vm.max_map_count is $now and cannot be raised: the program has $((now - 1000))"
	fi
}
