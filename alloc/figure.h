/* SPDX-License-Identifier: MIT */
/*
 * Figures for statistics. Each is changed under some lock, and read without one, whatever the reader interrupted: what it
 * reads is whole, and true of some moment.
 */
#ifndef PAGEPOOL_FIGURE_H
#define PAGEPOOL_FIGURE_H

#include <stdint.h>

static inline uint64_t figure(const uint64_t *of)
{
	return __atomic_load_n(of, __ATOMIC_RELAXED);
}

/* With the lock held. */
static inline void figure_adjust(uint64_t *of, uint64_t more, uint64_t less)
{
	__atomic_store_n(of, *of + more - less, __ATOMIC_RELAXED);
}

/* Where no one lock is held by all who change it. */
static inline void figure_adjust_shared(uint64_t *of, uint64_t more, uint64_t less)
{
	__atomic_fetch_add(of, more - less, __ATOMIC_RELAXED);
}

#endif
