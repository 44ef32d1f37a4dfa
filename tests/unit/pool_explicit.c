/* SPDX-License-Identifier: MIT */
/*
 * Explicit pools: blocks that do not overlap, freed singly, all at once by a reset, or with the pool, whose pages
 * are then no longer mapped; pools of one size; limits; a pool that several threads use.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 * sanitize: thread
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "../../alloc/pagepool.h"
#include "random.h"

#define BLOCKS 3000

static struct pagepool_usage usage_of(struct pagepool *pool)
{
	struct pagepool_usage usage;

	pagepool_get_usage(pool, &usage);
	return usage;
}

static bool is_mapped(void *address)
{
	unsigned char vector;

	return mincore((void *)((uintptr_t)address & ~4095UL), 4096, &vector) == 0;
}

static void blocks_of_a_pool_do_not_overlap(void **state)
{
	static unsigned char *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	struct random random = { FIXED_SEED };
	struct pagepool *pool = pagepool_create(NULL);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t at = random_below(&random, BLOCKS);

		if (blocks[at]) {
			assert_int_equal(blocks[at][0], at % 251);
			assert_int_equal(blocks[at][sizes[at] - 1], at % 251);
			pagepool_free(pool, blocks[at]);
			blocks[at] = NULL;
			continue;
		}
		sizes[at] = 1 + random_below(&random, random_percent(&random, 1) ? 300000 : 500);
		blocks[at] = pagepool_allocate(pool, sizes[at]);
		assert_non_null(blocks[at]);
		assert_int_equal((uintptr_t)blocks[at] % 16, 0);
		memset(blocks[at], (int)(at % 251), sizes[at]);
	}
	pagepool_destroy(pool);
}

static void a_reset_pool_hands_out_the_same_pages_again(void **state)
{
	struct pagepool *pool = pagepool_create(NULL);
	char *first[100];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 100; i++) {
			char *block = pagepool_allocate(pool, 1 + i * 20);

			if (!round)
				first[i] = block;
			assert_ptr_equal(block, first[i]);
		}
		pagepool_allocate(pool, 3 << 20);
		assert_int_equal(usage_of(pool).live_blocks, 101);
		pagepool_reset(pool);
		assert_int_equal(usage_of(pool).live_blocks, 0);
		assert_int_equal(usage_of(pool).live_bytes, 0);
	}
	pagepool_destroy(pool);
}

static void a_destroyed_pool_has_no_pages(void **state)
{
	struct pagepool *pool = pagepool_create(NULL);
	void *small = memset(pagepool_allocate(pool, 100), 1, 100);
	void *large = memset(pagepool_allocate(pool, 5 << 20), 1, 5 << 20);

	(void)state;
	assert_true(is_mapped(small));
	assert_true(is_mapped(large));
	pagepool_destroy(pool);
	assert_false(is_mapped(small));
	assert_false(is_mapped(large));
	pagepool_destroy(NULL);
}

static void a_pool_of_one_size_refuses_larger_blocks(void **state)
{
	struct pagepool *pool = pagepool_create(&(struct pagepool_settings){ .block_bytes = 100 });
	char *one = pagepool_allocate(pool, 100), *other = pagepool_allocate(pool, 1);

	(void)state;
	assert_int_equal(other - one, 112);
	errno = 0;
	assert_null(pagepool_allocate(pool, 101));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(usage_of(pool).refusals, 1);
	pagepool_destroy(pool);
	errno = 0;
	assert_null(pagepool_create(&(struct pagepool_settings){ .block_bytes = 2 << 20 }));
	assert_int_equal(errno, EINVAL);
}

static void a_limit_holds_and_a_freed_block_makes_room(void **state)
{
	struct pagepool *pool = pagepool_create(&(struct pagepool_settings){ .limit_bytes = 10000 });
	void *last = NULL, *block;
	int count = 0;

	(void)state;
	while ((block = pagepool_allocate(pool, 100))) {
		last = block;
		count++;
	}
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(count, 10000 / 112);
	assert_null(pagepool_allocate(pool, 1 << 20));
	pagepool_free(pool, last);
	assert_non_null(pagepool_allocate(pool, 100));
	assert_int_equal(usage_of(pool).peak_live_bytes, count * 112);
	pagepool_free(pool, NULL);
	pagepool_destroy(pool);
}

static void *use(void *argument)
{
	void *blocks[50] = { 0 };

	for (int i = 0; i < 20000; i++) {
		void **one = &blocks[i * 7 % 50];

		pagepool_free(argument, *one);
		*one = pagepool_allocate(argument, (size_t)(1 + i % 900));
		*(char *)*one = 1;
	}
	return NULL;
}

static void threads_may_share_a_pool(void **state)
{
	struct pagepool *pool = pagepool_create(&(struct pagepool_settings){ .shared = 1 });
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, pool), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(usage_of(pool).live_blocks, 4 * 50);
	pagepool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_a_pool_do_not_overlap),
		cmocka_unit_test(a_reset_pool_hands_out_the_same_pages_again),
		cmocka_unit_test(a_destroyed_pool_has_no_pages),
		cmocka_unit_test(a_pool_of_one_size_refuses_larger_blocks),
		cmocka_unit_test(a_limit_holds_and_a_freed_block_makes_room),
		cmocka_unit_test(threads_may_share_a_pool),
	};

	return cmocka_run_group_tests_name("pool_explicit", tests, NULL, NULL);
}
