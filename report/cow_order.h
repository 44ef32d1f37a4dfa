/* SPDX-License-Identifier: MIT */
/*
 * What a process copied and what it re-used, as far as samples tell in which order its family wrote (capture_order);
 * and how certain that is. Samples leave some writes open, and others they did not see, for system calls made them: of
 * those, the process's own are missing among its figures, and a relative's make what it copied look as if it had still
 * been shared.
 */
#ifndef PAGEGAP_COW_ORDER_H
#define PAGEGAP_COW_ORDER_H

#include "cow_figures.h"

/* The image at hand, the one whose writes are looked at. */
struct cow_own {
	const struct image *image;
	uint64_t relatives;             /* its writes judged wrongly, perhaps, for what relatives did unseen */
	uint64_t hidden;                /* pages that it wrote and that samples do not know as shared, at most */
	uint64_t unseen;                /* the same, if all that samples saw was shared */
	uint64_t surplus;               /* pages that samples saw beyond those that it wrote */
};
struct cow_own cow_own_of(const struct recording *recording, size_t index);

/* Replaces what is known of one of its forks without the order, where that is known. @child: of the fork's child */
void cow_order(struct cow_fork *fork, const struct cow_own *own, const struct capture_cow *child);

/* What is not known of its own writes as a parent can be in one fork or another, but only once. */
void cow_order_total(struct cow_figures *figures, const struct cow_own *own);

#endif
