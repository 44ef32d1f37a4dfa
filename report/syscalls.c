/* SPDX-License-Identifier: MIT */
/* The table of system calls, by number: rows made from the architecture's list, and the names of the kernel's services. */
#include "syscalls.h"

/* Arguments that a row does not name are KIND_NONE. Nothing is expanded before it is pasted: a row's words may be others' macros. */
#define RESULT_AND_KINDS(result, a, b, c, d, e, f, ...) \
	RESULT_##result, { KIND_##a, KIND_##b, KIND_##c, KIND_##d, KIND_##e, KIND_##f }
#define X(number, name, category, result, ...) \
	[number] = { #name, CATEGORY_##category, RESULT_AND_KINDS(result, ##__VA_ARGS__, NONE, NONE, NONE, NONE, NONE, NONE, ) },

const struct syscall_row syscall_rows[SYSCALL_NUMBERS] = {
#ifdef __x86_64__
#include "syscalls_x86_64.h"
#else
#error "no table of system calls for this architecture: write report/syscalls_ARCHITECTURE.h"
#endif
};

const char *const syscall_category_names[SYSCALL_CATEGORIES] = {
	[CATEGORY_PROCESS] = "process",
	[CATEGORY_MEMORY]  = "memory",
	[CATEGORY_IPC]     = "ipc",
	[CATEGORY_NETWORK] = "network",
	[CATEGORY_FILE]    = "file",
	[CATEGORY_DEVICE]  = "device",
	[CATEGORY_SIGNAL]  = "signal",
	[CATEGORY_TIME]    = "time",
	[CATEGORY_SCHED]   = "sched",
	[CATEGORY_OTHER]   = "other",
};
