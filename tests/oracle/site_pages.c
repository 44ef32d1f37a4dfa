/* SPDX-License-Identifier: MIT */
/*
 * Blocks of several functions, of many sizes, a part of them freed again and a part never touched, from one seed: site_pages SEED [threads | fork].
 * With fork, a child does the second half, its parent's blocks among its own. At the end it prints what each function's blocks hold, as it reckons by
 * itself from its own list of them, malloc_usable_size and the pages that /proc/self/pagemap says are there:
 *   FUNCTION blocks requested resident pinned sparse
 * Nothing else of it allocates. Between the two halves of the work it sets the marks "half" and "whole".
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagegap.h"

#define SITES  6
#define BLOCKS 6000
#define PAGES  65536            /* that blocks may lie on, in all */
#define PAGE   4096UL

static struct block {
	char *address;
	size_t requested, usable;
	int site;
} blocks[BLOCKS];
static size_t used;
static uint64_t random_state;
static size_t sizes[SITES];     /* how large the blocks of a site may be */

static struct page {
	uintptr_t address;
	size_t requested;
	unsigned sites;         /* as bits */
	int resident;
} pages[PAGES];
static size_t pages_used;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((random_state >> 33) % below);
}

#define SITE(n) \
	__attribute__((noinline)) static void *site_##n(size_t bytes) \
	{ \
		void *block = malloc(bytes); \
		asm volatile("" : "+r"(block)); \
		return block; \
	}
SITE(0) SITE(1) SITE(2) SITE(3) SITE(4) SITE(5) SITE(6)
/* The last one's one block lies between what the C library allocated for the threads and all others. */
static void *(*const sites[SITES + 1])(size_t) = { site_0, site_1, site_2, site_3, site_4, site_5, site_6 };

static void make(size_t count)
{
	for (size_t i = 0; i < count && used < BLOCKS; i++) {
		struct block *b = &blocks[used++];

		b->site = (int)draw(SITES);
		b->requested = draw((uint32_t)sizes[b->site]) + (draw(10) != 0);
		b->address = sites[b->site](b->requested);
		b->usable = malloc_usable_size(b->address);
		if (draw(4))
			memset(b->address, 1, b->requested);
	}
}

static void drop(uint32_t percent)
{
	size_t kept = 0;

	for (size_t i = 0; i < used; i++) {
		if (blocks[i].site < SITES && draw(100) < percent)
			free(blocks[i].address);
		else
			blocks[kept++] = blocks[i];
	}
	used = kept;
}

static void work(void)
{
	make(800 + draw(1200));
	drop(draw(100));
	make(draw(1000));
	drop(draw(60));
}

static int turns[2], done[2];           /* pipes: a byte for a thread that may work, and for one that has */

static void *in_thread(void *unused)
{
	char turn;

	if (read(turns[0], &turn, 1) == 1)
		work();
	return write(done[1], "x", 1) == 1 ? NULL : unused;
}

static int by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static struct page *page_at(uintptr_t address)
{
	if (!pages_used || pages[pages_used - 1].address != address) {
		if (pages_used == PAGES) {
			dprintf(2, "too many pages\n");
			_exit(2);
		}
		pages[pages_used++].address = address;
	}
	return &pages[pages_used - 1];
}

/* Blocks, sorted, on their pages. */
static void lay(void)
{
	for (size_t i = 0; i < used; i++) {
		uintptr_t start = (uintptr_t)blocks[i].address, end = start + blocks[i].usable, middle = start + blocks[i].requested;

		for (uintptr_t at = start; at < end;) {
			uintptr_t page = at & ~(PAGE - 1), upto = end < page + PAGE ? end : page + PAGE;

			struct page *there = page_at(page);

			there->requested += middle > at ? (middle < upto ? middle : upto) - at : 0;
			there->sites |= 1U << blocks[i].site;
			at = upto;
		}
	}
}

static void find_resident(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);

	for (size_t i = 0; i < pages_used; i++) {
		uint64_t entry = 0;

		if (pread(pagemap, &entry, sizeof(entry), (off_t)(pages[i].address / PAGE * 8)) != sizeof(entry))
			_exit(3);
		pages[i].resident = (int)(entry >> 63);
	}
	close(pagemap);
}

static size_t resident[SITES + 1], at_page;

/* The same walk again, page by page, once it is known which are there. */
static void sum_resident(void)
{
	for (size_t i = 0; i < used; i++) {
		uintptr_t start = (uintptr_t)blocks[i].address, end = start + blocks[i].usable;

		for (uintptr_t at = start; at < end;) {
			uintptr_t page = at & ~(PAGE - 1), upto = end < page + PAGE ? end : page + PAGE;

			while (pages[at_page].address < page)
				at_page++;
			if (pages[at_page].resident)
				resident[blocks[i].site] += upto - at;
			at = upto;
		}
	}
}

int main(int argc, char **argv)
{
	int thread_count = argc > 2 && !strcmp(argv[2], "threads") ? 3 : 0;
	pthread_t threads[3];
	char turn;
	size_t count[SITES + 1] = { 0 }, requested[SITES + 1] = { 0 }, pinned[SITES] = { 0 }, sparse[SITES] = { 0 };

	random_state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2654435761U + 1 : 1;
	for (int i = 0; i < SITES; i++)
		sizes[i] = (size_t[]){ 24, 60, 300, 1500, 9000, 200000 }[draw(i == 0 ? 6 : 5)] + 1;
	if (pipe(turns) || pipe(done))
		return 4;
	for (int i = 0; i < thread_count; i++)
		if (pthread_create(&threads[i], NULL, in_thread, NULL))
			return 4;
	blocks[0] = (struct block){ sites[SITES](3 * PAGE), 3 * PAGE, 0, SITES };
	blocks[0].usable = malloc_usable_size(blocks[0].address);
	used = 1;
	work();
	pagegap_mark("half");
	if (argc > 2 && !strcmp(argv[2], "fork")) {
		pid_t child = fork();
		int status;

		if (child)
			_exit(child < 0 || waitpid(child, &status, 0) != child ? 4 : status != 0);
	}
	for (int i = 0; i < thread_count; i++)
		if (write(turns[1], "x", 1) != 1 || read(done[0], &turn, 1) != 1)
			return 4;
	work();
	pagegap_mark("whole");
	qsort(blocks, used, sizeof(blocks[0]), by_address);
	lay();
	find_resident();
	sum_resident();
	for (size_t i = 0; i < used; i++) {
		count[blocks[i].site]++;
		requested[blocks[i].site] += blocks[i].requested;
	}
	for (size_t i = 0; i < pages_used; i++)
		for (int site = 0; site < SITES && pages[i].resident; site++) {
			pinned[site] += pages[i].sites == 1U << site;
			sparse[site] += (pages[i].sites >> site & 1) && pages[i].requested * 10 < PAGE;
		}
	for (int i = 0; i < SITES; i++)
		if (count[i])
			dprintf(1, "site_%d %zu %zu %zu %zu %zu\n", i, count[i], requested[i], resident[i], pinned[i], sparse[i]);
	_exit(0);
}
