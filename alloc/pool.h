/* SPDX-License-Identifier: MIT */
/* What the rest of the allocator has to know of explicit pools (pagepool.h). */
#ifndef PAGEPOOL_POOL_H
#define PAGEPOOL_POOL_H

#include <stdint.h>

/* Blocks of pools in mappings of their own, which large_live_bytes and large_live_blocks count too. */
extern uint64_t pool_large_bytes, pool_large_blocks;

/* Around a fork: the locks of all pools, before any other. */
void pool_lock_all(void);
void pool_unlock_all(void);

/* In a child that was born without handlers. */
void pool_forget_locks(void);

#endif
