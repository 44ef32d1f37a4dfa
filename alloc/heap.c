/* SPDX-License-Identifier: MIT */
/* The short way through the thread's cache, and the long way round for all else. */
#include "heap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "fault.h"
#include "fork.h"
#include "large.h"
#include "options.h"
#include "pagemap.h"
#include "runs.h"

static bool started;

/* The first caller does it; others go on meanwhile, for nothing of this is needed to hand out a block. */
COLD void heap_start(void)
{
	if (__atomic_exchange_n(&started, true, __ATOMIC_ACQ_REL))
		return;
	options_read();
	heap_clear_freed(options.zero_on_free);
	fork_register();
	cache_register();
}

void heap_clear_freed(bool clear)
{
	options.zero_on_free = clear;
	slow_free_below = clear ? UINT32_MAX : shared_below;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* Allocating */

/* Without a cache, because the thread is ending or there is no memory for one: straight from the size class. */
static void *take_one(unsigned class)
{
	struct slab *own = NULL;
	struct cached entry;
	unsigned taken = slab_take(class, &own, &entry, 1);

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

static void *allocate_small(unsigned class)
{
	if (this_cache == &no_cache)
		cache_ready();
	if (this_cache == &no_cache)
		return take_one(class);
	if (this_cache->epoch != fork_epoch)
		cache_empty(this_cache);
	if (this_cache->bins[class].count || cache_refill(this_cache, class))
		return take_from(&this_cache->bins[class]);
	return NULL;
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

static void *try(size_t bytes, size_t align, bool *is_zero)
{
	*is_zero = false;
	if (bytes <= SMALL_MAX && align == 1)
		return allocate_small(size_class(bytes));
	return allocate_pages(bytes, align, is_zero);
}

static COLD void *allocate_slow(size_t bytes, size_t align, bool *is_zero)
{
	void *block;

	if (UNLIKELY(!started))
		heap_start();
	fork_notice();
	if (UNLIKELY(shared_below))
		fork_look_again();
	if (bytes > PTRDIFF_MAX - align)
		return no_memory();
	block = try(bytes, align, is_zero);
	if (UNLIKELY(!block)) { /* perhaps what is kept for later is wanted now */
		heap_trim();
		block = try(bytes, align, is_zero);
	}
	return block ? block : no_memory();
}

void *heap_allocate(size_t bytes)
{
	bool is_zero;

	if (LIKELY(bytes <= SMALL_MAX)) {
		struct cache_bin *bin = &this_cache->bins[size_class(bytes)];

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
	bool is_zero;

	if (align <= 16)
		return heap_allocate(bytes);
	if (bytes > PTRDIFF_MAX - align)
		return no_memory();
	/* The slots of a class lie at its multiples, and slabs begin with a page. */
	if (align <= PAGE_SIZE && bytes <= SMALL_MAX) {
		size_t rounded = round_up(bytes ? bytes : 1, align);
		unsigned class = rounded <= SMALL_MAX ? size_class(rounded) : SIZE_CLASSES;

		while (class < SIZE_CLASSES && class_size(class) & (align - 1))
			class++;
		if (class < SIZE_CLASSES)
			return heap_allocate(class_size(class));
	}
	return allocate_slow(bytes ? bytes : 1, align, &is_zero);
}

/* Freeing */

/* What is wrong with a pointer that is no live block of this slab. */
static COLD __attribute__((noreturn)) void misused(const char *call, const void *block, const struct slab *slab)
{
	if (!slab)
		fault(call, block, "no block starts here");
	if (slab->kind == SLAB_POOL)
		fault(call, block, "the block belongs to a pool");
	if (slab_index(slab, (uintptr_t)block) >= slab->slots)
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

static void clear(const struct slab *slab, void *block)
{
	if (slab->kind == SLAB_SMALL || !os_return_pages(block, slab->size))
		memset(block, 0, slab->size);
}

/* Into the cache when it may be handed out again from there, else straight to its slab. */
static void free_small(void *block, struct slab *slab, uint8_t *state)
{
	struct cached entry = { block, state };
	struct cache_bin *bin;

	if (this_cache == &no_cache)
		cache_ready();
	bin = &this_cache->bins[slab->bin];
	if (this_cache == &no_cache || slab->epoch < shared_below) {
		slab_give(slab->bin, &entry, 1);
		return;
	}
	if (bin->count == bin->limit)
		cache_flush(this_cache, slab->bin);
	bin->entries[bin->count++] = entry;
}

static COLD void free_slow(void *block, struct slab *slab)
{
	uint8_t *state;

	if (!block)
		return;
	fork_notice();
	state = state_of_block("free", block, slab);
	if (options.zero_on_free)
		clear(slab, block);
	slot_set(state, SLOT_CACHED);
	if (slab->kind == SLAB_SMALL)
		free_small(block, slab, state);
	else
		free_pages(slab);
}

void heap_free(void *block)
{
	struct slab *slab = pagemap_get((uintptr_t)block);

	if (LIKELY(slab)) {
		size_t offset = (uintptr_t)block - slab->base, index = offset * slab->reciprocal >> 32;
		uint8_t *state = &slab->states[index];
		struct cache_bin *bin = &this_cache->bins[slab->bin];

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

	if (!block)
		return 0;
	state_of_block("malloc_usable_size", block, slab);
	return slab->size;
}

/* Resizing */

/* Without moving it, or by moving its pages; NULL when it must be copied. */
static void *resize_in_place(void *block, struct slab *slab, size_t bytes)
{
	if (slab->kind == SLAB_SMALL) /* smaller by less than a quarter is not worth a copy */
		return bytes <= slab->size && bytes > slab->size - slab->size / 4 ? block : NULL;
	if (bytes <= SMALL_MAX)
		return NULL;
	if (slab->kind == SLAB_RUN)
		return run_resize(slab, bytes) ? block : NULL;
	if (bytes <= RUN_MAX / 2)
		return NULL;
	return large_resize(slab, bytes) ? (void *)slab->base : NULL;
}

void *heap_resize(void *block, size_t bytes)
{
	struct slab *slab = pagemap_get((uintptr_t)block);
	void *resized;

	if (!block)
		return heap_allocate(bytes);
	state_of_block("realloc", block, slab);
	if (bytes > PTRDIFF_MAX - PAGE_SIZE)
		return no_memory();
	resized = resize_in_place(block, slab, bytes);
	if (resized)
		return resized;
	resized = heap_allocate(bytes);
	if (!resized)
		return NULL;
	memcpy(resized, block, bytes < slab->size ? bytes : slab->size);
	heap_free(block);
	return resized;
}

bool heap_trim(void)
{
	if (this_cache != &no_cache)
		cache_empty(this_cache);
	cache_empty_idle();
	return large_return() + pages_return(&main_arena) > 0;
}
