/* SPDX-License-Identifier: MIT */
/* The writing side of the page map. */
#include "pagemap.h"

#include "figure.h"
#include "metadata.h"
#include "os.h"

struct slab **pagemap_root[(size_t)1 << (ADDRESS_BITS - LEAF_BITS)];
struct lock pagemap_lock;

bool pagemap_prepare(uintptr_t address, size_t bytes)
{
	uintptr_t last = address + bytes - 1;

	if (last >> ADDRESS_BITS)
		return false;
	for (uintptr_t at = address >> LEAF_BITS; at <= last >> LEAF_BITS; at++) {
		struct slab **leaf = __atomic_load_n(&pagemap_root[at], __ATOMIC_ACQUIRE);

		if (leaf)
			continue;
		lock_take(&pagemap_lock);
		leaf = pagemap_root[at] ? pagemap_root[at] : metadata_map(LEAF_PAGES * sizeof(*leaf));
		__atomic_store_n(&pagemap_root[at], leaf, __ATOMIC_RELEASE);
		lock_release(&pagemap_lock);
		if (!leaf)
			return false;
	}
	return true;
}

void pagemap_set(uintptr_t address, size_t pages, struct slab *slab)
{
	for (size_t i = 0; i < pages; i++, address += PAGE_SIZE)
		__atomic_store_n(&pagemap_root[address >> LEAF_BITS][address >> PAGE_SHIFT & (LEAF_PAGES - 1)], slab,
				 __ATOMIC_RELEASE);
}

void pagemap_prepare_next(void)
{
	void *next = figure(&metadata_bytes) ? NULL : os_map(PAGE_SIZE, PAGE_SIZE);

	if (!next)
		return;
	pagemap_prepare((uintptr_t)next, PAGE_SIZE);
	os_unmap(next, PAGE_SIZE);
}
