/* SPDX-License-Identifier: MIT */
/* The short way through the thread's cache, and the long way round for all else. */
#include "heap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "canary.h"
#include "fault.h"
#include "fork.h"
#include "holes.h"
#include "large.h"
#include "options.h"
#include "pagemap.h"
#include "quarantine.h"
#include "runs.h"

#define BLOCK_MAX ((size_t)1 << ADDRESS_BITS)   /* no address space, no use in giving back what is kept */

static bool started, options_known, registered;
static struct lock starting;
static bool freed_are_zero;     /* all that were ever freed */

/* Options are known before the first block is handed out; for the rest, others go on meanwhile: a block needs none of it. */
COLD void heap_start(void)
{
	lock_take(&starting);
	if (!options_known) {
		options_read();
		freed_are_zero = options.zero_on_free;
		heap_clear_freed(options.zero_on_free);
		if (options.canaries)
			canary_start();
		options_known = true;
	}
	lock_release(&starting);
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	if (__atomic_exchange_n(&registered, true, __ATOMIC_ACQ_REL))
		return;
	fork_register();
	cache_register();
}

void heap_clear_freed(bool clear)
{
	options.zero_on_free = clear;
	freed_are_zero = freed_are_zero && clear;
	slow_free_below = options_slow_free() ? UINT32_MAX : shared_below;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* Allocating */

/* Without a cache, because the thread is ending or there is no memory for one: straight from the size class. */
static void *take_one(unsigned class, bool aligned)
{
	struct slab *own = NULL;
	struct cached entry;
	unsigned taken = aligned ? slab_take_aligned(class, &own, &entry, 1) : slab_take(class, &own, &entry, 1);

	if (own)
		slab_disown(class, own);
	if (!taken)
		return NULL;
	slot_set(entry.state, SLOT_LIVE);
	return entry.block;
}

static void *take_from(struct cache_bin *bin)
{
	struct cached *entry = &bin->entries[--bin->count];

	slot_set(entry->state, SLOT_LIVE);
	return entry->block;
}

/* What the bin hands out next may lie in a hole of another class, at a multiple of 16 bytes alone. */
static bool has_aligned(const struct cache_bin *bin, size_t align)
{
	return bin->count && !((uintptr_t)bin->entries[bin->count - 1].block & (align - 1));
}

static void *allocate_small(unsigned class, size_t align)
{
	struct cache *cache = cache_now();
	struct cache_bin *bin;

	if (cache == &no_cache)
		cache = cache_ready();
	if (cache == &no_cache)
		return take_one(class, align > 16);
	if (cache->epoch != fork_epoch)
		cache_empty(cache);
	bin = &cache->bins[class];
	if (!bin->count && !cache_refill(cache, class))
		return NULL;
	return has_aligned(bin, align) ? take_from(bin) : take_one(class, true);
}

static void *allocate_pages(size_t bytes, size_t align, bool *is_zero)
{
	struct slab *slab;

	if (bytes > RUN_MAX || align > RUN_MAX)
		slab = large_allocate(bytes, align, is_zero);
	else
		slab = run_allocate(bytes, align, is_zero);
	if (!slab)
		return NULL;
	slot_set(&slab->states[0], SLOT_LIVE);
	return (void *)slab->base;
}

/* The slots of a class lie at its multiples, and slabs begin with a page. SIZE_CLASSES: there is none for it. */
static unsigned aligned_class(size_t bytes, size_t align)
{
	size_t rounded = round_up(bytes ? bytes : 1, align);
	unsigned class = align <= PAGE_SIZE && rounded <= SMALL_MAX ? size_class(rounded) : SIZE_CLASSES;

	while (class < SIZE_CLASSES && class_size(class) & (align - 1))
		class++;
	return class;
}

static void *try(size_t bytes, size_t align, bool *is_zero)
{
	unsigned class = aligned_class(bytes, align);

	*is_zero = false;
	return class < SIZE_CLASSES ? allocate_small(class, align) : allocate_pages(bytes ? bytes : 1, align, is_zero);
}

/* Bytes of a live or a cached block, slack included. */
static size_t block_bytes(const struct slab *slab, const uint8_t *state)
{
	return slab->size * slots_of_block(state);
}

/* A block that a canary is to be put behind. What was freed before is zero, where that is an option, until somebody writes. */
static void prepare(void *block, size_t bytes)
{
	const struct slab *slab = pagemap_get((uintptr_t)block);
	size_t room = block_bytes(slab, &slab->states[slab_index(slab, (uintptr_t)block)]);
	const uint64_t *words = block;

	for (size_t i = 0; freed_are_zero && slab->kind == SLAB_SMALL && i < room / sizeof(*words); i++)
		if (words[i])
			fault("malloc", block, "written to after it was freed");
	canary_arm(block, room, bytes);
}

static COLD void *allocate_slow(size_t bytes, size_t align, bool *is_zero)
{
	size_t room = bytes;
	void *block;

	if (UNLIKELY(!__atomic_load_n(&started, __ATOMIC_ACQUIRE)))
		heap_start();
	fork_notice();
	if (UNLIKELY(shared_below))
		fork_look_again();
	if (bytes > BLOCK_MAX || align > BLOCK_MAX)
		return no_memory();
	if (UNLIKELY(options.canaries))
		room += CANARY_BYTES;
	block = try(room, align, is_zero);
	if (UNLIKELY(!block)) { /* perhaps what is kept for later is wanted now */
		heap_trim();
		block = try(room, align, is_zero);
	}
	if (UNLIKELY(!block))
		return no_memory();
	if (UNLIKELY(options.canaries))
		prepare(block, bytes);
	return block;
}

void *heap_allocate(size_t bytes)
{
	bool is_zero;

	if (LIKELY(bytes <= SMALL_MAX)) {
		struct cache_bin *bin = &cache_now()->bins[size_class(bytes)];

		if (LIKELY(bin->count))
			return take_from(bin);
	}
	return allocate_slow(bytes, 1, &is_zero);
}

void *heap_allocate_zeroed(size_t count, size_t bytes)
{
	bool is_zero = false;
	void *block;

	if (__builtin_mul_overflow(count, bytes, &bytes))
		return no_memory();
	block = bytes <= SMALL_MAX ? heap_allocate(bytes) : allocate_slow(bytes, 1, &is_zero);
	return block && !is_zero ? memset(block, 0, bytes) : block;
}

void *heap_allocate_aligned(size_t align, size_t bytes)
{
	struct cache *cache = cache_now();
	unsigned class;
	bool is_zero;

	if (align <= 16)
		return heap_allocate(bytes);
	if (bytes > BLOCK_MAX || align > BLOCK_MAX)
		return no_memory();
	class = aligned_class(bytes, align);
	if (class < SIZE_CLASSES && has_aligned(&cache->bins[class], align))
		return take_from(&cache->bins[class]);
	return allocate_slow(bytes, align, &is_zero);
}

/* Freeing */

/* What is wrong with a pointer that is no live block of this slab. */
static COLD __attribute__((noreturn)) void misused(const char *call, const void *block, const struct slab *slab)
{
	size_t index;

	if (!slab)
		fault(call, block, "no block starts here");
	if (slab->kind == SLAB_POOL)
		fault(call, block, "the block belongs to a pool");
	index = slab_index(slab, (uintptr_t)block);
	if (index >= slab->slots || slot_state(&slab->states[index]) == SLOT_INSIDE)
		fault(call, block, "inside of a block or a slab, where no block starts");
	fault(call, block, "not allocated: freed twice, or never handed out");
}

/* The state of a live block that starts at this address. Anything else ends the program. */
static inline uint8_t *state_of_block(const char *call, const void *block, struct slab *slab)
{
	uint8_t *state;

	if (UNLIKELY(!slab || slab->kind == SLAB_POOL))
		misused(call, block, slab);
	state = &slab->states[slab_index(slab, (uintptr_t)block)];
	if (UNLIKELY(slot_state(state) != SLOT_LIVE)) /* behind the last slot there is one that never is */
		misused(call, block, slab);
	return state;
}

static void free_pages(struct slab *slab)
{
	if (slab->kind == SLAB_LARGE)
		large_free(slab);
	else
		run_free(slab);
}

/* The bytes that were asked for, where a canary tells. */
static size_t armed_bytes(const char *call, const void *block, size_t room)
{
	size_t bytes;

	if (!canary_holds(block, room, &bytes))
		fault(call, block, "something has written beyond its end");
	return bytes;
}

static void clear(const struct slab *slab, void *block, const uint8_t *state)
{
	if (slab->kind == SLAB_SMALL || !os_return_pages(block, slab->size))
		memset(block, 0, block_bytes(slab, state));
}

/* What a block of whole pages is about to give up. */
static void clear_end(const struct slab *slab, size_t kept_bytes)
{
	size_t kept = round_up(kept_bytes, PAGE_SIZE);
	char *end = (char *)slab->base + kept;

	if (kept < slab->size && !os_return_pages(end, slab->size - kept))
		memset(end, 0, slab->size - kept);
}

/* Into the cache when it may be handed out again from there, else straight to its slab. */
static void free_small(void *block, struct slab *slab, uint8_t *state)
{
	struct cached entry = { block, state };
	size_t slots = slots_of_block(state);
	unsigned class = slots == 1 ? slab->class : holes_class(slab, slots);
	struct cache *cache = cache_now();
	struct cache_bin *bin;

	if (cache == &no_cache)
		cache = cache_ready();
	bin = &cache->bins[class];
	if (cache == &no_cache || slab->epoch < shared_below) {
		slab_give(&entry, 1);
		return;
	}
	if (bin->count == bin->limit)
		cache_flush(cache, class);
	bin->entries[bin->count++] = entry;
}

static COLD void free_slow(void *block, struct slab *slab)
{
	uint8_t *state;

	if (!block)
		return;
	fork_notice();
	state = state_of_block("free", block, slab);
	if (options.canaries)
		armed_bytes("free", block, block_bytes(slab, state));
	if (options.zero_on_free)
		clear(slab, block, state);
	slot_set(state, SLOT_CACHED);
	if (slab->kind != SLAB_SMALL) {
		free_pages(slab);
		return;
	}
	if (options.quarantine) {
		block = quarantine_swap(block);
		if (!block)
			return;
		slab = pagemap_get((uintptr_t)block);
		state = &slab->states[slab_index(slab, (uintptr_t)block)];
	}
	free_small(block, slab, state);
}

void heap_free(void *block)
{
	struct slab *slab = pagemap_get((uintptr_t)block);

	if (LIKELY(slab)) {
		size_t offset = (uintptr_t)block - slab->base, index = offset * slab->reciprocal >> 32;
		uint8_t *state = &slab->states[index];
		struct cache_bin *bin = &cache_now()->bins[__atomic_load_n(&slab->bin, __ATOMIC_RELAXED)];

		if (LIKELY(index * slab->size == offset && slot_state(state) == SLOT_LIVE && bin->count < bin->limit &&
			   slab->epoch >= slow_free_below)) {
			slot_set(state, SLOT_CACHED);
			bin->entries[bin->count++] = (struct cached){ block, state };
			return;
		}
	}
	free_slow(block, slab);
}

size_t heap_usable(void *block)
{
	struct slab *slab = pagemap_get((uintptr_t)block);
	size_t room;

	if (!block)
		return 0;
	room = block_bytes(slab, state_of_block("malloc_usable_size", block, slab));
	return UNLIKELY(options.canaries) ? armed_bytes("malloc_usable_size", block, room) : room;
}

/* Resizing */

/* Without moving it, or by moving its pages; NULL when it must be copied. */
static void *resize_in_place(void *block, struct slab *slab, size_t usable, size_t bytes)
{
	if (slab->kind == SLAB_SMALL) /* smaller by less than a quarter is not worth a copy */
		return bytes <= usable && bytes > usable - usable / 4 ? block : NULL;
	if (bytes <= SMALL_MAX)
		return NULL;
	if (slab->kind == SLAB_LARGE && bytes <= RUN_MAX / 2)
		return NULL;
	if (UNLIKELY(options.zero_on_free))
		clear_end(slab, bytes);
	if (slab->kind == SLAB_RUN)
		return run_resize(slab, bytes) ? block : NULL;
	return large_resize(slab, bytes) ? (void *)slab->base : NULL;
}

/* What grows a little will go on so: an eighth more at a time, so that it is copied eight times per doubling. */
static size_t with_room(size_t bytes, size_t usable)
{
	size_t roomy = usable + usable / 8;

	return bytes > usable && bytes < roomy && roomy <= SMALL_MAX ? roomy : bytes;
}

void *heap_resize(void *block, size_t bytes)
{
	struct slab *slab = pagemap_get((uintptr_t)block);
	size_t room, old_bytes, behind = options.canaries ? CANARY_BYTES : 0;
	const uint8_t *state;
	void *resized;

	if (!block)
		return heap_allocate(bytes);
	state = state_of_block("realloc", block, slab);
	room = block_bytes(slab, state);
	old_bytes = UNLIKELY(behind) ? armed_bytes("realloc", block, room) : room;
	if (bytes > BLOCK_MAX)
		return no_memory();
	resized = resize_in_place(block, slab, room, bytes + behind);
	if (UNLIKELY(behind)) /* whether it could be resized or not, it may have become longer */
		canary_arm(resized ? resized : block, block_bytes(slab, state), resized ? bytes : old_bytes);
	if (resized)
		return resized;
	resized = heap_allocate(UNLIKELY(behind) ? bytes : with_room(bytes, room));
	if (!resized)
		return NULL;
	memcpy(resized, block, bytes < old_bytes ? bytes : old_bytes);
	heap_free(block);
	return resized;
}

bool heap_trim(void)
{
	if (own_cache)
		cache_empty(own_cache);
	cache_empty_idle();
	return large_return() + pages_return(&main_arena) > 0;
}
