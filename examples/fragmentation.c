/* SPDX-License-Identifier: MIT */
/*
 * Fragmentation: small blocks that live long pin whole pages. Many blocks are taken, then all freed but one on each
 * page. Nearly all bytes are free, but every page still holds a live block, so that neither free nor malloc_trim can
 * give one back. Then the survivors go too, and the same malloc_trim gives back everything.
 *
 * In the report: at "survivors" heap.live is tiny and heap.free resident is nearly the whole heap; the page fill has
 * all pages below 10 %; "trimmed" looks the same. At "gone" the resident heap is nearly nothing.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pagegap.h"

#define BLOCKS 80000
#define BYTES  200
#define PAGE   4096

static char *blocks[BLOCKS];

/* Frees every block whose page holds an earlier one; glibc hands them out in ascending order. Returns how many stay. */
static size_t keep_one_on_each_page(void)
{
	uintptr_t last_page = 0;
	size_t kept = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		uintptr_t page = (uintptr_t)blocks[i] / PAGE;

		if (page == last_page) {
			free(blocks[i]);
			blocks[i] = NULL;
		} else {
			kept++;
		}
		last_page = page;
	}
	return kept;
}

int main(void)
{
	size_t kept;

	printf("block_bytes %d\n", BYTES);      /* the first printf allocates a buffer: before anything is counted */
	pagegap_mark("empty");
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BYTES);
		if (!blocks[i])
			return 1;
		memset(blocks[i], 1, BYTES);
	}
	pagegap_mark("all");
	printf("all_live_bytes %d\n", BLOCKS * BYTES);
	kept = keep_one_on_each_page();
	pagegap_mark("survivors");
	printf("survivors %zu\n", kept);
	printf("survivors_live_bytes %zu\n", kept * BYTES);
	malloc_trim(0);
	pagegap_mark("trimmed");
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	malloc_trim(0);
	pagegap_mark("gone");
	return 0;
}
