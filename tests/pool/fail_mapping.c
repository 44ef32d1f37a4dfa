/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded before an allocator: lets the n-th call of mmap, munmap, mremap, mprotect or madvise fail with
 * ENOMEM, and every m-th after it, until the program calls fail_mapping_stop; n is FAIL_AT in the environment, m is
 * FAIL_EVERY: 10 where it is not there, 0 for the n-th alone, 1 for all from there on. fail_mapping_refusals says how many
 * failed, in children too: there may be no n-th call.
 *
 * build: -shared -fPIC
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static long calls, fail_at = -1, fail_every = 10;
static long *refusals;          /* on a page that children share; NULL: there was no such page to be had */

/* By the first call, when there is one thread. */
static void begin(void)
{
	const char *at = environ ? getenv("FAIL_AT") : NULL, *every = environ ? getenv("FAIL_EVERY") : NULL;
	long page = syscall(SYS_mmap, NULL, sizeof(*refusals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	refusals = page == -1 ? NULL : (long *)page;
	fail_every = every ? atol(every) : fail_every;
	fail_at = at ? atol(at) : 0;
}

/* The number of the call, if it is one that fails; else 0. */
static long fails(void)
{
	long call, at;

	if (fail_at < 0)
		begin();
	at = __atomic_load_n(&fail_at, __ATOMIC_RELAXED);
	call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	if (!at || call < at || (fail_every ? (call - at) % fail_every : call > at))
		return 0;
	if (refusals)
		__atomic_fetch_add(refusals, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return call;
}

void fail_mapping_stop(void);
long fail_mapping_refusals(void);

void fail_mapping_stop(void)
{
	__atomic_store_n(&fail_at, 0, __ATOMIC_RELAXED);
}

long fail_mapping_refusals(void)
{
	return refusals ? __atomic_load_n(refusals, __ATOMIC_RELAXED) : 0;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
	return fails() ? MAP_FAILED : (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}

int munmap(void *address, size_t bytes)
{
	return fails() ? -1 : (int)syscall(SYS_munmap, address, bytes);
}

int mprotect(void *address, size_t bytes, int protection)
{
	return fails() ? -1 : (int)syscall(SYS_mprotect, address, bytes, protection);
}

int madvise(void *address, size_t bytes, int advice)
{
	return fails() ? -1 : (int)syscall(SYS_madvise, address, bytes, advice);
}

void *mremap(void *address, size_t bytes, size_t new_bytes, int flags, ...)
{
	va_list list;
	void *target;
	long call;

	va_start(list, flags);
	target = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	call = fails();
	if (!call)
		return (void *)syscall(SYS_mremap, address, bytes, new_bytes, flags, target);
	/* Linux may fail after it has unmapped the target: here where the call's number is even. */
	if (target && call % 2 == 0)
		syscall(SYS_munmap, target, new_bytes);
	errno = ENOMEM;
	return MAP_FAILED;
}
