/* SPDX-License-Identifier: MIT */
/*
 * Blocks of the pooled allocator: size classes and their slack, alignment, what is refused and with which errno,
 * resizing at the borders between slabs, runs of pages and mappings, and statistics that add up.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/cache.h"
#include "../../alloc/heap.h"
#include "../../alloc/large.h"
#include "../../alloc/metadata.h"
#include "../../alloc/pagepool.h"
#include "../../alloc/sizes.h"
#include "child.h"

static void every_size_has_the_smallest_class_that_holds_it(void **state)
{
	(void)state;
	for (size_t size = 0; size <= SMALL_MAX; size++) {
		unsigned class = size_class(size);

		assert_true(class < SIZE_CLASSES);
		assert_true(class_size(class) >= size);
		assert_true(!class || class_size(class - 1) < size || (size == 0 && class == 0));
	}
	assert_int_equal(size_class(SMALL_MAX), SIZE_CLASSES - 1);
}

static void at_most_an_eighth_of_a_block_or_less_than_a_page_is_slack(void **state)
{
	(void)state;
	for (size_t size = 129; size <= 2 * RUN_MAX; size += size < 4096 ? 1 : 97) {
		void *block = heap_allocate(size);
		size_t usable = heap_usable(block);

		if (usable < size || ((usable - size) * 8 > usable && usable - size >= PAGE_SIZE) ||
		    (size <= SMALL_MAX && (usable - size) * 8 > usable))
			fail_msg("%zu bytes have %zu", size, usable);
		heap_free(block);
	}
}

static void at_most_a_sixty_fourth_of_a_slab_is_behind_its_last_slot(void **state)
{
	(void)state;
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		size_t bytes = class_pages(class) * PAGE_SIZE;

		assert_true(bytes / class_size(class) >= 4);
		assert_true(bytes / class_size(class) <= 1024);
		assert_true(bytes % class_size(class) * 64 <= bytes);
	}
}

static void blocks_of_any_alignment_are_aligned_and_usable(void **state)
{
	(void)state;
	for (size_t align = 1; align <= 64 << 20; align *= 2) {
		for (size_t size = 0; size < 3 << 20; size = size * 3 + 1) {
			char *block = heap_allocate_aligned(align, size);

			assert_non_null(block);
			assert_int_equal((uintptr_t)block % align, 0);
			assert_true(heap_usable(block) >= size);
			memset(block, 1, size);
			heap_free(block);
		}
	}
}

static void a_block_of_no_bytes_is_a_block_of_its_own(void **state)
{
	void *one = heap_allocate(0), *other = heap_allocate(0);

	(void)state;
	assert_non_null(one);
	assert_non_null(other);
	assert_ptr_not_equal(one, other);
	heap_free(one);
	heap_free(other);
}

static void what_is_too_large_is_refused_with_ENOMEM(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, (size_t)PTRDIFF_MAX, 1UL << 47 };
	char *block = heap_allocate(100);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		errno = 0;
		assert_null(heap_allocate(sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(heap_resize(block, sizes[i]));
		assert_int_equal(errno, ENOMEM);
		errno = 0;
		assert_null(heap_allocate_aligned(1 << 20, sizes[i]));
		assert_int_equal(errno, ENOMEM);
	}
	errno = 0;
	assert_null(heap_allocate_zeroed(SIZE_MAX / 8, 9));
	assert_int_equal(errno, ENOMEM);
	heap_free(block);
}

static void freeing_leaves_errno_alone(void **state)
{
	static const size_t sizes[] = { 1, 5000, 100000, 3 << 20, 200 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		void *block = heap_allocate(sizes[i]);

		errno = 12345;
		heap_free(block);
		assert_int_equal(errno, 12345);
	}
	heap_free(NULL);
	assert_int_equal(errno, 12345);
}

static void resizing_keeps_the_contents_across_all_kinds_of_blocks(void **state)
{
	static const size_t sizes[] = { 1, 200, 5000, 32768, 32769, 200000, 1 << 20, (1 << 20) + 1, 5 << 20, 30 << 20 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (size_t from = 0; from < count; from++) {
		for (size_t to = 0; to < count; to++) {
			size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
			unsigned char *block = heap_allocate(sizes[from]);

			for (size_t i = 0; i < sizes[from]; i += 97)
				block[i] = (unsigned char)(i / 97);
			block = heap_resize(block, sizes[to]);
			assert_non_null(block);
			assert_true(heap_usable(block) >= sizes[to]);
			for (size_t i = 0; i < kept; i += 97)
				assert_int_equal(block[i], (unsigned char)(i / 97));
			memset(block, 7, sizes[to]);
			heap_free(block);
		}
	}
}

static void a_zeroed_block_is_zero_whatever_its_pages_held_before(void **state)
{
	static const size_t sizes[] = { 40, 5000, 60000, 900000, 3 << 20, 9 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int round = 0; round < 3; round++) {
			unsigned char *block = heap_allocate_zeroed(1, sizes[i]);

			for (size_t at = 0; at < sizes[i]; at++)
				if (block[at])
					fail_msg("byte %zu of %zu is %u", at, sizes[i], block[at]);
			memset(block, 0xff, sizes[i]);
			heap_free(block);
		}
	}
}

static void a_large_block_is_cut_from_one_that_was_freed(void **state)
{
	void *first = heap_allocate(8 << 20), *second;
	uint64_t reused = large_reused_pages;

	(void)state;
	memset(first, 1, 8 << 20);
	heap_free(first);
	second = heap_allocate(6 << 20);
	assert_ptr_equal(second, first);
	assert_int_equal(large_reused_pages - reused, (6 << 20) / PAGE_SIZE);
	heap_free(second);
}

static void trimming_gives_back_all_that_is_free(void **state)
{
	static void *blocks[20000];
	struct pagepool_statistics s;

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		memset(blocks[i] = heap_allocate(300), 1, 300);
	for (size_t i = 0; i < 20000; i++)
		heap_free(blocks[i]);
	heap_free(memset(heap_allocate(4 << 20), 1, 4 << 20));
	assert_true(heap_trim());
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.not_returned_bytes, 0);
	assert_int_equal(s.large_kept_bytes, 0);
	assert_int_equal(s.cached_bytes, 0);
}

static void the_statistics_add_up_to_what_is_mapped(void **state)
{
	static void *blocks[3000];
	struct pagepool_statistics s;

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		blocks[i] = heap_allocate(i * i / 4);
	for (size_t i = 0; i < 3000; i += 2)
		heap_free(blocks[i]);
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.version, 1);
	assert_int_equal(s.mapped_bytes, s.live_bytes + s.cached_bytes + s.free_slot_bytes + s.slab_end_bytes +
			 s.free_page_bytes + s.large_kept_bytes + s.table_bytes + s.pool_bytes);
	for (size_t i = 1; i < 3000; i += 2)
		heap_free(blocks[i]);
}

/* As in a signal handler that has interrupted whoever holds them. */
static void statistics_wait_for_no_lock(void **state)
{
	struct pagepool_statistics s;

	(void)state;
	alarm(20);
	slab_lock_all();
	lock_take(&caches_lock);
	lock_take(&main_arena.lock);
	lock_take(&large_lock);
	lock_take(&metadata_lock);
	errno = 77;
	assert_int_equal(pagepool_statistics_1(&s, sizeof(s)), sizeof(s));
	assert_int_equal(errno, 77);
	lock_release(&metadata_lock);
	lock_release(&large_lock);
	lock_release(&main_arena.lock);
	lock_release(&caches_lock);
	slab_unlock_all();
	alarm(0);
}

static void statistics_fill_in_what_there_is_room_for(void **state)
{
	const size_t totals = offsetof(struct pagepool_statistics, class);
	struct pagepool_statistics s, all;

	(void)state;
	pagepool_statistics_1(&all, sizeof(all));
	memset(&s, 0xaa, sizeof(s));
	assert_int_equal(pagepool_statistics_1(&s, totals - 1), 0);
	assert_int_equal(s.version, 0xaaaaaaaa);
	assert_int_equal(pagepool_statistics_1(&s, totals + sizeof(s.class[0]) + 1), totals + sizeof(s.class[0]));
	assert_memory_equal(&s, &all, totals + sizeof(s.class[0]));
	assert_int_equal(s.class[1].block_bytes, 0xaaaaaaaaaaaaaaaa);
	assert_int_equal(pagepool_statistics_1(&s, 2 * sizeof(s)), sizeof(s));
	assert_memory_equal(&s, &all, sizeof(s));
}

/* Of a class that nothing else here uses. */
static void a_class_tells_of_its_slabs_and_the_pages_that_they_used_again(void **state)
{
	const size_t bytes = 13000;
	const unsigned class = size_class(bytes);
	const size_t pages = class_pages(class), slots = pages * PAGE_SIZE / class_size(class);
	struct pagepool_statistics before, s;
	void *blocks[100];

	(void)state;
	pagepool_statistics_1(&before, sizeof(before));
	for (size_t i = 0; i < 100; i++)
		memset(blocks[i] = heap_allocate(bytes), 1, bytes);
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.class[class].block_bytes, class_size(class));
	assert_int_equal(s.class[class].live, 100);
	assert_int_equal(s.class[class].slots, s.class[class].slabs * slots);
	assert_int_equal(s.class[class].pages, s.class[class].slabs * pages);
	assert_int_equal(s.class[class].slots, 100 + s.class[class].cached + s.class[class].free);
	for (size_t i = 0; i < 100; i++)
		heap_free(blocks[i]);
	if (this_cache != &no_cache)
		cache_empty(this_cache);
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.class[class].live + s.class[class].cached + s.class[class].slabs, 0);
	assert_int_equal(s.class[class].returned_pages, s.class[class].slabs_made * pages);
	before = s;
	heap_free(heap_allocate(bytes)); /* on pages that were just given up, and are resident still */
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.class[class].slabs_made, before.class[class].slabs_made + 1);
	assert_int_equal(s.class[class].reused_pages, before.class[class].reused_pages + pages);
	assert_int_equal(s.reused_pages, before.reused_pages + pages);
}

static size_t mapped_now(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	must(statm && fscanf(statm, "%zu", &pages) == 1);
	fclose(statm);
	return pages * PAGE_SIZE;
}

/* In a process of its own, because what was refused cannot be told from what was lost. */
static void live_within_a_limit(void)
{
	static void *blocks[100000];
	struct rlimit limit;
	size_t count[2] = { 0, 0 };

	heap_trim();
	limit.rlim_cur = limit.rlim_max = mapped_now() + (96 << 20);
	must(setrlimit(RLIMIT_AS, &limit) == 0);
	for (int round = 0; round < 2; round++) {
		while (count[round] < 100000 && (blocks[count[round]] = heap_allocate(1 + count[round] % 3000)))
			memset(blocks[count[round]], 1, 1 + count[round] % 3000), count[round]++;
		must(count[round] > 5000 && count[round] < 100000);
		must(errno == ENOMEM);
		for (size_t i = 0; i < count[round]; i++)
			heap_free(blocks[i]);
	}
	must(count[1] * 10 >= count[0] * 9);
	must(heap_allocate(8 << 20));
}

static void without_memory_it_says_so_and_after_frees_there_is_memory_again(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(live_within_a_limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_has_the_smallest_class_that_holds_it),
		cmocka_unit_test(at_most_an_eighth_of_a_block_or_less_than_a_page_is_slack),
		cmocka_unit_test(at_most_a_sixty_fourth_of_a_slab_is_behind_its_last_slot),
		cmocka_unit_test(blocks_of_any_alignment_are_aligned_and_usable),
		cmocka_unit_test(a_block_of_no_bytes_is_a_block_of_its_own),
		cmocka_unit_test(what_is_too_large_is_refused_with_ENOMEM),
		cmocka_unit_test(freeing_leaves_errno_alone),
		cmocka_unit_test(resizing_keeps_the_contents_across_all_kinds_of_blocks),
		cmocka_unit_test(a_zeroed_block_is_zero_whatever_its_pages_held_before),
		cmocka_unit_test(a_large_block_is_cut_from_one_that_was_freed),
		cmocka_unit_test(trimming_gives_back_all_that_is_free),
		cmocka_unit_test(the_statistics_add_up_to_what_is_mapped),
		cmocka_unit_test(statistics_wait_for_no_lock),
		cmocka_unit_test(statistics_fill_in_what_there_is_room_for),
		cmocka_unit_test(a_class_tells_of_its_slabs_and_the_pages_that_they_used_again),
		cmocka_unit_test(without_memory_it_says_so_and_after_frees_there_is_memory_again),
	};

	return cmocka_run_group_tests_name("pool_blocks", tests, NULL, NULL);
}
