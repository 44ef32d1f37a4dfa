/* SPDX-License-Identifier: MIT */
/*
 * The pooled allocator with all that is optional against misuse: canaries behind each block, cleared blocks that must
 * still be clear when they are handed out again, slots in random order, a quarantine.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/options.h"
#include "../../alloc/pagepool.h"
#include "../../alloc/sizes.h"
#include "misuse.h"

/* Of every kind: slots, runs of pages, mappings; with much, little and no room to the end of the block. */
static const size_t sizes[] = {
	0, 1, 7, 8, 9, 16, 24, 100, 1000, 4088, 4096, 30000, 32760, 32761, 40000, 200000, 1 << 20, 3 << 20,
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static volatile size_t size_at_hand, beyond;

static void write_behind_and_free(void)
{
	volatile unsigned char *block = heap_allocate(size_at_hand);

	block[size_at_hand + beyond] ^= 1;
	heap_free((void *)block);
}

static void write_behind_and_resize(void)
{
	volatile unsigned char *block = heap_allocate(size_at_hand);

	block[size_at_hand + beyond] ^= 0x80;
	heap_resize((void *)block, size_at_hand * 2 + 1);
}

static void write_behind_aligned(void)
{
	volatile unsigned char *block = heap_allocate_aligned(256, size_at_hand);

	block[size_at_hand + beyond] ^= 1;
	heap_free((void *)block);
}

static void a_byte_written_behind_a_block_ends_the_program(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		size_at_hand = sizes[i];
		for (beyond = 0; beyond < 8; beyond++) {
			assert_non_null(strstr(message_of(write_behind_and_free), "free(0x"));
			assert_non_null(strstr(message_of(write_behind_and_resize), "beyond its end"));
			assert_non_null(strstr(message_of(write_behind_aligned), "beyond its end"));
		}
	}
}

static void write_into_a_freed_block(void)
{
	volatile unsigned char *block = heap_allocate(size_at_hand);

	heap_free((void *)block);
	block[size_at_hand / 2] = 1;
	for (size_t i = 0; i < 200000; i++) /* until the quarantine lets it go and its slot is found again */
		heap_free(heap_allocate(size_at_hand));
}

static void a_write_into_a_freed_block_ends_the_program_when_it_is_handed_out_again(void **state)
{
	(void)state;
	for (size_at_hand = 8; size_at_hand < 3000; size_at_hand = size_at_hand * 3 + 1)
		assert_non_null(strstr(message_of(write_into_a_freed_block), "written to after it was freed"));
}

static void free_twice_with_many_between(void)
{
	void *block = heap_allocate(100);

	heap_free(block);
	for (size_t i = 0; i < 100; i++)
		heap_allocate(100);
	heap_free(block);
}

/* Most of the time: a block leaves the quarantine at random, here after as many others as 40 times its size. */
static void a_freed_block_is_not_handed_out_at_once(void **state)
{
	void *block = heap_allocate(100);
	int at_once = 0;

	(void)state;
	heap_free(block);
	for (int i = 0; i < 100; i++)
		at_once += heap_allocate(100) == block;
	assert_int_equal(at_once, 0);
	assert_non_null(strstr(message_of(free_twice_with_many_between), "freed twice"));
}

static void usable_bytes_are_those_that_were_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		unsigned char *block = heap_allocate(sizes[i]);

		assert_int_equal(heap_usable(block), sizes[i]);
		memset(block, 1, heap_usable(block));
		for (size_t j = 0; j < SIZES; j++) {
			size_t kept = sizes[j] < heap_usable(block) ? sizes[j] : heap_usable(block);

			block = heap_resize(block, sizes[j]);
			assert_int_equal(heap_usable(block), sizes[j]);
			for (size_t at = 0; at < kept; at++)
				assert_int_equal(block[at], 1);
			memset(block, 1, sizes[j]);
		}
		heap_free(block);
	}
}

static void aligned_and_zeroed_blocks_are_so(void **state)
{
	(void)state;
	for (size_t align = 16; align <= 4 << 20; align *= 2) {
		for (size_t i = 0; i < SIZES; i++) {
			void *block = heap_allocate_aligned(align, sizes[i]);

			assert_int_equal((uintptr_t)block % align, 0);
			memset(block, 1, heap_usable(block));
			heap_free(block);
		}
	}
	for (size_t i = 0; i < SIZES; i++) {
		unsigned char *block = heap_allocate_zeroed(1, sizes[i]);

		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(block[at], 0);
		heap_free(memset(block, 1, sizes[i]));
	}
}

/* What a block gives up when it shrinks, too. */
static void freed_bytes_are_cleared(void **state)
{
	unsigned char *block = memset(heap_allocate(900000), 0x5a, 900000);

	(void)state;
	assert_ptr_equal(heap_resize(block, 300000), block);
	for (size_t at = round_up(300008, PAGE_SIZE); at < 900000; at++)
		assert_int_equal(((volatile unsigned char *)block)[at], 0);
	heap_free(block);
	for (size_t at = 0; at < 900000; at++)
		assert_int_equal(((volatile unsigned char *)block)[at], 0);
}

static void the_statistics_add_up(void **state)
{
	struct pagepool_statistics s;
	void *blocks[500];

	(void)state;
	for (size_t i = 0; i < 500; i++)
		blocks[i] = heap_allocate(i * i);
	for (size_t i = 0; i < 500; i += 2)
		heap_free(blocks[i]);
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.mapped_bytes, s.live_bytes + s.cached_bytes + s.free_slot_bytes + s.slab_end_bytes +
			 s.free_page_bytes + s.large_kept_bytes + s.table_bytes + s.pool_bytes);
	assert_true(s.cached_bytes);
	for (size_t i = 1; i < 500; i += 2)
		heap_free(blocks[i]);
}

/* Of 1,000 neighbours that ascend in an orderly heap, hardly more than half do. */
static void slots_come_in_random_order(void **state)
{
	uintptr_t last = 0;
	int ascending = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uintptr_t at = (uintptr_t)heap_allocate(20);

		ascending += at > last;
		last = at;
	}
	assert_in_range(ascending, 350, 650);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_written_behind_a_block_ends_the_program),
		cmocka_unit_test(a_write_into_a_freed_block_ends_the_program_when_it_is_handed_out_again),
		cmocka_unit_test(a_freed_block_is_not_handed_out_at_once),
		cmocka_unit_test(usable_bytes_are_those_that_were_asked_for),
		cmocka_unit_test(aligned_and_zeroed_blocks_are_so),
		cmocka_unit_test(freed_bytes_are_cleared),
		cmocka_unit_test(the_statistics_add_up),
		cmocka_unit_test(slots_come_in_random_order),
	};

	setenv("PAGEPOOL_OPTIONS", "hardened=1", 1);
	return cmocka_run_group_tests_name("pool_hardened", tests, NULL, NULL);
}
