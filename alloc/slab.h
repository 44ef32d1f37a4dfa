/* SPDX-License-Identifier: MIT */
/*
 * Slabs: runs of pages cut into slots of one size class. What is known of a slot is one byte, outside of the pages
 * that the program writes to; a free slot itself is never touched, so freeing a block leaves a page shared after a
 * fork. A byte and not a bit, because the owner of a block can store a byte without a lock or a locked instruction.
 *
 * A slab belongs to one thread, or to its size class, and hands out and takes back slots in batches, under the lock of
 * the class. Slabs from before a fork take slots back, but hand none out while the other process lives (fork.c).
 */
#ifndef PAGEPOOL_SLAB_H
#define PAGEPOOL_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"
#include "pages.h"
#include "sizes.h"

enum slot_state {
	SLOT_FREE,      /* the slab may hand it out */
	SLOT_LIVE,      /* the program has it */
	SLOT_CACHED,    /* a thread's cache has it */
	SLOT_INSIDE,    /* belongs to the block that starts before it: holes.h */
};

enum slab_kind { SLAB_SMALL, SLAB_RUN, SLAB_LARGE, SLAB_POOL };

enum slab_place {
	PLACE_ALONE,            /* in no list: no slot is free, or there is just one */
	PLACE_OWNED,            /* a thread's: only that thread takes slots */
	PLACE_PARTIAL,          /* in its class's list of those with free slots */
	PLACE_SPARSE,           /* in the list of those with so many that blocks of other classes may have them */
	PLACE_INHERITED,        /* in the list of those with free slots that are left alone after a fork */
};

/* Not a size class: the bin of blocks that no cache keeps. */
#define BIN_NONE SIZE_CLASSES

struct slab {
	uintptr_t base;
	size_t size;                    /* bytes of a slot */
	uint32_t reciprocal;            /* of size, times 2^32, rounded up; 0: one slot */
	uint32_t epoch;                 /* forks before it was made */
	uint16_t slots;
	uint16_t free;                  /* slots in state SLOT_FREE */
	uint16_t first_free;            /* no slot below is free */
	uint8_t class;                  /* of its size, where it has one */
	uint8_t bin;                    /* of caches: its class; BIN_NONE: no cache keeps its blocks, or not all in one bin */
	uint8_t kind, place;            /* enum slab_kind, enum slab_place */
	uint16_t guests;                /* blocks that take several slots */
	uint16_t peak;                  /* most slots that were not free */
	struct chunk *chunk;            /* its pages'; NULL: a mapping of its own */
	struct slab *next, *previous;   /* in the list of its place */
	uint8_t states[];               /* enum slot_state; one more than slots, which is always SLOT_FREE */
};

/* A free slot in a cache. */
struct cached {
	void *block;
	uint8_t *state;
};

/* A size class: its slabs that no thread owns. */
struct size_bin {
	struct lock lock;
	struct slab *partial, *sparse, *inherited;
	size_t slabs, free;             /* now: slabs, and slots in state SLOT_FREE, owned slabs included */
	uint64_t quarantined;           /* slots in state SLOT_CACHED that no cache has; changed by quarantine.c */
	uint64_t slabs_made, reused_pages;      /* ever: slabs, and pages of them that were resident already */
} __attribute__((aligned(64)));

extern struct size_bin size_bins[SIZE_CLASSES];

/* Slabs of lower epochs hand out no slots; 0: all do. */
extern uint32_t shared_below;

/* Their blocks are freed the long way: those of shared_below, or, when something is to be done with them, all. */
extern uint32_t slow_free_below;

/* The index of the slot that starts at @address, or the number of slots where none does. */
static inline size_t slab_index(const struct slab *slab, uintptr_t address)
{
	size_t offset = address - slab->base, index = offset * slab->reciprocal >> 32;

	return index * slab->size == offset ? index : slab->slots;
}

static inline enum slot_state slot_state(const uint8_t *state)
{
	return (enum slot_state)__atomic_load_n(state, __ATOMIC_RELAXED);
}

/* Slots of the block that starts here, from 1 on. */
static inline size_t slots_of_block(const uint8_t *state)
{
	size_t slots = 1;

	while (UNLIKELY(slot_state(&state[slots]) == SLOT_INSIDE))
		slots++;
	return slots;
}

static inline void slot_set(uint8_t *state, enum slot_state to)
{
	__atomic_store_n(state, (uint8_t)to, __ATOMIC_RELAXED);
}

/*
 * slab_take - free slots of a class, in state SLOT_CACHED
 * @own:     the caller's slab of this class or NULL; changed when it has no more
 * @entries: room for @wanted; the last one has the lowest address
 *
 * Returns how many; 0: no memory.
 */
unsigned slab_take(unsigned class, struct slab **own, struct cached *entries, unsigned wanted);

/* The same from slabs of this class alone: blocks lie at multiples of each power of two that divides their size. */
unsigned slab_take_aligned(unsigned class, struct slab **own, struct cached *entries, unsigned wanted);

/* With the lock of the class held, when slots of the slab were taken: counts them. */
void slab_count_taken(struct size_bin *bin, struct slab *slab, size_t slots);

/* Takes back blocks in state SLOT_CACHED. */
void slab_give(const struct cached *entries, unsigned count);

/* With the lock of the class held: puts a slab that no thread owns where it belongs now; an empty one is unmade. */
void slab_settle(struct size_bin *bin, struct slab *slab);

/* The same lock held: from one place to another. */
void slab_move(struct size_bin *bin, struct slab *slab, enum slab_place place);

/* A thread's slab goes to its class. */
void slab_disown(unsigned class, struct slab *own);

/* A slab of any arena with all slots free; NULL: no memory. The caller gives it a place. */
struct slab *slab_make(struct arena *arena, unsigned class, size_t *reused_pages);

/* The first free slot from @from on; there is one. */
size_t slab_next_free(const struct slab *slab, size_t from);

/* Takes the slab out of the page map and frees itself; its pages are dropped with their arena. */
void slab_forget(struct slab *slab);

/* Takes the slab out of the page map and frees its pages and itself. */
void slab_unmake(struct slab *slab);

/* From here on, slabs of today are left alone; or no longer. */
void slab_leave_alone(uint32_t epoch);
void slab_fill_again(void);

/* Bytes of slots that are live or cached; other threads go on meanwhile. */
size_t slab_used_bytes(void);

/* Whether any class is locked: where there is one thread, the allocator was interrupted in the midst of it. */
bool slab_is_locked(void);

/* Around a fork */
void slab_lock_all(void);
void slab_unlock_all(void);

#endif
