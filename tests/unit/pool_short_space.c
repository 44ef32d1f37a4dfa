/* SPDX-License-Identifier: MIT */
/*
 * Where address space is so short that no usual chunk of the pooled allocator fits, smaller ones are made: small blocks
 * are had from what is left, to nearly its last page. Once there is more, chunks are as long as ever.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/pagemap.h"
#include "../../alloc/pagepool.h"
#include "../../alloc/pages.h"
#include "child.h"

#define BLOCKS 100000

struct block {
	unsigned char *at;
	size_t bytes;
};

static struct block blocks[BLOCKS];

/* Address space in use: statm's first figure. */
static size_t mapped_now(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	must(file && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	return pages * PAGE_SIZE;
}

static void leave(size_t bytes)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_AS, &limit) == 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : mapped_now() + bytes;
	must(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* Blocks of up to @most bytes from blocks[@count] on, until there is no memory; the new count. */
static size_t fill(size_t count, size_t most)
{
	for (; count < BLOCKS; count++) {
		struct block *b = &blocks[count];

		b->bytes = 1 + count * 37 % most;
		errno = 0;
		b->at = heap_allocate(b->bytes);
		if (!b->at)
			break;
		memset(b->at, (int)(count % 251), b->bytes);
	}
	must(count < BLOCKS && errno == ENOMEM);
	return count;
}

static size_t bytes_of(size_t from, size_t count)
{
	size_t bytes = 0;

	for (; from < count; from++)
		bytes += blocks[from].bytes;
	return bytes;
}

static void release(size_t from, size_t count)
{
	for (; from < count; from++) {
		for (size_t i = 0; i < blocks[from].bytes; i++)
			must(blocks[from].at[i] == from % 251);
		heap_free(blocks[from].at);
	}
}

/* The page map's leaves, 2 MiB each, are not what is looked at: they are there before. */
static void begin(void)
{
	heap_free(heap_allocate(100));
	for (uintptr_t base = main_arena.first->base, at = base - (64 << 20); at <= base + (64 << 20); at += 64 << 20)
		must(pagemap_prepare(at, PAGE_SIZE));
}

static void must_go_on_as_ever(void)
{
	size_t count, small = 0;

	leave(RLIM_INFINITY);
	for (count = 0; count < 20000; count++)
		must((blocks[count].at = heap_allocate(1000)) != NULL);
	must(main_arena.last->pages == CHUNK_PAGES && !(main_arena.last->base & (CHUNK_BYTES - 1)));
	for (size_t i = 0; i < count; i++)
		heap_free(blocks[i].at);
	must(heap_trim());
	for (struct chunk *chunk = main_arena.first; chunk; chunk = chunk->next)
		small += chunk->pages < CHUNK_PAGES;
	must(small <= 1 && main_arena.taken_pages <= main_arena.pages);
}

static void live_on(size_t left, size_t most)
{
	size_t before, count, again;

	begin();
	leave(0);
	before = fill(0, most);
	leave(left);
	count = fill(before, most);
	if (bytes_of(before, count) < left / 2)
		fprintf(stderr, "of %zu bytes that were left %zu were had\n", left, bytes_of(before, count));
	must(bytes_of(before, count) >= left / 2);
	must(left >= CHUNK_BYTES || main_arena.last->pages < CHUNK_PAGES);
	release(before, count);
	again = fill(before, most);
	must(bytes_of(before, again) >= bytes_of(before, count) / 4 * 3);
	release(0, again);
	must_go_on_as_ever();
}

static void live_on_two_mib(void)
{
	live_on(2 << 20, 2000);
}

static void live_on_512_kib(void)
{
	live_on(512 << 10, 2000);
}

static void live_on_64_kib(void)
{
	live_on(64 << 10, 600);
}

static void small_blocks_are_had_to_nearly_the_last_page(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(live_on_two_mib), 0);
	assert_int_equal(status_of_child(live_on_512_kib), 0);
	assert_int_equal(status_of_child(live_on_64_kib), 0);
}

/* Runs of pages, at multiples of more than a page: a small chunk may begin anywhere. */
static void take_aligned_runs(void)
{
	void *run, *aligned[64];
	size_t count = 0;

	begin();
	leave(0);
	fill(0, 4096);
	leave(1536 << 10);
	run = heap_allocate(1000 << 10);
	must(run != NULL);
	memset(run, 1, 1000 << 10);
	must(main_arena.last->pages < CHUNK_PAGES);
	heap_free(run);
	while (count < 64 && (aligned[count] = heap_allocate_aligned(32 << 10, 20 << 10))) {
		must(((uintptr_t)aligned[count] & ((32 << 10) - 1)) == 0);
		memset(aligned[count++], 1, 20 << 10);
	}
	must(count >= 25);
	while (count)
		heap_free(aligned[--count]);
	leave(RLIM_INFINITY);
	must(heap_allocate(20 << 20) != NULL);
}

static void so_are_runs_of_pages_and_they_are_aligned(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(take_aligned_runs), 0);
}

/* An explicit pool's chunks likewise; what it had is accounted for when it is gone. */
static void live_on_in_a_pool(void)
{
	struct pagepool *pool;
	size_t count = 0, before = main_arena.pages;

	begin();
	leave(0);
	fill(0, 4096);
	leave(512 << 10);
	pool = pagepool_create(NULL);
	must(pool != NULL);
	while (pagepool_allocate(pool, 1000))
		count++;

	must(count >= 300 && plain_bytes >= count * 1000 && plain_bytes <= 512 << 10);
	pagepool_destroy(pool);
	must(plain_bytes == 0 && main_arena.pages >= before);
	leave(RLIM_INFINITY);
}

static void so_is_memory_of_explicit_pools(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(live_on_in_a_pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_blocks_are_had_to_nearly_the_last_page),
		cmocka_unit_test(so_are_runs_of_pages_and_they_are_aligned),
		cmocka_unit_test(so_is_memory_of_explicit_pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
