/* SPDX-License-Identifier: MIT */
/* Middling blocks: runs of whole pages of a chunk, above 16 KiB and up to 1 MiB. They grow in place where they can. */
#ifndef PAGEPOOL_RUNS_H
#define PAGEPOOL_RUNS_H

#include "slab.h"

extern uint64_t run_live_bytes, run_live_blocks;

/* A block of at least so many bytes at a multiple of @align (both at most RUN_MAX); its slab, or NULL: no memory. */
struct slab *run_allocate(size_t bytes, size_t align, bool *is_zero);
void run_free(struct slab *slab);

/* In place; false where that cannot be, and it is as before. */
bool run_resize(struct slab *slab, size_t bytes);

#endif
