/* SPDX-License-Identifier: MIT */
/* Mappings from the kernel: mmap(2), mremap(2), madvise(2), mincore(2). */
#include "os.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "figure.h"
#include "sizes.h"

#define SAMPLES 16      /* pages looked at to judge a block */

uint64_t os_mapped_bytes;

static void count_mapped(size_t more, size_t less)
{
	figure_adjust_shared(&os_mapped_bytes, more, less);
}

static void *map(size_t bytes, int protection)
{
	void *address = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (address == MAP_FAILED)
		return NULL;
	if (protection != PROT_NONE)
		count_mapped(bytes, 0);
	return address;
}

void *os_map(size_t bytes, size_t alignment)
{
	int error = errno;
	char *address = map(bytes, PROT_READ | PROT_WRITE);

	/* Often the kernel's choice is aligned already: right below the last mapping that was. */
	if (address && ((uintptr_t)address & (alignment - 1))) {
		size_t before;

		os_unmap(address, bytes);
		address = map(bytes + alignment, PROT_READ | PROT_WRITE);
		before = -(uintptr_t)address & (alignment - 1);
		if (address) {
			if (before)
				os_unmap(address, before);
			os_unmap(address + before + bytes, alignment - before);
			address += before;
		}
	}
	errno = error;
	return address;
}

void *os_map_guarded(size_t bytes)
{
	int error = errno;
	char *address = map(bytes + 2 * PAGE_SIZE, PROT_NONE);

	if (address && mprotect(address + PAGE_SIZE, bytes, PROT_READ | PROT_WRITE)) {
		munmap(address, bytes + 2 * PAGE_SIZE);
		address = NULL;
	}
	if (address)
		count_mapped(bytes, 0);
	errno = error;
	return address ? address + PAGE_SIZE : NULL;
}

bool os_unmap(void *address, size_t bytes)
{
	int error = errno;
	bool done = munmap(address, bytes) == 0;

	if (done)
		count_mapped(0, bytes);
	else
		madvise(address, bytes, MADV_DONTNEED);
	errno = error;
	return done;
}

void *os_grow(void *address, size_t bytes, size_t new_bytes, bool may_move)
{
	int error = errno;
	void *grown = mremap(address, bytes, new_bytes, may_move ? MREMAP_MAYMOVE : 0);

	errno = error;
	if (grown == MAP_FAILED)
		return NULL;
	count_mapped(new_bytes, bytes);
	return grown;
}

/*
 * The kernel unmaps the target before it moves, and may fail after that (mm/mremap.c: mremap_to; until Linux 6.17 also where
 * the source is of two pieces, or limits are reached): then another thread may have mapped something there. So a target
 * carries a mark in its last page, which a single thread can do without.
 */
static uint64_t *mark_of(void *target, size_t bytes)
{
	return (uint64_t *)(void *)((char *)target + bytes) - 1;
}

/* No two moves have the same one, and hardly anything else has it: odd multiples of 2^64 / φ. */
static uint64_t new_mark(void)
{
	static uint64_t moves;

	return (__atomic_fetch_add(&moves, 2, __ATOMIC_RELAXED) + 1) * 0x9e3779b97f4a7c15UL;
}

static void set_mark(void *target, size_t bytes, uint64_t mark)
{
	madvise(target, bytes, MADV_NOHUGEPAGE); /* a page and no more for it; it does not last: what is moved brings its own advice */
	*mark_of(target, bytes) = mark;
}

/* Compared by the kernel, since there may be nothing to read: futex(2), ETIMEDOUT says that the word is so. */
static bool word_is(const void *word, uint32_t value)
{
	const struct timespec no_time = { 0 };
	long result;

	do {
		result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &no_time, NULL, 0);
	} while (result < 0 && errno == EINTR);
	return result < 0 && errno == ETIMEDOUT;
}

static bool has_mark(void *target, size_t bytes, uint64_t mark)
{
	const uint32_t *words = (const uint32_t *)(const void *)mark_of(target, bytes);

	return word_is(words, (uint32_t)mark) && word_is(words + 1, (uint32_t)(mark >> 32));
}

bool os_move(void *address, size_t bytes, void *target, size_t new_bytes)
{
	int error = errno;
	uint64_t mark = __libc_single_threaded ? 0 : new_mark();
	bool done;

	if (mark)
		set_mark(target, new_bytes, mark);
	done = mremap(address, bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target;
	if (done)
		count_mapped(0, bytes);
	else if (!mark || has_mark(target, new_bytes, mark))
		os_unmap(target, new_bytes);
	else
		count_mapped(0, new_bytes);
	errno = error;
	return done;
}

bool os_return_pages(void *address, size_t bytes)
{
	int error = errno;
	bool done = madvise(address, bytes, MADV_DONTNEED) == 0;

	errno = error;
	return done;
}

void os_ask_huge_pages(void *address, size_t bytes)
{
	int error = errno;

	madvise(address, bytes, MADV_HUGEPAGE);
	errno = error;
}

bool os_looks_resident(const void *address, size_t bytes)
{
	int error = errno;
	size_t pages = bytes / PAGE_SIZE, resident = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		const char *page = (const char *)address + pages * i / SAMPLES * PAGE_SIZE;
		unsigned char backed = 0;

		if (mincore((void *)page, PAGE_SIZE, &backed) == 0)
			resident += backed & 1;
	}
	errno = error;
	return resident >= SAMPLES - 1;
}

uint64_t os_now_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
