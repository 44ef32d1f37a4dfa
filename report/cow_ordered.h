/* SPDX-License-Identifier: MIT */
/* What the order of writes does to the figures of a fork: it tells the pages that a side re-used from those it copied. */
#ifndef PAGEGAP_COW_ORDERED_H
#define PAGEGAP_COW_ORDERED_H

#include "cow_figures.h"

/* The image at hand, the one whose writes are looked at. */
struct cow_writer {
	const struct image *image;
	uint64_t relatives;             /* cow_order_relatives */
	uint64_t unseen;                /* pages that it wrote and that were judged by no sample, at most */
	uint64_t surplus;               /* pages that samples saw beyond those that it wrote */
	uint64_t stale;                 /* these, and what of the others was new memory, at most */
};

struct cow_writer cow_writer_of(const struct recording *recording, size_t index);

/* All that the image wrote is known, and samples saw hardly anything beyond that. */
bool cow_ordered_is(const struct cow_fork *fork, const struct cow_writer *writer, const struct capture_cow *child);

/* Replaces what was known without the order. */
void cow_ordered_put(struct cow_fork *fork, const struct cow_writer *writer, const struct capture_cow *child);

#endif
