/* SPDX-License-Identifier: MIT */
/*
 * Flags for each page of a list of runs (page_runs.h) to which nothing is added any more: whether it was written,
 * whether it has left, and whether it has been accounted for. Four bits a page, in memory that is mapped when the first
 * flag is set.
 */
#ifndef PAGEGAP_RUN_FLAGS_H
#define PAGEGAP_RUN_FLAGS_H

#include "page_runs.h"

enum {
	RUN_WRITTEN = 1,
	RUN_LEFT = 2,                   /* what has left is not written any more */
	RUN_SETTLED = 4,                /* unmapped; what is mapped there now is something else */
	RUN_FLAGS = RUN_WRITTEN | RUN_LEFT | RUN_SETTLED,
};

struct run_flags {
	uint64_t *before;               /* for each run: the pages of all runs before it */
	uint64_t *words;                /* the flags of 16 pages in each; NULL: there are none */
	uint64_t bytes;                 /* mapped for both */
};

/* Makes room; again and again. False: there is no memory. */
bool run_flags_make(struct run_flags *flags, const struct page_runs *runs);

/* Takes all flags back. */
void run_flags_clear(struct run_flags *flags);

/* Sets flags of what of [start, end) lies in the runs. There must be room. */
void run_flags_set(struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end, unsigned which);

/* Calls @each for what of [start, end) lies in the runs, ascending: pages side by side that have the same flags. */
void run_flags_within(const struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end,
		      void (*each)(void *context, uint64_t start, uint64_t end, unsigned flags), void *context);

/* Is there a page of [start, end) in the runs that has not left? */
bool run_flags_any_kept(const struct run_flags *flags, const struct page_runs *runs, uint64_t start, uint64_t end);

/* Pages in all runs that have all of these flags. */
uint64_t run_flags_count(const struct run_flags *flags, const struct page_runs *runs, unsigned which);

#endif
