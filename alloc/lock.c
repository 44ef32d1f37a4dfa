/* SPDX-License-Identifier: MIT */
/* The waiting side of the locks: a short spin, then the kernel's futex. */
#include "lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 200       /* about a microsecond, some times what a lock is held */

THREAD_LOCAL bool holds_all_locks;

COLD void lock_wait(struct lock *lock)
{
	int error = errno;

	if (holds_all_locks)
		return;
	for (int i = 0; i < SPINS; i++) {
		if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) == 0 && lock_try(lock))
			return;
		__builtin_ia32_pause();
	}
	while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	errno = error;
}

COLD void lock_wake(struct lock *lock)
{
	int error = errno;

	syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = error;
}
