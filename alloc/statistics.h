/* SPDX-License-Identifier: MIT */
/* What the allocator holds, summed from where it is known. */
#ifndef PAGEPOOL_STATISTICS_H
#define PAGEPOOL_STATISTICS_H

#include "pagepool.h"

void statistics_take(struct pagepool_statistics *s);

/* The table that malloc_stats prints. */
void statistics_print(int fd);

#endif
