/* SPDX-License-Identifier: MIT */
/* A list of runs of pages in ascending order, as captures hold them: some in a first array, the rest in a second one that few need. */
#ifndef PAGEGAP_PAGE_RUNS_H
#define PAGEGAP_PAGE_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "sys.h"

struct page_runs {
	uint64_t *first;                /* CAPTURE_RUNS of them */
	uint64_t *more;                 /* CAPTURE_MORE_RUNS; NULL: there is none yet */
	uint64_t *used;                 /* in both */
};

static inline uint64_t *page_runs_at(const struct page_runs *runs, uint64_t index)
{
	return index < CAPTURE_RUNS ? &runs->first[index] : &runs->more[index - CAPTURE_RUNS];
}

/* Appends [start, end), to the last run where it continues it. False: there is no more room, or a second array is needed. */
static inline bool page_runs_add(struct page_runs *runs, uint64_t start, uint64_t end)
{
	uint64_t *last = *runs->used ? page_runs_at(runs, *runs->used - 1) : NULL;

	if (last && capture_run_end(*last) == start) {
		*last = capture_run(capture_run_start(*last), end);
		return true;
	}
	if (*runs->used >= (runs->more ? CAPTURE_RUNS + CAPTURE_MORE_RUNS : CAPTURE_RUNS))
		return false;
	*page_runs_at(runs, (*runs->used)++) = capture_run(start, end);
	return true;
}

/* The first run that ends above an address; *used: none does. */
static inline uint64_t page_runs_above(const struct page_runs *runs, uint64_t address)
{
	uint64_t low = 0, high = *runs->used;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (capture_run_end(*page_runs_at(runs, middle)) > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Calls @each for what of [start, end) lies in runs, ascending. */
static inline void page_runs_within(const struct page_runs *runs, uint64_t start, uint64_t end,
				    void (*each)(void *context, uint64_t start, uint64_t end), void *context)
{
	for (uint64_t i = page_runs_above(runs, start); i < *runs->used; i++) {
		uint64_t run = *page_runs_at(runs, i);

		if (capture_run_start(run) >= end)
			break;
		each(context, max_u64(start, capture_run_start(run)), min_u64(end, capture_run_end(run)));
	}
}

#endif
