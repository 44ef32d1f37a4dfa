/* SPDX-License-Identifier: MIT */
/* Names from the capture's table, numbers from the kernel's header. */
#include "calls.h"

#include <sys/syscall.h>

#define NUMBER_CALL_MMAP       SYS_mmap
#define NUMBER_CALL_MUNMAP     SYS_munmap
#define NUMBER_CALL_MREMAP     SYS_mremap
#define NUMBER_CALL_MPROTECT   SYS_mprotect
#define NUMBER_CALL_MADVISE    SYS_madvise
#define NUMBER_CALL_BRK        SYS_brk
#define NUMBER_CALL_MLOCK      SYS_mlock
#define NUMBER_CALL_MLOCK2     SYS_mlock2
#define NUMBER_CALL_MUNLOCK    SYS_munlock
#define NUMBER_CALL_MLOCKALL   SYS_mlockall
#define NUMBER_CALL_MUNLOCKALL SYS_munlockall
#define NUMBER_CALL_SHMAT      SYS_shmat
#define NUMBER_CALL_SHMDT      SYS_shmdt
#define NUMBER_CALL_FORK       SYS_fork
#define NUMBER_CALL_VFORK      SYS_vfork
#define NUMBER_CALL_CLONE      SYS_clone
#define NUMBER_CALL_EXECVE     SYS_execve
#define NUMBER_CALL_EXECVEAT   SYS_execveat
#define NUMBER_CALL_WAIT4      SYS_wait4
#define NUMBER_CALL_WAITID     SYS_waitid
#define NUMBER_CALL_EXIT_GROUP SYS_exit_group

#define CALL_NAME(constant, name, category) [constant] = { name, category, NUMBER_##constant },
const struct call_name call_names[CAPTURE_CALLS] = { CAPTURE_CALLS_TABLE(CALL_NAME) };
