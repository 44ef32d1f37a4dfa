/* SPDX-License-Identifier: MIT */
/*
 * Explicit pools. Each has an arena and slabs of its own, with the same bytes of state outside, so that its pages
 * can be dropped as one, and a block that is freed twice, or to the wrong pool, is noticed.
 */
#include "pool.h"

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "figure.h"
#include "large.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "pagepool.h"
#include "slab.h"

#define EXPORT __attribute__((visibility("default")))

struct slab_list {
	struct slab *first;
};

struct pagepool {
	struct lock lock;
	struct arena arena;
	struct pagepool_settings settings;
	struct pagepool_usage usage;
	struct slab_list partial[SIZE_CLASSES], full[SIZE_CLASSES];
	struct slab_list pages;                 /* blocks of whole pages */
	struct pagepool *next, *previous;       /* of all */
};

_Static_assert(sizeof(struct pagepool) <= METADATA_MAX, "a pool is a piece of metadata");

uint64_t pool_large_bytes, pool_large_blocks;
static struct lock pools_lock;
static struct pagepool *pools;

/* Lists */

static void push(struct slab_list *list, struct slab *slab)
{
	slab->previous = NULL;
	slab->next = list->first;
	if (slab->next)
		slab->next->previous = slab;
	list->first = slab;
}

static void drop(struct slab_list *list, struct slab *slab)
{
	if (slab->previous)
		slab->previous->next = slab->next;
	else
		list->first = slab->next;
	if (slab->next)
		slab->next->previous = slab->previous;
}

/* A pool of one thread needs no lock. */
static inline void enter(struct pagepool *pool)
{
	if (pool->settings.shared)
		lock_take(&pool->lock);
}

static inline void leave(struct pagepool *pool)
{
	if (pool->settings.shared)
		lock_release(&pool->lock);
}

/* Creating */

static void enlist(struct pagepool *pool)
{
	lock_take(&pools_lock);
	pool->next = pools;
	if (pools)
		pools->previous = pool;
	pools = pool;
	lock_release(&pools_lock);
}

EXPORT struct pagepool *pagepool_create(const struct pagepool_settings *settings)
{
	struct pagepool *pool;

	if (settings && settings->block_bytes > RUN_MAX) {
		errno = EINVAL;
		return NULL;
	}
	pool = metadata_allocate(sizeof(*pool));
	if (!pool) {
		errno = ENOMEM;
		return NULL;
	}
	if (settings)
		pool->settings = *settings;
	pool->arena.plain = true;
	enlist(pool);
	return pool;
}

/* Allocating; inside */

static struct slab *slab_with_room(struct pagepool *pool, unsigned class)
{
	struct slab *slab = pool->partial[class].first;
	size_t reused_pages;

	if (slab)
		return slab;
	slab = slab_make(&pool->arena, class, &reused_pages);
	if (!slab)
		return NULL;
	slab->kind = SLAB_POOL;
	slab->bin = BIN_NONE;
	push(&pool->partial[class], slab);
	pool->usage.page_bytes += class_pages(class) * PAGE_SIZE;
	return slab;
}

static void *allocate_small(struct pagepool *pool, unsigned class)
{
	struct slab *slab = slab_with_room(pool, class);
	size_t index;

	if (!slab)
		return NULL;
	index = slab->first_free;
	if (UNLIKELY(slot_state(&slab->states[index]) != SLOT_FREE))
		index = slab_next_free(slab, index);
	slot_set(&slab->states[index], SLOT_LIVE);
	slab->first_free = (uint16_t)(index + 1);
	if (--slab->free == 0) {
		drop(&pool->partial[class], slab);
		push(&pool->full[class], slab);
	}
	return (void *)(slab->base + index * slab->size);
}

static void *allocate_pages(struct pagepool *pool, size_t bytes)
{
	bool is_zero;
	struct slab *slab = large_allocate(bytes, PAGE_SIZE, &is_zero);

	if (!slab)
		return NULL;
	slab->kind = SLAB_POOL;
	slot_set(&slab->states[0], SLOT_LIVE);
	push(&pool->pages, slab);
	pool->usage.page_bytes += slab->size;
	figure_adjust_shared(&pool_large_bytes, slab->size, 0);
	figure_adjust_shared(&pool_large_blocks, 1, 0);
	return (void *)slab->base;
}

/* What a block of so many bytes takes. */
static size_t block_bytes(size_t bytes)
{
	return bytes <= SMALL_MAX ? class_size(size_class(bytes)) : round_up(bytes, PAGE_SIZE);
}

static void *allocate(struct pagepool *pool, size_t bytes)
{
	struct pagepool_usage *usage = &pool->usage;
	size_t taken = block_bytes(bytes);
	void *block;

	if (pool->settings.limit_bytes && usage->live_bytes + taken > pool->settings.limit_bytes)
		return NULL;
	block = bytes <= SMALL_MAX ? allocate_small(pool, size_class(bytes)) : allocate_pages(pool, bytes);
	if (!block)
		return NULL;
	usage->allocations++;
	usage->live_blocks++;
	usage->live_bytes += taken;
	if (usage->live_bytes > usage->peak_live_bytes)
		usage->peak_live_bytes = usage->live_bytes;
	return block;
}

EXPORT void *pagepool_allocate(struct pagepool *pool, size_t bytes)
{
	size_t one_size = pool->settings.block_bytes;
	void *block = NULL;

	enter(pool);
	if (bytes <= (one_size ? one_size : PTRDIFF_MAX - PAGE_SIZE))
		block = allocate(pool, one_size ? one_size : bytes);
	if (!block)
		pool->usage.refusals++;
	leave(pool);
	if (!block)
		errno = ENOMEM;
	return block;
}

/* Freeing; inside */

static bool owns(const struct pagepool *pool, const struct slab *slab)
{
	if (slab->kind != SLAB_POOL)
		return false;
	if (slab->chunk)
		return slab->chunk->arena == &pool->arena;
	for (const struct slab *own = pool->pages.first; own; own = own->next)
		if (own == slab)
			return true;
	return false;
}

static void free_slot(struct pagepool *pool, struct slab *slab, size_t index)
{
	if (options.zero_on_free)
		memset((char *)slab->base + index * slab->size, 0, slab->size);
	slot_set(&slab->states[index], SLOT_FREE);
	if (index < slab->first_free)
		slab->first_free = (uint16_t)index;
	if (slab->free++ == 0) {
		drop(&pool->full[slab->class], slab);
		push(&pool->partial[slab->class], slab);
	}
}

static void free_pages(struct pagepool *pool, struct slab *slab)
{
	drop(&pool->pages, slab);
	pool->usage.page_bytes -= slab->size;
	figure_adjust_shared(&pool_large_bytes, 0, slab->size);
	figure_adjust_shared(&pool_large_blocks, 0, 1);
	large_discard(slab);
}

EXPORT void pagepool_free(struct pagepool *pool, void *block)
{
	struct slab *slab = pagemap_get((uintptr_t)block);
	size_t index;

	if (!block)
		return;
	enter(pool);
	if (!slab || !owns(pool, slab))
		fault("pagepool_free", block, "not a block of this pool");
	index = slab_index(slab, (uintptr_t)block);
	if (index >= slab->slots || slot_state(&slab->states[index]) != SLOT_LIVE)
		fault("pagepool_free", block, "not allocated: freed twice, or no block starts here");
	pool->usage.live_blocks--;
	pool->usage.live_bytes -= slab->size;
	if (slab->chunk)
		free_slot(pool, slab, index);
	else
		free_pages(pool, slab);
	leave(pool);
}

/* All at once */

static void empty_slab(struct slab *slab)
{
	size_t bytes = slab->slots * slab->size;

	if (options.zero_on_free && !os_return_pages((void *)slab->base, round_up(bytes, PAGE_SIZE)))
		memset((void *)slab->base, 0, bytes);
	memset(slab->states, SLOT_FREE, slab->slots);
	slab->free = slab->slots;
	slab->first_free = 0;
}

EXPORT void pagepool_reset(struct pagepool *pool)
{
	enter(pool);
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		struct slab *slab;

		for (slab = pool->partial[class].first; slab; slab = slab->next)
			empty_slab(slab);
		while ((slab = pool->full[class].first)) {
			empty_slab(slab);
			drop(&pool->full[class], slab);
			push(&pool->partial[class], slab);
		}
	}
	while (pool->pages.first)
		free_pages(pool, pool->pages.first);
	pool->usage.live_blocks = 0;
	pool->usage.live_bytes = 0;
	leave(pool);
}

static void unmake_list(struct slab_list *list)
{
	while (list->first) {
		struct slab *slab = list->first;

		drop(list, slab);
		slab_forget(slab);
	}
}

static void delist(struct pagepool *pool)
{
	lock_take(&pools_lock);
	if (pool->previous)
		pool->previous->next = pool->next;
	else
		pools = pool->next;
	if (pool->next)
		pool->next->previous = pool->previous;
	lock_release(&pools_lock);
}

EXPORT void pagepool_destroy(struct pagepool *pool)
{
	if (!pool)
		return;
	delist(pool);
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		unmake_list(&pool->partial[class]);
		unmake_list(&pool->full[class]);
	}
	while (pool->pages.first)
		free_pages(pool, pool->pages.first);
	pages_destroy(&pool->arena);
	metadata_free(pool, sizeof(*pool));
}

EXPORT void pagepool_get_usage(struct pagepool *pool, struct pagepool_usage *usage)
{
	enter(pool);
	*usage = pool->usage;
	leave(pool);
}

/* For the rest of the allocator */

void pool_lock_all(void)
{
	lock_take(&pools_lock);
	for (struct pagepool *pool = pools; pool; pool = pool->next) {
		lock_take(&pool->lock);
		lock_take(&pool->arena.lock);
	}
}

void pool_unlock_all(void)
{
	for (struct pagepool *pool = pools; pool; pool = pool->next) {
		lock_release(&pool->arena.lock);
		lock_release(&pool->lock);
	}
	lock_release(&pools_lock);
}

void pool_forget_locks(void)
{
	pools_lock.state = 0;
	for (struct pagepool *pool = pools; pool; pool = pool->next)
		pool->lock.state = pool->arena.lock.state = 0;
}
