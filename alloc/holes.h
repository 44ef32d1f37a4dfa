/* SPDX-License-Identifier: MIT */
/*
 * Blocks in the holes of another class. When most blocks of a slab are gone and a few stay on every page, none of its
 * pages can be had back; but a larger block may take several free slots in a row, and a slightly smaller one a slot.
 * The first slot's state is the block's, the others are SLOT_INSIDE. Such a block is cached in the bin of the largest
 * class that it can serve, and is given back to the slab where it lies.
 */
#ifndef PAGEPOOL_HOLES_H
#define PAGEPOOL_HOLES_H

#include "slab.h"

/* It was half full or more, and little of that is left. */
static inline bool is_sparse(const struct slab *slab)
{
	return slab->peak >= slab->slots / 2 && slab->slots - slab->free <= slab->peak / 4;
}

/* As slab_take, from sparse slabs of other classes. No lock of a class is held. */
unsigned holes_take(unsigned class, struct cached *entries, unsigned wanted);

/* The class whose requests a block of so many slots of this slab can serve. */
unsigned holes_class(const struct slab *slab, size_t slots);

#endif
