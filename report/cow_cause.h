/* SPDX-License-Identifier: MIT */
/* Why a child copied what it shared, where that is known. */
#ifndef PAGEGAP_COW_CAUSE_H
#define PAGEGAP_COW_CAUSE_H

#include "cow_figures.h"

enum cow_cause { CAUSE_UNKNOWN, CAUSE_FREE_LISTS, CAUSE_REFERENCE_COUNTS };

/*
 * cow_cause - of a fork, as the child sees it
 * @allocator, @exe: of the child, or of its parent at the fork, as captures have them
 *
 * Free lists: most of what it copied is free memory of the heap now, its allocator threads its lists of free blocks
 * through them, and it freed at least as many blocks as pages were copied. Reference counts: the program is CPython,
 * and most of what it copied are objects.
 */
enum cow_cause cow_cause(const struct recording *recording, const struct cow_fork *fork, const char *allocator,
			 const char *exe);

/* A key for programs; NULL for CAUSE_UNKNOWN. */
const char *cow_cause_key(enum cow_cause cause);

#endif
