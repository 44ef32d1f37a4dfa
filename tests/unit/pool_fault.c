/* SPDX-License-Identifier: MIT */
/*
 * Misuse of blocks is noticed: the process ends by SIGABRT after one line on standard error that names the pointer and
 * what is wrong with it. Each case in a child.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/pagepool.h"
#include "misuse.h"

static void free_twice(void)
{
	void *block = heap_allocate(100);

	heap_free(block);
	heap_free(block);
}

static void free_twice_with_others_between(void)
{
	void *block = heap_allocate(100), *others[1000];

	heap_free(block);
	for (size_t i = 0; i < 1000; i++)
		others[i] = heap_allocate(200);
	for (size_t i = 0; i < 1000; i++)
		heap_free(others[i]);
	heap_free(block);
}

static void free_run_twice(void)
{
	void *block = heap_allocate(200000);

	heap_free(block);
	heap_free(block);
}

static void free_large_twice(void)
{
	void *block = heap_allocate(20 << 20);

	heap_free(block);
	heap_free(block);
}

static void resize_after_free(void)
{
	void *block = heap_allocate(100);

	heap_free(block);
	heap_resize(block, 200);
}

static void free_inside(void)
{
	heap_free((char *)heap_allocate(100) + 16);
}

static void free_inside_a_run(void)
{
	heap_free((char *)heap_allocate(200000) + 4096);
}

static void free_inside_a_large_block(void)
{
	heap_free((char *)heap_allocate(20 << 20) + 16);
}

static void free_of_the_stack(void)
{
	char local[64];

	heap_free((char *)((uintptr_t)(local + 15) & ~15UL));
}

static void free_of_nonsense(void)
{
	heap_free((void *)0x4141414141414141);
}

static void free_of_a_pools_block(void)
{
	heap_free(pagepool_allocate(pagepool_create(NULL), 100));
}

static void free_to_another_pool(void)
{
	pagepool_free(pagepool_create(NULL), pagepool_allocate(pagepool_create(NULL), 100));
}

static void free_twice_to_a_pool(void)
{
	struct pagepool *pool = pagepool_create(NULL);
	void *block = pagepool_allocate(pool, 100);

	pagepool_free(pool, block);
	pagepool_free(pool, block);
}

static void a_block_that_is_freed_twice_ends_the_program(void **state)
{
	(void)state;
	assert_non_null(strstr(message_of(free_twice), "freed twice"));
	assert_non_null(strstr(message_of(free_twice_with_others_between), "freed twice"));
	assert_non_null(strstr(message_of(free_run_twice), "no block starts here"));
	assert_non_null(strstr(message_of(free_large_twice), "no block starts here"));
	assert_non_null(strstr(message_of(resize_after_free), "realloc(0x"));
}

static void a_pointer_that_is_no_blocks_start_ends_the_program(void **state)
{
	(void)state;
	assert_non_null(strstr(message_of(free_inside), "inside"));
	assert_non_null(strstr(message_of(free_inside_a_run), "no block starts here"));
	assert_non_null(strstr(message_of(free_inside_a_large_block), "inside"));
	assert_non_null(strstr(message_of(free_of_the_stack), "no block starts here"));
	assert_non_null(strstr(message_of(free_of_nonsense), "0x4141414141414141"));
}

static void a_pools_block_goes_to_its_pool_alone(void **state)
{
	(void)state;
	assert_non_null(strstr(message_of(free_of_a_pools_block), "belongs to a pool"));
	assert_non_null(strstr(message_of(free_to_another_pool), "not a block of this pool"));
	assert_non_null(strstr(message_of(free_twice_to_a_pool), "freed twice"));
}

/* A block and the free slot before it are left as the program left them: nothing is written into either. */
static void nothing_is_written_into_a_freed_block(void **state)
{
	static const size_t sizes[] = { 16, 100, 3000, 30000, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		volatile unsigned char *block = memset(heap_allocate(sizes[i]), 0x5a, sizes[i]);

		heap_free((void *)block);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(block[at], 0x5a);
	}
}

static void cleared_blocks_are_cleared_when_they_are_freed(void **state)
{
	volatile unsigned char *block = memset(heap_allocate(100), 0x5a, 100);

	(void)state;
	heap_clear_freed(true);
	heap_free((void *)block);
	heap_clear_freed(false);
	for (size_t at = 0; at < 100; at++)
		assert_int_equal(block[at], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_that_is_freed_twice_ends_the_program),
		cmocka_unit_test(a_pointer_that_is_no_blocks_start_ends_the_program),
		cmocka_unit_test(a_pools_block_goes_to_its_pool_alone),
		cmocka_unit_test(nothing_is_written_into_a_freed_block),
		cmocka_unit_test(cleared_blocks_are_cleared_when_they_are_freed),
	};

	return cmocka_run_group_tests_name("pool_fault", tests, NULL, NULL);
}
