/* SPDX-License-Identifier: MIT */
/*
 * malloc's pool against the bytes asked for. malloc hands out blocks of a few sizes from pages that it takes from the
 * kernel in larger pieces: what the program asked for, what it may use, and what is mapped for it are three figures.
 * Here many blocks of 20 bytes are taken and then every second one is given back: the first figure halves, the last
 * stays.
 *
 * In the report: heap.live is the bytes asked for, heap.slack what malloc rounded up, heap.free its headers and free
 * blocks; together they are what malloc itself says it holds.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "pagegap.h"

#define BLOCKS 100000
#define BYTES  20

static void *blocks[BLOCKS];

/* What malloc says of itself: bytes of the break and of its other arenas, and of blocks that it mapped one by one. */
static size_t held_by_malloc(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.arena + info.hblkhd;
}

int main(void)
{
	size_t usable = 0;

	printf("block_bytes %d\n", BYTES);      /* the first printf allocates a buffer: before anything is counted */
	pagegap_mark("empty");
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BYTES);
		if (!blocks[i])
			return 1;
		usable += malloc_usable_size(blocks[i]);
	}
	pagegap_mark("full");
	printf("full_requested_bytes %d\n", BLOCKS * BYTES);
	printf("full_usable_bytes %zu\n", usable);
	printf("full_held_bytes %zu\n", held_by_malloc());
	for (size_t i = 0; i < BLOCKS; i += 2) {
		usable -= malloc_usable_size(blocks[i]);
		free(blocks[i]);
	}
	pagegap_mark("half");
	printf("half_requested_bytes %d\n", BLOCKS / 2 * BYTES);
	printf("half_usable_bytes %zu\n", usable);
	printf("half_held_bytes %zu\n", held_by_malloc());
	return 0;
}
