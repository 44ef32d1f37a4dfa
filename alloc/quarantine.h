/* SPDX-License-Identifier: MIT */
/*
 * The quarantine (option quarantine=N): so many small blocks that were freed wait before they may be handed out again,
 * and leave in random order, so that what was freed twice or is still written to is noticed, and when its place is taken
 * again is not to be guessed.
 */
#ifndef PAGEPOOL_QUARANTINE_H
#define PAGEPOOL_QUARANTINE_H

#include "lock.h"

#define QUARANTINE_MAX ((uint64_t)1 << 20)

extern struct lock quarantine_lock;

/* Takes in a block in state SLOT_CACHED. Returns one that may go in its stead, or NULL. */
void *quarantine_swap(void *block);

#endif
