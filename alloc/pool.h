/* SPDX-License-Identifier: MIT */
/* What the rest of the allocator has to know of explicit pools (pagepool.h). */
#ifndef PAGEPOOL_POOL_H
#define PAGEPOOL_POOL_H

#include <stddef.h>

/* Bytes mapped for blocks of pools. */
size_t pool_mapped_bytes(void);

/* Around a fork: the locks of all pools, before any other. */
void pool_lock_all(void);
void pool_unlock_all(void);

/* In a child that was born without handlers. */
void pool_forget_locks(void);

#endif
