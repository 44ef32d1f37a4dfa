#!/bin/bash
# SPDX-License-Identifier: MIT
# Those of the hostile programs that births, signals, masks, filters, tracers and locked memory are about, with every system call caught.
set -u
SYSCALLS=all MODES=run exec bash "${BASH_SOURCE[0]%/*}/hostile.sh" own_sigsys vforks raw_fork threads_fork fork_in_handler daemonized spawns \
	seccomp seccomp_strict seccomp_watch traced alt_stack coroutines cancelled interrupted lock_all show_self small_stack tiny_stacks \
	auxiliary_vector limit_file_size
