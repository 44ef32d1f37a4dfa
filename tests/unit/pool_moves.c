/* SPDX-License-Identifier: MIT */
/*
 * Large blocks whose pages cannot be moved: mremap(2) fails, with its target as it was or unmapped already, and somebody
 * else may have mapped something there since. That stays, the block is whole, and nothing is left behind.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/large.h"
#include "../../alloc/os.h"
#include "../../alloc/pagemap.h"
#include "../../alloc/sizes.h"

#define BYTES     ((size_t)3 << 20)
#define NEW_BYTES (((size_t)8 << 20) + 12345)
#define GIB       ((size_t)1 << 30)

static enum way { MOVES, FAILS, FAILS_UNMAPPED, FAILS_TAKEN } way;
static char *target;            /* of the last call that was to move */
static size_t target_bytes;
static bool has_moved;          /* the last one to do so */

/* In place of libc's. Nothing grows where it is; what is to move to a given place does so, or not, as @way says. */
void *mremap(void *address, size_t bytes, size_t new_bytes, int flags, ...)
{
	va_list list;

	errno = ENOMEM;
	if (!(flags & MREMAP_FIXED))
		return MAP_FAILED;
	va_start(list, flags);
	target = va_arg(list, char *);
	va_end(list);
	target_bytes = new_bytes;
	if (way == MOVES) {
		void *moved = (void *)syscall(SYS_mremap, address, bytes, new_bytes, flags, target);

		has_moved = moved == target;
		return moved;
	}
	if (way != FAILS)
		syscall(SYS_munmap, target, new_bytes);
	if (way == FAILS_TAKEN) { /* a part of it, as by another thread */
		char *taken = mmap(target + new_bytes - 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		assert_ptr_not_equal(taken, MAP_FAILED);
		memset(taken, 0x5a, 2 * PAGE_SIZE);
	}
	errno = ENOMEM;
	return MAP_FAILED;
}

static bool is_mapped(const char *page)
{
	unsigned char resident;

	return mincore((void *)(uintptr_t)((uintptr_t)page & ~(PAGE_SIZE - 1)), PAGE_SIZE, &resident) == 0;
}

static void fill(unsigned char *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		block[i] = (unsigned char)(i * 7 + i / 4096);
}

static size_t wrong_bytes(const unsigned char *block, size_t bytes)
{
	size_t wrong = 0;

	for (size_t i = 0; i < bytes; i++)
		wrong += block[i] != (unsigned char)(i * 7 + i / 4096);
	return wrong;
}

/* The block moves, or is copied where it cannot; either way what is mapped is the block. */
static void resize(enum way how)
{
	uint64_t mapped;
	unsigned char *block, *resized;

	block = heap_allocate(BYTES);
	assert_non_null(block);
	assert_true(pagemap_prepare((uintptr_t)block - GIB, 2 * GIB)); /* wherever a block goes, its tables are there */
	heap_free(block);
	heap_trim();
	mapped = os_mapped_bytes;
	block = heap_allocate(BYTES);
	assert_non_null(block);
	fill(block, BYTES);
	way = how;
	target = NULL;
	resized = heap_resize(block, NEW_BYTES);
	way = MOVES;
	assert_non_null(resized);
	assert_non_null(target);
	assert_int_equal(wrong_bytes(resized, BYTES), 0);
	memset(resized, 1, NEW_BYTES);
	if (how == MOVES)
		assert_ptr_equal(resized, target);
	if (how == FAILS_TAKEN) {
		assert_true(is_mapped(target + target_bytes - 2 * PAGE_SIZE));
		for (size_t i = 1; i <= 2 * PAGE_SIZE; i++)
			assert_int_equal(target[target_bytes - i], 0x5a);
		munmap(target + target_bytes - 2 * PAGE_SIZE, 2 * PAGE_SIZE);
	}
	heap_free(resized);
	heap_trim();
	assert_int_equal(os_mapped_bytes, mapped);
	assert_false(is_mapped(target));
	assert_false(is_mapped(target + target_bytes - 1));
}

static void one_thread_moves_and_copies(void **state)
{
	(void)state;
	if (!__libc_single_threaded)
		skip();
	for (int i = 0; i < 3; i++)
		for (enum way how = MOVES; how <= FAILS_UNMAPPED; how++)
			resize(how);
}

/* Large blocks that are used as a whole get huge pages; what they are longer than such pages moves with them. */
static void a_block_with_huge_pages_moves_in_one(void **state)
{
	unsigned char *first, *second, *moved;

	(void)state;
	for (int i = 0; i < 3; i++) {
		first = heap_allocate(BYTES);
		fill(first, BYTES);
		heap_free(first);
	}
	first = heap_allocate(BYTES); /* what is kept */
	second = heap_allocate(BYTES);
	fill(second, BYTES);
	has_moved = false;
	moved = heap_resize(second, NEW_BYTES);
	assert_true(has_moved);
	assert_ptr_equal(moved, target);
	assert_int_equal(wrong_bytes(moved, BYTES), 0);
	heap_free(first);
	heap_free(moved);
}

static void *wait_for_end(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

static void what_another_thread_has_mapped_since_stays(void **state)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_t other;

	(void)state;
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_create(&other, NULL, wait_for_end, &lock), 0);
	assert_false(__libc_single_threaded);
	for (int i = 0; i < 3; i++)
		for (enum way how = MOVES; how <= FAILS_TAKEN; how++)
			resize(how);
	pthread_mutex_unlock(&lock);
	pthread_join(other, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_moves_and_copies),
		cmocka_unit_test(a_block_with_huge_pages_moves_in_one),
		cmocka_unit_test(what_another_thread_has_mapped_since_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
