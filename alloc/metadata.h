/* SPDX-License-Identifier: MIT */
/*
 * Memory for the allocator's own tables, apart from what the program writes to: mappings with guard pages, cut into
 * pieces that go back to lists by size. A run beyond the end of a block cannot reach it.
 */
#ifndef PAGEPOOL_METADATA_H
#define PAGEPOOL_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "lock.h"

#define METADATA_MAX 2048       /* bytes of the largest piece */

extern struct lock metadata_lock;
extern uint64_t metadata_bytes; /* mapped for tables, page map included */

/* A zeroed piece, aligned to 16 bytes; NULL without memory. @bytes is at most METADATA_MAX. */
void *metadata_allocate(size_t bytes);

/* @bytes as when allocated. */
void metadata_free(void *piece, size_t bytes);

/* A table of its own, zeroed, never freed; NULL without memory. */
void *metadata_map(size_t bytes);

#endif
