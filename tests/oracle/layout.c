/* SPDX-License-Identifier: MIT */
/*
 * Blocks at known places: the program owns every block of its heap, works out from their addresses how full each
 * resident page is and how many bytes are live, slack and free, and expects exactly that of the report. Where blocks
 * lie comes from the allocator; that the ledger sees the same page by page is the test. For glibc, whose chunk headers
 * it reads.
 * usage: layout SCENARIO [SEED]; without one it lists them.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>

#include "oracle.h"

#define BLOCKS_MAX  60000
#define REGIONS_MAX 600

struct block {
	char *address;
	size_t requested, usable;       /* bytes */
};

/* Memory that the allocator holds: the break, a mapped chunk, a heap of a second arena. */
struct region {
	char *start, *end;
};

/* What the ledger must say about the heap, in bytes and pages. */
struct expected {
	uint64_t live, slack, free, live_resident, slack_resident, free_resident;
	uint64_t pages[10];             /* resident pages by requested bytes on them, in tenths of a page */
};

static struct block blocks[BLOCKS_MAX];
static size_t blocks_used;
static struct region regions[REGIONS_MAX];
static size_t regions_used;
static struct { uint64_t requested, used; } page_of[400000];    /* of one region at a time */

static char *take(char *block, size_t requested)
{
	REQUIRE(block != NULL && blocks_used < BLOCKS_MAX);
	blocks[blocks_used++] = (struct block){ opaque(block), requested, malloc_usable_size(block) };
	return block;
}

static void drop(size_t index)
{
	free(blocks[index].address);
	blocks[index] = blocks[--blocks_used];
}

static void add_region(char *start, char *end)
{
	REQUIRE(regions_used < REGIONS_MAX);
	regions[regions_used++] = (struct region){ start, end };
}

/* Adds the bytes [from, to) to the pages they lie on. */
static void spread(const struct region *region, char *from, char *to, int requested)
{
	for (char *next; from < to; from = next) {
		size_t page = (size_t)(from - region->start) / PAGE;

		next = region->start + (page + 1) * PAGE;
		if (next > to)
			next = to;
		page_of[page].used += (uint64_t)(next - from);
		if (requested)
			page_of[page].requested += (uint64_t)(next - from);
	}
}

static void measure_region(const struct region *region, struct expected *sum)
{
	size_t pages = (size_t)(region->end - region->start) / PAGE;

	REQUIRE(pages <= sizeof(page_of) / sizeof(page_of[0]));
	memset(page_of, 0, pages * sizeof(page_of[0]));
	for (size_t i = 0; i < blocks_used; i++) {
		char *p = blocks[i].address;

		if (p < region->start || p >= region->end)
			continue;
		spread(region, p, p + blocks[i].requested, 1);
		spread(region, p + blocks[i].requested, p + blocks[i].usable, 0);
	}
	for (size_t i = 0; i < pages; i++) {
		uint64_t live = page_of[i].requested, used = page_of[i].used;

		REQUIRE(used <= PAGE);
		sum->live += live;
		sum->slack += used - live;
		sum->free += PAGE - used;
		if (!pages_present(region->start + i * PAGE, PAGE, 1))
			continue;
		sum->live_resident += live;
		sum->slack_resident += used - live;
		sum->free_resident += PAGE - used;
		sum->pages[live == PAGE ? 9 : live * 10 / PAGE]++;
	}
}

/* The heap that the break bounds; nothing there as long as nothing was allocated. */
static void add_break_region(void)
{
	static char text[64 * KIB];
	char *line, *start;

	proc_read("/proc/self/maps", text, sizeof(text));
	line = strstr(text, "[heap]");
	if (!line)
		return;
	while (line > text && line[-1] != '\n')
		line--;
	start = (char *)strtoull(line, &line, 16);
	add_region(start, (char *)strtoull(line + 1, NULL, 16));
}

static void add_mapped_regions(void)
{
	for (size_t i = 0; i < blocks_used; i++) {
		char *p = blocks[i].address;
		char *end = p - 2 * sizeof(size_t) + chunk_bytes(p);

		if (chunk_is_mapped(p))
			add_region(p - 2 * sizeof(size_t) - chunk_skipped(p), end);
	}
}

/* @since: NULL, or the mark before which nothing of the regions was there */
static void check_regions(const char *mark, const char *since)
{
	static const char *const fill[] = {
		"fill 0", "fill 10", "fill 20", "fill 30", "fill 40", "fill 50", "fill 60", "fill 70", "fill 80",
		"fill 90",
	};
	struct expected sum = { 0 };
	size_t before = 0, after = 0;
	char at[80];

	for (size_t i = 0; i < regions_used; i++) {
		measure_region(&regions[i], &sum);
		before += pages_present(regions[i].start, (size_t)(regions[i].end - regions[i].start), 0);
	}
	pagegap_mark(mark);
	for (size_t i = 0; i < regions_used; i++)
		after += pages_present(regions[i].start, (size_t)(regions[i].end - regions[i].start), 0);
	regions_used = 0;
	hold_true(before == after, "taking a ledger touches no page of the heap");
	snprintf(at, sizeof(at), "mark:%s", mark);
	expect_exact(at, since, "heap.live mapped", sum.live, "bytes asked for");
	expect_exact(at, since, "heap.slack mapped", sum.slack, "usable beyond them");
	expect_exact(at, since, "heap.free mapped", sum.free, "free in the allocator");
	expect_exact(at, since, "heap.live resident", sum.live_resident, "bytes asked for on resident pages");
	expect_exact(at, since, "heap.slack resident", sum.slack_resident, "usable beyond them on resident pages");
	expect_exact(at, since, "heap.free resident", sum.free_resident, "free on resident pages");
	for (size_t i = 0; i < 10; i++)
		expect_exact(at, since, fill[i], sum.pages[i], "resident heap pages of this fill");
	expect_exact(at, NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
	expect_exact(at, NULL, "unexplained_resident_bytes", 0, "nothing resident is unexplained");
}

static void check(const char *mark)
{
	add_break_region();
	add_mapped_regions();
	check_regions(mark, NULL);
}

/* Page-sized blocks on page boundaries: full pages, and between them pages that hold nothing but headers. */
static void whole_pages(struct dice *dice)
{
	void *block;

	(void)dice;
	for (size_t i = 0; i < 500; i++) {
		REQUIRE(posix_memalign(&block, PAGE, PAGE) == 0);
		take(block, PAGE);
	}
	check("untouched");
	for (size_t i = 0; i < blocks_used; i += 2)
		touch(blocks[i].address, PAGE);
	check("every second one touched");
	for (size_t i = 0; i < 100; i++)
		drop(i * 2);
	check("some freed");
}

/* Small blocks thinned out so that each page keeps k of them, for several k. */
static void k_per_page(struct dice *dice)
{
	static const size_t keep[] = { 16, 8, 4, 2, 1, 0 };
	char name[40];

	(void)dice;
	for (size_t i = 0; i < 20000; i++)
		memset(take(malloc(200), 200), 1, 200);
	for (size_t k = 0; k < sizeof(keep) / sizeof(keep[0]); k++) {
		for (size_t i = blocks_used; i-- > 0;) {
			size_t on_page = 0;

			for (size_t j = i; j-- > 0 && i - j < 40;)
				on_page += (uintptr_t)blocks[j].address / PAGE == (uintptr_t)blocks[i].address / PAGE;
			if (on_page < keep[k])
				continue;
			free(blocks[i].address);
			memmove(blocks + i, blocks + i + 1, (--blocks_used - i) * sizeof(blocks[0]));
		}
		snprintf(name, sizeof(name), "%zu to a page", keep[k]);
		check(name);
	}
}

/* Sizes and frees by the dice, zero bytes included; a third of the large blocks is never touched. */
static void mixed(struct dice *dice)
{
	for (size_t round = 0; round < 4; round++) {
		char name[40];

		for (size_t i = 0; i < 6000; i++) {
			size_t size = dice_roll(dice, 100) < 3 ? dice_roll(dice, 100000) : dice_roll(dice, 300);
			char *block = take(malloc(size), size);

			if (size < 4096 || dice_roll(dice, 3))
				memset(block, 1, size);
		}
		for (size_t i = 0; i < 4000; i++)
			drop(dice_roll(dice, blocks_used));
		for (size_t i = 0; i < 300; i++) {
			struct block *block = &blocks[dice_roll(dice, blocks_used)];
			size_t size = dice_roll(dice, 3000);

			block->address = opaque(realloc(block->address, size + 1));
			REQUIRE(block->address != NULL);
			block->requested = size + 1;
			block->usable = malloc_usable_size(block->address);
		}
		snprintf(name, sizeof(name), "round %zu", round);
		check(name);
	}
}

/* Chunks that malloc maps one by one, some aligned beyond a page, some touched here and there, some grown by mremap. */
static void mapped_chunks(struct dice *dice)
{
	void *block;

	for (size_t i = 0; i < 40; i++) {
		size_t size = 200000 + dice_roll(dice, 3000000);

		if (i % 4 == 0)
			REQUIRE(posix_memalign(&block, PAGE << dice_roll(dice, 8), size) == 0);
		else
			block = malloc(size);
		take(block, size);
		REQUIRE(chunk_is_mapped(block));
		for (size_t j = 0; j < 20; j++)
			blocks[i].address[dice_roll(dice, size)] = 1;
	}
	check("sparsely touched");
	for (size_t i = 0; i < 40; i += 3) {
		size_t size = 150000 + dice_roll(dice, 6000000);

		blocks[i].address = opaque(realloc(blocks[i].address, size));
		REQUIRE(blocks[i].address != NULL);
		blocks[i].requested = size;
		blocks[i].usable = malloc_usable_size(blocks[i].address);
	}
	check("reallocated");
	for (size_t i = 0; i < 30; i++)
		drop(dice_roll(dice, blocks_used));
	check("some freed");
}

/* One arena of a thread: its heap begins at a multiple of 64 MiB, the rest of which is reserve. */
static void *in_a_thread(void *argument)
{
	struct dice *dice = argument;
	char *heap;

	pagegap_mark("thread");
	heap = (char *)((uintptr_t)take(malloc(1000), 1000) & ~(64 * MIB - 1));
	for (size_t i = 0; i < 5000; i++) {
		size_t size = dice_roll(dice, 2000);

		memset(take(malloc(size), size), 1, size);
	}
	for (size_t i = 0; i < 3000; i++)
		drop(1 + dice_roll(dice, blocks_used - 1));
	/* struct heap_info of malloc/arena.c, 2.36: arena, previous heap, bytes in use, bytes opened by mprotect */
	add_region(heap, heap + ((size_t *)heap)[3]);
	check_regions("in a second arena", "mark:thread");
	expect_exact("mark:in a second arena", "mark:thread", "reserve mapped", 64 * MIB - ((size_t *)heap)[3],
		     "what the arena has not opened is reserve");
	return NULL;
}

static void second_arena(struct dice *dice)
{
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, in_a_thread, dice) == 0 && pthread_join(thread, NULL) == 0);
}

static const struct { const char *name; void (*run)(struct dice *); } scenarios[] = {
	{ "whole_pages", whole_pages }, { "k_per_page", k_per_page }, { "mixed", mixed },
	{ "mapped_chunks", mapped_chunks }, { "second_arena", second_arena },
};

int main(int argc, char **argv)
{
	struct dice dice = { argc > 2 ? strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ULL + 1 : 1 };

	/* Blocks of somebody who allocated before main would not be known here. */
	REQUIRE(mallinfo2().uordblks == 0);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			scenarios[i].run(&dice);
	}
	oracle_flush();
	return 0;
}
