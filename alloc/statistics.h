/* SPDX-License-Identifier: MIT */
/* What the allocator holds, summed from where it is known. */
#ifndef PAGEPOOL_STATISTICS_H
#define PAGEPOOL_STATISTICS_H

#include <stddef.h>

#include "pagepool.h"

/* As pagepool_statistics_1. */
size_t statistics_take(struct pagepool_statistics *s, size_t bytes);

/* The table that malloc_stats prints. */
void statistics_print(int fd);

#endif
