/* SPDX-License-Identifier: MIT */
/*
 * A pool per request: many small blocks that are dropped together. With malloc each of them must be given back; with a
 * pool one call frees them all, however many there are, and the next request runs in the same pages. The same requests
 * are served three times: from glibc's malloc, from this allocator's, and from a pool.
 *
 * Prints the median time of a request for each, and what the pool held; no block is left at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pagepool.h"

#define REQUESTS 301
#define NODES    5000

struct node {
	struct node *next;
	char text[];
};

/* glibc's own, which the program's malloc stands in front of */
void *__libc_malloc(size_t bytes);
void __libc_free(void *block);

static struct pagepool *pool;

static void *from_pool(size_t bytes)
{
	return pagepool_allocate(pool, bytes);
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	long one = *(const long *)a, other = *(const long *)b;

	return one < other ? -1 : one > other;
}

/* Builds a list, as a parser would, and drops it; @give is NULL where one call drops all. */
static int serve(void *(*take)(size_t), void (*give)(void *))
{
	struct node *list = NULL;

	for (int i = 0; i < NODES; i++) {
		size_t length = (size_t)(i * 7 % 60);
		struct node *node = take(sizeof(*node) + length + 1);

		if (!node)
			return 1;
		memset(node->text, 'x', length);
		node->text[length] = 0;
		node->next = list;
		list = node;
	}
	while (give && list) {
		struct node *next = list->next;

		give(list);
		list = next;
	}
	if (!give)
		pagepool_reset(pool);
	return 0;
}

static int measure(const char *name, void *(*take)(size_t), void (*give)(void *))
{
	static long times[REQUESTS];

	for (int i = 0; i < REQUESTS; i++) {
		long start = now_ns();

		if (serve(take, give))
			return 1;
		times[i] = now_ns() - start;
	}
	qsort(times, REQUESTS, sizeof(times[0]), ascending);
	printf("%s_ns %ld\n", name, times[REQUESTS / 2]);
	return 0;
}

int main(void)
{
	struct pagepool_usage usage;

	pool = pagepool_create(NULL);
	if (!pool || measure("glibc", __libc_malloc, __libc_free) || measure("malloc", malloc, free) ||
	    measure("pool", from_pool, NULL))
		return 1;
	pagepool_get_usage(pool, &usage);
	printf("pool_allocations %lu\npool_live_blocks %lu\n", usage.allocations, usage.live_blocks);
	printf("pool_peak_bytes %lu\n", usage.peak_live_bytes);
	pagepool_destroy(pool);
	return 0;
}
