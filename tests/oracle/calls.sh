# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced: system calls as strace saw them and as a report tells them, in the same form, to be compared.
#   strace_counts FILE        of `strace -f -o FILE`: "name calls" and "name ERRNO calls", sorted
#   strace_counts_loaded FILE the same without what each program does before its libraries are there: from the exec to
#                             the munmap of ld.so's cache, the last thing that the loader does before constructors run
#   pagegap_counts FILE       of a JSON report, all processes together

strace_lines() {
	awk -v loading="$1" '
		{ pid = $1; sub(/^[0-9]+ +/, "") } /^(---|\+\+\+)/ { next }
		/ <unfinished \.\.\.>$/ { name = $0; sub(/\(.*/, "", name); pending[pid] = name; if (name !~ /^(exit|exit_group)$/) next }
		{
			if (match($0, /^<\.\.\. [a-z_0-9]+ resumed>/)) { name = $2; delete pending[pid]; if (name ~ /^exit/) next } else { name = $0; sub(/\(.*/, "", name) }
			error = match($0, / = -1 E[A-Z0-9]+/) ? substr($0, RSTART + 6, RLENGTH - 6) : match($0, / = \? E[A-Z0-9_]+/) ? substr($0, RSTART + 5, RLENGTH - 5) : ""
			if (name == "rt_sigreturn") error = "" # what the register held before
			# before its libraries are there
			if (starting[pid]) { if (name == "munmap") delete starting[pid]; next }
			if (name == "execve" && error == "") { if (loading) starting[pid] = 1; if (!begun++) next }
			print name, error
		}'
}

strace_sums() {
	awk '{ calls[$1]++ } $2 != "" { errors[$1 " " $2]++ }
		END { for (n in calls) print n, calls[n]; for (n in errors) print n, errors[n] }' | sort
}

strace_counts() { strace_lines 0 <"$1" | strace_sums; }
strace_counts_loaded() { strace_lines 1 <"$1" | strace_sums; }

pagegap_counts() {
	jq -r '[.processes[].syscalls | select(. != null) | .calls[]] | group_by(.name)[] | .[0].name as $name
		| "\($name) \(map(.calls) | add)",
		  (map(.by_error | to_entries[]) | group_by(.key)[] | "\($name) \(.[0].key) \(map(.value) | add)")' "$1" | sort
}
