/* SPDX-License-Identifier: MIT */
/* A list of runs of pages in ascending order: some in a first array, the rest in a second one that few need. */
#ifndef PAGEGAP_PAGE_RUNS_H
#define PAGEGAP_PAGE_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "sys.h"

/* Pages side by side in one number: that of the first, and how many. */
#define RUN_BITS 28
static inline uint64_t run_of(uint64_t start, uint64_t end)
{
	return start / PAGE_BYTES << RUN_BITS | (end - start) / PAGE_BYTES;
}

static inline uint64_t run_start(uint64_t run)
{
	return (run >> RUN_BITS) * PAGE_BYTES;
}

static inline uint64_t run_pages(uint64_t run)
{
	return run & ((1ULL << RUN_BITS) - 1);
}

static inline uint64_t run_end(uint64_t run)
{
	return run_start(run) + run_pages(run) * PAGE_BYTES;
}

#define FIRST_RUNS 256                  /* a shell has about a hundred */
#define MORE_RUNS  65536

struct page_runs {
	uint64_t *first;                /* FIRST_RUNS of them */
	uint64_t *more;                 /* MORE_RUNS; NULL: there is none yet */
	uint64_t *used;                 /* in both */
};

static inline uint64_t *page_runs_at(const struct page_runs *runs, uint64_t index)
{
	return index < FIRST_RUNS ? &runs->first[index] : &runs->more[index - FIRST_RUNS];
}

/* Appends [start, end), to the last run where it continues it. False: no more room, or a second array is needed. */
static inline bool page_runs_add(struct page_runs *runs, uint64_t start, uint64_t end)
{
	uint64_t *last = *runs->used ? page_runs_at(runs, *runs->used - 1) : NULL;

	if (last && run_end(*last) == start) {
		*last = run_of(run_start(*last), end);
		return true;
	}
	if (*runs->used >= (runs->more ? FIRST_RUNS + MORE_RUNS : FIRST_RUNS))
		return false;
	*page_runs_at(runs, (*runs->used)++) = run_of(start, end);
	return true;
}

/* The first run that ends above an address; *used: none does. */
static inline uint64_t page_runs_above(const struct page_runs *runs, uint64_t address)
{
	uint64_t low = 0, high = *runs->used;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (run_end(*page_runs_at(runs, middle)) > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

#endif
