/* SPDX-License-Identifier: MIT */
/*
 * Address → slab: a radix tree of two levels with a pointer per page, read without a lock. Every page of a slab
 * leads to it; of a block of whole pages only the first one does, so that a pointer into its middle is known to be
 * wrong.
 */
#ifndef PAGEPOOL_PAGEMAP_H
#define PAGEPOOL_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"
#include "sizes.h"

#define ADDRESS_BITS 47         /* of user space on x86-64 with four levels of page tables */
#define LEAF_BITS    30         /* a leaf describes 1 GiB with 2 MiB, of which what is used is resident */
#define LEAF_PAGES   ((size_t)1 << (LEAF_BITS - PAGE_SHIFT))

struct slab;

extern struct lock pagemap_lock;
extern struct slab **pagemap_root[(size_t)1 << (ADDRESS_BITS - LEAF_BITS)];

/* The slab at any address, NULL where there is none. */
static inline struct slab *pagemap_get(uintptr_t address)
{
	struct slab **leaf;

	if (UNLIKELY(address >> ADDRESS_BITS))
		return NULL;
	leaf = __atomic_load_n(&pagemap_root[address >> LEAF_BITS], __ATOMIC_ACQUIRE);
	return leaf ? __atomic_load_n(&leaf[address >> PAGE_SHIFT & (LEAF_PAGES - 1)], __ATOMIC_ACQUIRE) : NULL;
}

/* Makes room for the entries of a range; false without memory. */
bool pagemap_prepare(uintptr_t address, size_t bytes);

/*
 * Makes room where the kernel will map next, unless something is mapped already. That takes 2 MiB of address space, but
 * no page; a program may limit what there is (RLIMIT_AS) before its first block.
 */
void pagemap_prepare_next(void);

/* Enters a slab, or NULL, for so many pages of a range that was prepared. */
void pagemap_set(uintptr_t address, size_t pages, struct slab *slab);

#endif
