/* SPDX-License-Identifier: MIT */
/* Filling, emptying and recycling the caches of threads. */
#include "cache.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "fork.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"

#define FIRST_LIMIT 8
#define WARM_MAX    4   /* caches that wait for the next thread with what they hold; others are emptied first */

struct cache no_cache;
THREAD_LOCAL struct cache *this_cache = &no_cache;
THREAD_LOCAL struct cache *own_cache;
static THREAD_LOCAL bool ending;

struct lock caches_lock;
struct cache *all_caches;
static unsigned warm_count;
static pthread_key_t key;
static bool have_key;

static uint32_t first_limit(unsigned class)
{
	return cache_capacity(class) < FIRST_LIMIT ? cache_capacity(class) : FIRST_LIMIT;
}

/* With room for the first entries, close together: most classes never have more. */
static struct cache *new_cache(void)
{
	size_t bytes = round_up(sizeof(struct cache), 64), at = bytes;
	struct cache *cache;

	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		bytes += first_limit(class) * sizeof(struct cached);
	cache = metadata_map(round_up(bytes, PAGE_SIZE));
	if (!cache)
		return NULL;
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		cache->bins[class].entries = (void *)((char *)cache + at);
		cache->bins[class].limit = first_limit(class);
		at += first_limit(class) * sizeof(struct cached);
	}
	cache->next = all_caches;
	__atomic_store_n(&all_caches, cache, __ATOMIC_RELEASE);
	return cache;
}

static struct cache *find_idle(void)
{
	struct cache *idle = NULL;

	for (struct cache *cache = all_caches; cache; cache = cache->next) {
		if (cache->is_warm)
			return cache;
		if (!cache->in_use)
			idle = cache;
	}
	return idle;
}

static struct cache *idle_or_new(void)
{
	struct cache *cache;

	lock_take(&caches_lock);
	cache = find_idle();
	if (!cache)
		cache = new_cache();
	if (cache) {
		warm_count -= cache->is_warm;
		cache->is_warm = false;
		cache->in_use = true;
	}
	lock_release(&caches_lock);
	return cache;
}

COLD struct cache *cache_ready(void)
{
	bool had_one = own_cache;

	/* With canaries each block goes the long way. */
	if (!had_one && !ending && !options.canaries)
		own_cache = idle_or_new();
	if (!own_cache)
		return &no_cache;
	if (own_cache->epoch != fork_epoch)
		cache_empty(own_cache);
	__atomic_store_n(&this_cache, own_cache, __ATOMIC_RELAXED);
	/* It may allocate, from the cache that is there by now. */
	if (!had_one && have_key)
		pthread_setspecific(key, own_cache);
	return own_cache;
}

void cache_set_aside(void)
{
	__atomic_store_n(&this_cache, &no_cache, __ATOMIC_RELAXED);
}

/* The entries move once, to where all have room. Whoever looks meanwhile, after a fork, finds them whole. */
static void grow_limit(struct cache_bin *bin, unsigned class)
{
	uint32_t capacity = cache_capacity(class);

	if (bin->limit == first_limit(class) && bin->limit < capacity) {
		struct cached *entries = metadata_allocate(capacity * sizeof(*entries));

		if (!entries)
			return;
		memcpy(entries, bin->entries, bin->count * sizeof(*entries));
		__atomic_store_n(&bin->entries, entries, __ATOMIC_RELEASE);
	}
	bin->limit = bin->limit * 2 < capacity ? bin->limit * 2 : capacity;
}

/* A slab of its own is for a thread that uses the class much: until then threads share pages. */
COLD bool cache_refill(struct cache *cache, unsigned class)
{
	struct cache_bin *bin = &cache->bins[class];
	uint32_t wanted = (bin->limit + 1) / 2;

	if (bin->limit == cache_capacity(class)) {
		bin->count = slab_take(class, &cache->slabs[class], bin->entries, wanted);
	} else {
		struct slab *shared = NULL;

		bin->count = slab_take(class, &shared, bin->entries, wanted);
		if (shared)
			slab_disown(class, shared);
		grow_limit(bin, class);
	}
	return bin->count;
}

/* The older half, which is the least likely to be in the processor's caches, goes. */
COLD void cache_flush(struct cache *cache, unsigned class)
{
	struct cache_bin *bin = &cache->bins[class];
	uint32_t given = bin->count - bin->count / 2;

	if (bin->limit < cache_capacity(class)) {
		grow_limit(bin, class);
		if (bin->count < bin->limit)
			return;
	}
	slab_give(bin->entries, given);
	bin->count -= given;
	memmove(bin->entries, bin->entries + given, bin->count * sizeof(*bin->entries));
}

void cache_empty(struct cache *cache)
{
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		struct cache_bin *bin = &cache->bins[class];
		struct slab *own = cache->slabs[class];

		if (bin->count)
			slab_give(bin->entries, bin->count);
		bin->count = 0;
		cache->slabs[class] = NULL; /* first: a fork may stop this thread in between */
		if (own)
			slab_disown(class, own);
	}
	cache->epoch = fork_epoch;
}

/* With the lock held, if the cache is to stay as it is. */
static void make_idle(struct cache *cache, bool is_warm)
{
	cache->in_use = false;
	cache->is_warm = is_warm;
	warm_count += is_warm;
}

/* The next thread begins where this one ends; but only a few caches wait with what they hold. */
static void retire(struct cache *cache)
{
	bool is_warm;

	lock_take(&caches_lock);
	is_warm = warm_count < WARM_MAX;
	if (is_warm)
		make_idle(cache, true);
	lock_release(&caches_lock);
	if (is_warm)
		return;
	cache_empty(cache);
	lock_take(&caches_lock);
	make_idle(cache, false);
	lock_release(&caches_lock);
}

void cache_empty_idle(void)
{
	lock_take(&caches_lock);
	for (struct cache *cache = all_caches; cache; cache = cache->next)
		if (!cache->in_use)
			cache_empty(cache);
	lock_release(&caches_lock);
}

/* What other destructors of this thread still allocate and free goes without a cache. */
static void thread_ends(void *cache)
{
	ending = true;
	cache_set_aside();
	own_cache = NULL;
	retire(cache);
}

/*
 * A thread that is not here was stopped between any two of its steps: an entry may be half written, or left over
 * from a slot that was handed out, given back, or taken by another cache since. It counts when it is whole and its
 * slot says that it is cached; then the slot says otherwise, so that it counts once.
 */
static bool claim(const struct cached *entry)
{
	const struct slab *slab = pagemap_get((uintptr_t)entry->block);

	if (!slab || slab->kind != SLAB_SMALL ||
	    entry->state != &slab->states[slab_index(slab, (uintptr_t)entry->block)] ||
	    slot_state(entry->state) != SLOT_CACHED)
		return false;
	slot_set(entry->state, SLOT_LIVE);
	return true;
}

static void forget(struct cache *cache)
{
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		struct cache_bin *bin = &cache->bins[class];
		uint32_t claimed = 0;

		for (uint32_t i = 0; i < bin->count; i++)
			if (claim(&bin->entries[i]))
				bin->entries[claimed++] = bin->entries[i];
		bin->count = claimed;
	}
	cache_empty(cache);
	make_idle(cache, false);
}

static bool has_others(void)
{
	for (struct cache *cache = all_caches; cache; cache = cache->next)
		if (cache->in_use && cache != own_cache)
			return true;
	return false;
}

/* The caches that are known to be whole come first: what they hold, no other one has. */
void cache_forget_others(void)
{
	if (!has_others())
		return;
	if (own_cache)
		cache_empty(own_cache);
	cache_empty_idle();
	for (struct cache *cache = all_caches; cache; cache = cache->next)
		if (cache->in_use && cache != own_cache)
			forget(cache);
}

void cache_register(void)
{
	have_key = pthread_key_create(&key, thread_ends) == 0;
	if (have_key && own_cache)
		pthread_setspecific(key, own_cache);
}
