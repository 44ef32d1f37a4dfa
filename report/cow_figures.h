/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write between a process and the one that forked it, put together from what both recorded.
 *
 * A page that the child wrote was copied by it, unless nobody else had it any more: then the child re-used what was
 * left to it. A page that the child did not write, and that nobody else has any more, was copied by its parent, if that
 * lived and unmapped nothing.
 *
 * Where samples tell the order in which both wrote (capture_order), copied and re-used pages are told apart, but for
 * the few that the order leaves open, and those that no sample was of because system calls wrote them. Else, that many
 * pages at most are counted on the wrong side, or as copied where they were re-used: pages that both may have written,
 * and what the child wrote before it was watched, which looks like its parent's.
 */
#ifndef PAGEGAP_COW_FIGURES_H
#define PAGEGAP_COW_FIGURES_H

#include <stdbool.h>

#include "figures.h"

/* Pages; each may be CAPTURE_UNKNOWN. */
struct cow_pages {
	uint64_t inherited;             /* that the child had when it was born */
	uint64_t still_shared;          /* mapped by a relative too, at the child's end */
	uint64_t copied;                /* by this side; where it is not known by which, by either */
	uint64_t reused;                /* by this side: written when nobody else had them any more */
	uint64_t unshared;              /* the child's alone now, although it never wrote them; of the parent's side unknown */
	uint64_t gone;                  /* no longer the child's, which never wrote them: unmapped, given back, swapped out */
};

/* One fork, as one side sees it. */
struct cow_fork {
	size_t child;                   /* image */
	bool   side_child;              /* the process at hand is that child, else its parent */
	bool   watched;                 /* it is known which pages the child wrote */
	bool   ordered;                 /* it is known in which order the two sides wrote: what was re-used is */
	bool   outlived;                /* the parent's image ended before the child */
	bool   early;                   /* the child had no end of its own: the figures are of some time before it */
	uint64_t by_either;             /* pages that one of the two copied, for putting forks in order */
	uint64_t bound;                 /* copied, over all rows, is off by at most so many pages; CAPTURE_UNKNOWN: not known */
	uint64_t open;                  /* of these, those that no other fork of the same image can have as well */
	struct cow_pages sum;
	struct cow_pages rows[CAPTURE_ROWS]; /* of the heap as a whole in [ROW_HEAP_LIVE], unless heap_split */
	bool   heap_split;
};

struct cow_figures {
	struct cow_fork *forks;         /* the image's own birth first, then its children's in their order */
	size_t count;
	struct cow_fork total;          /* sums over them, without those that are unknown */
	size_t unknown;                 /* forks of which little is known: the child executed at once, died by a signal, lives */
	bool   watched;                 /* all that are known; or ordered, which says more */
	bool   ordered;                 /* all that are known */
};

/* Of an image; freed by cow_figures_free. No forks that were recorded: count is 0. */
struct cow_figures cow_figures(const struct recording *recording, size_t index);

/* What a look says of some of the pages that the fork shared, as that side of it sees them. */
struct cow_pages cow_pages_of(const struct cow_fork *fork, const struct capture_cow_row *row);

void cow_pages_add(struct cow_pages *sum, const struct cow_pages *more);

/* The name of the mapping in which most of a region lies; "" for none, and where it is not known. */
const char *cow_region_name(const struct capture *capture, const struct capture_cow_region *region);

/* For qsort: those of which most was copied, by either side, first, then in their order. */
int cow_fork_by_copied(const void *a, const void *b);

void cow_figures_free(struct cow_figures *figures);

#endif
