/* SPDX-License-Identifier: MIT */
/*
 * Large blocks: mappings of their own, grown by mremap(2). A freed one is kept for a short time: the next block is
 * cut from it, or it is lengthened to what is wanted, and its pages need not be faulted in again.
 */
#ifndef PAGEPOOL_LARGE_H
#define PAGEPOOL_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"

struct slab;

extern struct lock large_lock;
extern uint64_t large_live_bytes, large_kept_bytes, large_live_blocks;
extern uint64_t large_reused_pages;     /* ever handed out again without having gone back to the kernel */

/* A block of at least so many bytes at a multiple of @align; its slab, or NULL: no memory. */
struct slab *large_allocate(size_t bytes, size_t align, bool *is_zero);
void large_free(struct slab *slab);

/* The same, but its pages go back to the kernel at once. */
void large_discard(struct slab *slab);

/* Changes the size of a block, which may move; false: no memory, and it is as before. */
bool large_resize(struct slab *slab, size_t bytes);

/* Unmaps kept blocks so that @bytes mapped elsewhere do not come on top; the arena's lock may be held. */
void large_make_room(size_t bytes);

/* Unmaps all kept blocks. The bytes. */
size_t large_return(void);

#endif
