/* SPDX-License-Identifier: MIT */
/* Copy-on-write between a process and the one that forked it, put together from what both recorded. */
#ifndef PAGEGAP_COW_FIGURES_H
#define PAGEGAP_COW_FIGURES_H

#include <stdbool.h>

#include "figures.h"

/* Pages; each may be CAPTURE_UNKNOWN. */
struct cow_pages {
	uint64_t inherited;             /* that the child had when it was born */
	uint64_t still_shared;          /* mapped by a relative too, at the child's end */
	uint64_t unshared;              /* no longer: one of the two copied each of them, which is not known */
	uint64_t gone;                  /* no longer the child's: unmapped, given back, swapped out */
};

/* One fork. */
struct cow_fork {
	size_t child;                   /* image */
	bool   side_child;              /* the process at hand is that child, else its parent */
	bool   outlived;                /* the parent's image ended before the child: what is unshared may never have been copied */
	bool   early;                   /* the child had no end of its own: the figures are of some time before it */
	struct cow_pages sum;
	struct cow_pages rows[CAPTURE_ROWS]; /* [ROW_HEAP_LIVE]: the heap as a whole; all unknown where only the sum is */
};

struct cow_figures {
	struct cow_fork *forks;         /* the image's own birth first, then its children's in their order */
	size_t count;
	struct cow_fork total;          /* sums over them, without those that are unknown */
	size_t unknown;                 /* forks of which little is known: the child executed at once, died by a signal, lives */
};

/* Of an image; freed by cow_figures_free. No forks that were recorded: count is 0. */
struct cow_figures cow_figures(const struct recording *recording, size_t index);
void cow_figures_free(struct cow_figures *figures);

#endif
