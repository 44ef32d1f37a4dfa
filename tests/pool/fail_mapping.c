/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded before an allocator: lets the n-th call of mmap, munmap, mremap, mprotect or madvise fail with
 * ENOMEM, and every tenth after it; n is FAIL_AT in the environment.
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

static long calls, fail_at = -1;

static int fails(void)
{
	if (fail_at < 0) {
		const char *at = environ ? getenv("FAIL_AT") : NULL;

		fail_at = at ? atol(at) : 0;
	}
	calls++;
	if (!fail_at || calls < fail_at || (calls - fail_at) % 10)
		return 0;
	errno = ENOMEM;
	return 1;
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

	va_start(list, flags);
	target = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	return fails() ? MAP_FAILED : (void *)syscall(SYS_mremap, address, bytes, new_bytes, flags, target);
}
