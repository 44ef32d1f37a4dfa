/* SPDX-License-Identifier: MIT */
/*
 * Each thread's free slots, a stack of pointers per size class. Taking and giving a block is a load and two stores
 * here; the lock of a size class is needed for a batch at a time. A cache outlives its thread and serves the next
 * one.
 */
#ifndef PAGEPOOL_CACHE_H
#define PAGEPOOL_CACHE_H

#include "slab.h"

struct cache_bin {
	struct cached *entries;         /* the last one is handed out next */
	uint32_t count;
	uint32_t limit;                 /* grows with use up to cache_capacity() */
};

struct cache {
	struct cache_bin bins[SIZE_CLASSES + 1];        /* the last one, BIN_NONE, stays empty and full at once */
	struct slab *slabs[SIZE_CLASSES];               /* owned */
	struct cache *next;                             /* of all */
	uint32_t epoch;                                 /* fork_epoch when it was last emptied for a fork */
	bool in_use;
	bool is_warm;                                   /* not in use, and not emptied */

};

/* Of threads that have none (any more): empty and full at once. */
extern struct cache no_cache;

/*
 * What the short ways of this thread use: its cache, or no_cache until it has one, and from a fork on until the thread
 * comes by the long way, where it empties the one it has. Looked at once per call: a signal's handler may fork.
 */
extern THREAD_LOCAL struct cache *this_cache;
extern THREAD_LOCAL struct cache *own_cache;    /* NULL: none, not yet or no longer */
extern struct lock caches_lock;
extern struct cache *all_caches;

/* The most free slots of a class in one cache: 16 KiB, of sizes above 1 KiB half of that, but 1 to 64. */
static inline uint32_t cache_capacity(unsigned class)
{
	size_t size = class_size(class), slots = ((size_t)(size > 1024 ? 8 : 16) << 10) / size;

	return slots < 1 ? 1 : slots > 64 ? 64 : (uint32_t)slots;
}

static inline struct cache *cache_now(void)
{
	return __atomic_load_n(&this_cache, __ATOMIC_RELAXED);
}

/* This thread's cache, emptied if it is from before a fork; no_cache while the thread is ending, or without memory. */
struct cache *cache_ready(void);

/* The short ways find no cache until cache_ready. It writes to one variable: whatever was interrupted goes on. */
void cache_set_aside(void);

/* At least one entry in the bin, or false: no memory. */
bool cache_refill(struct cache *cache, unsigned class);

/* Room for one more entry in the bin. */
void cache_flush(struct cache *cache, unsigned class);

/* Gives back all that is cached, and the slabs. The cache is this thread's, or that of a thread which is no more. */
void cache_empty(struct cache *cache);

/* The same for the caches that threads have left as they were. */
void cache_empty_idle(void);

/* In the child of a fork: the caches of the threads that are not here. */
void cache_forget_others(void);

/* Once, before the first thread ends: threads give their caches back. */
void cache_register(void);

#endif
