/* SPDX-License-Identifier: MIT */
/* Sums over size classes, arenas and caches, for programs and as text. */
#include "statistics.h"

#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "figure.h"
#include "fork.h"
#include "large.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "pool.h"
#include "runs.h"
#include "text.h"

#define EXPORT __attribute__((visibility("default")))

_Static_assert(PAGEPOOL_CLASSES == SIZE_CLASSES, "the public header has the number of size classes");

/*
 * A block in a cache counts with the class of the slab where it lies, whatever bin it is in: holes.h. The entry may be
 * half written, or out of date: then it may count for nothing, or for another one. What it points to stays mapped.
 */
static void count_cached(uint64_t *cached, const struct cached *entry)
{
	const struct slab *slab = pagemap_get((uintptr_t)__atomic_load_n(&entry->block, __ATOMIC_RELAXED));
	const uint8_t *state = __atomic_load_n(&entry->state, __ATOMIC_RELAXED);

	if (slab && slab->kind == SLAB_SMALL && slab->class < SIZE_CLASSES && state && slot_state(state) == SLOT_CACHED)
		cached[slab->class] += slots_of_block(state);
}

/* Of all caches, also those in use: their owners go on. The list only ever grows at its front. */
static void take_cached(uint64_t *cached)
{
	for (struct cache *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE); cache; cache = cache->next) {
		for (unsigned class = 0; class < SIZE_CLASSES; class++) {
			uint32_t count = __atomic_load_n(&cache->bins[class].count, __ATOMIC_ACQUIRE);
			const struct cached *entries = __atomic_load_n(&cache->bins[class].entries, __ATOMIC_ACQUIRE);

			for (uint32_t i = 0; i < count; i++)
				count_cached(cached, &entries[i]);
		}
	}
}

static uint64_t threads(void)
{
	uint64_t count = 0;

	for (struct cache *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE); cache; cache = cache->next)
		count += __atomic_load_n(&cache->in_use, __ATOMIC_RELAXED);
	return count;
}

/* Figures that are read one after the other may have changed in between. */
static uint64_t less(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

static struct pagepool_class_statistics of_class(unsigned class, uint64_t cached)
{
	const struct size_bin *bin = &size_bins[class];
	size_t pages = class_pages(class);
	struct pagepool_class_statistics c = {
		.block_bytes = class_size(class), .slabs = figure(&bin->slabs), .free = figure(&bin->free),
		.slabs_made = figure(&bin->slabs_made), .reused_pages = figure(&bin->reused_pages),
	};

	c.pages = c.slabs * pages;
	c.slots = c.slabs * (pages * PAGE_SIZE / c.block_bytes);
	c.cached = cached + figure(&bin->quarantined);
	if (c.cached > less(c.slots, c.free))
		c.cached = less(c.slots, c.free);
	c.live = less(c.slots, c.free + c.cached);
	c.returned_pages = less(c.slabs_made, c.slabs) * pages;
	return c;
}

static void add_class(struct pagepool_statistics *s, const struct pagepool_class_statistics *c)
{
	s->live_bytes += c->live * c->block_bytes;
	s->cached_bytes += c->cached * c->block_bytes;
	s->free_slot_bytes += c->free * c->block_bytes;
	s->slab_end_bytes += c->pages * PAGE_SIZE - c->slots * c->block_bytes;
}

static void add_totals(struct pagepool_statistics *s)
{
	s->free_page_bytes = less(figure(&main_arena.pages), figure(&main_arena.taken_pages)) * PAGE_SIZE;
	s->not_returned_bytes = figure(&main_arena.dirty_free_pages) * PAGE_SIZE;
	s->returned_pages = figure(&main_arena.returned_pages);
	s->reused_pages = figure(&main_arena.reused_pages) + figure(&large_reused_pages);
	s->run_blocks = figure(&run_live_blocks);
	s->run_bytes = figure(&run_live_bytes);
	s->large_blocks = less(figure(&large_live_blocks), figure(&pool_large_blocks));
	s->large_bytes = less(figure(&large_live_bytes), figure(&pool_large_bytes));
	s->large_kept_bytes = figure(&large_kept_bytes);
	s->live_bytes += s->run_bytes + s->large_bytes;
	s->table_bytes = figure(&metadata_bytes);
	s->pool_bytes = figure(&plain_bytes) + figure(&pool_large_bytes);
	s->mapped_bytes = figure(&os_mapped_bytes);
	s->threads = threads();
	s->forks = __atomic_load_n(&fork_epoch, __ATOMIC_RELAXED);
	s->leaves_holes = __atomic_load_n(&shared_below, __ATOMIC_RELAXED) != 0;
}

size_t statistics_take(struct pagepool_statistics *s, size_t bytes)
{
	const size_t totals = offsetof(struct pagepool_statistics, class);
	uint64_t cached[SIZE_CLASSES] = { 0 };
	size_t room;

	if (bytes < totals)
		return 0;
	room = (bytes - totals) / sizeof(s->class[0]);
	if (room > SIZE_CLASSES)
		room = SIZE_CLASSES;
	memset(s, 0, totals);
	s->version = 1;
	s->classes = SIZE_CLASSES;
	take_cached(cached);
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		struct pagepool_class_statistics c = of_class(class, cached[class]);

		add_class(s, &c);
		if (class < room)
			s->class[class] = c;
	}
	add_totals(s);
	return totals + room * sizeof(s->class[0]);
}

EXPORT size_t pagepool_statistics_1(struct pagepool_statistics *statistics, size_t bytes)
{
	return statistics_take(statistics, bytes);
}

/* As text */

static void print_total(int fd, const char *name, uint64_t number)
{
	struct text line = { 0 };

	text_add_number(&line, number, 14);
	text_add(&line, "  ");
	text_add(&line, name);
	text_add(&line, "\n");
	text_write(&line, fd);
}

static void print_class(int fd, const struct pagepool_class_statistics *c)
{
	struct text line = { 0 };

	text_add_number(&line, c->block_bytes, 8);
	text_add_number(&line, c->live, 12);
	text_add_number(&line, c->cached, 10);
	text_add_number(&line, c->free, 12);
	text_add_number(&line, c->slabs, 9);
	text_add_number(&line, c->pages, 10);
	text_add_number(&line, c->slabs_made, 12);
	text_add_number(&line, c->returned_pages, 10);
	text_add_number(&line, c->reused_pages, 10);
	text_add(&line, "\n");
	text_write(&line, fd);
}

static void print_text(int fd, const char *string)
{
	struct text line = { 0 };

	text_add(&line, string);
	text_write(&line, fd);
}

void statistics_print(int fd)
{
	struct pagepool_statistics s;

	statistics_take(&s, sizeof(s));
	print_text(fd, "pagepool: blocks by size\n"
		       "   bytes        live    cached        free    slabs     pages  slabs made  returned    reused\n");
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		if (s.class[class].slabs_made)
			print_class(fd, &s.class[class]);
	print_text(fd, "pagepool: totals\n");
	print_total(fd, "bytes mapped with access", s.mapped_bytes);
	print_total(fd, "bytes of live blocks, slack included", s.live_bytes);
	print_total(fd, "of them in blocks above 16 KiB and up to 1 MiB", s.run_bytes);
	print_total(fd, "of them in blocks above 1 MiB", s.large_bytes);
	print_total(fd, "bytes of free slots in threads' caches", s.cached_bytes);
	print_total(fd, "bytes of free slots in slabs", s.free_slot_bytes);
	print_total(fd, "bytes of free pages", s.free_page_bytes);
	print_total(fd, "of them not returned to the kernel", s.not_returned_bytes);
	print_total(fd, "bytes of large blocks kept for reuse", s.large_kept_bytes);
	print_total(fd, "bytes of tables", s.table_bytes);
	print_total(fd, "bytes of explicit pools", s.pool_bytes);
	print_total(fd, "pages returned to the kernel", s.returned_pages);
	print_total(fd, "pages reused while resident", s.reused_pages);
}

__attribute__((destructor)) static void at_exit(void)
{
	if (options.statistics_at_exit)
		statistics_print(STDERR_FILENO);
}
