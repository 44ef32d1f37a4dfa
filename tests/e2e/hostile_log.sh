#!/bin/bash
# SPDX-License-Identifier: MIT
# Those of the hostile programs that births, threads, signals, filters, limits and lost privileges are about, with a log of every call.
set -u
SYSCALLS=log MODES=run exec bash "${BASH_SOURCE[0]%/*}/hostile.sh" own_sigsys vforks raw_fork threads_fork fork_in_handler spawns \
	seccomp seccomp_strict seccomp_watch alt_stack coroutines cancelled chrooted drop_privileges limit_memory \
	limit_descriptors close_all tiny_stacks
