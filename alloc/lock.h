/* SPDX-License-Identifier: MIT */
/*
 * Locks that need no set-up, no memory and no libc: a futex word each (Drepper, "Futexes are tricky", mutex 2). They
 * are held for some hundred nanoseconds, so a waiter spins a little before it sleeps. Around a fork one thread holds
 * them all, and goes on allocating meanwhile: for it they are open.
 */
#ifndef PAGEPOOL_LOCK_H
#define PAGEPOOL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define COLD __attribute__((cold, noinline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

struct lock {
	uint32_t state;         /* 0 free, 1 held, 2 held and perhaps waited for */
};

/* This thread is between the preparation of a fork and its end, and holds every lock. */
extern THREAD_LOCAL bool holds_all_locks;

void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

static inline bool lock_try(struct lock *lock)
{
	uint32_t expected = 0;

	return __atomic_compare_exchange_n(&lock->state, &expected, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_take(struct lock *lock)
{
	if (UNLIKELY(!lock_try(lock)))
		lock_wait(lock);
}

static inline void lock_release(struct lock *lock)
{
	if (UNLIKELY(holds_all_locks))
		return;
	if (UNLIKELY(__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2))
		lock_wake(lock);
}

#endif
