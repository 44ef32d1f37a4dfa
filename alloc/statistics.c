/* SPDX-License-Identifier: MIT */
/* Sums over size classes, arenas and caches, for programs and as text. */
#include "statistics.h"

#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "fork.h"
#include "large.h"
#include "metadata.h"
#include "options.h"
#include "pool.h"
#include "runs.h"
#include "text.h"

#define EXPORT __attribute__((visibility("default")))

_Static_assert(PAGEPOOL_CLASSES == SIZE_CLASSES, "the public header has the number of size classes");

static uint64_t cached_slots(unsigned class)
{
	uint64_t slots = 0;

	for (struct cache *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE); cache; cache = cache->next)
		slots += __atomic_load_n(&cache->bins[class].count, __ATOMIC_RELAXED);
	return slots;
}

static void take_class(struct pagepool_statistics *s, unsigned class)
{
	struct pagepool_class_statistics *c = &s->class[class];
	struct size_bin *bin = &size_bins[class];
	uint64_t slab_bytes = class_pages(class) * PAGE_SIZE;

	c->block_bytes = class_size(class);
	lock_take(&bin->lock);
	c->slabs = bin->slabs;
	c->free = bin->free;
	c->slabs_made = bin->slabs_made;
	lock_release(&bin->lock);
	c->pages = c->slabs * class_pages(class);
	c->slots = c->slabs * (slab_bytes / c->block_bytes);
	c->cached = cached_slots(class);
	if (c->cached > c->slots - c->free) /* another thread was at work */
		c->cached = c->slots - c->free;
	c->live = c->slots - c->free - c->cached;
	s->live_bytes += c->live * c->block_bytes;
	s->cached_bytes += c->cached * c->block_bytes;
	s->free_slot_bytes += c->free * c->block_bytes;
	s->slab_end_bytes += c->slabs * (slab_bytes % c->block_bytes);
}

static void take_totals(struct pagepool_statistics *s)
{
	lock_take(&main_arena.lock);
	s->free_page_bytes = (main_arena.chunks * CHUNK_PAGES - main_arena.taken_pages) * PAGE_SIZE;
	s->not_returned_bytes = main_arena.dirty_free_pages * PAGE_SIZE;
	s->returned_pages = main_arena.returned_pages;
	s->reused_pages = main_arena.reused_pages;
	lock_release(&main_arena.lock);
	lock_take(&large_lock);
	s->large_blocks = large_live_blocks;
	s->large_bytes = large_live_bytes;
	s->large_kept_bytes = large_kept_bytes;
	s->reused_pages += large_reused_pages;
	lock_release(&large_lock);
	s->live_bytes += s->large_bytes + __atomic_load_n(&run_live_bytes, __ATOMIC_RELAXED);
	s->table_bytes = __atomic_load_n(&metadata_bytes, __ATOMIC_RELAXED);
	s->pool_bytes = pool_mapped_bytes();
	s->mapped_bytes = __atomic_load_n(&os_mapped_bytes, __ATOMIC_RELAXED);
	for (struct cache *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE); cache; cache = cache->next)
		s->threads += cache->in_use;
	s->forks = fork_epoch;
	s->leaves_holes = shared_below != 0;
}

void statistics_take(struct pagepool_statistics *s)
{
	memset(s, 0, sizeof(*s));
	s->version = 1;
	s->classes = SIZE_CLASSES;
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		take_class(s, class);
	take_totals(s);
}

EXPORT size_t pagepool_statistics_1(struct pagepool_statistics *statistics, size_t bytes)
{
	struct pagepool_statistics all;

	statistics_take(&all);
	if (bytes > sizeof(all))
		bytes = sizeof(all);
	memcpy(statistics, &all, bytes);
	return bytes;
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

	statistics_take(&s);
	print_text(fd, "pagepool: blocks by size\n"
		       "   bytes        live    cached        free    slabs     pages  slabs made\n");
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		if (s.class[class].slabs_made)
			print_class(fd, &s.class[class]);
	print_text(fd, "pagepool: totals\n");
	print_total(fd, "bytes mapped with access", s.mapped_bytes);
	print_total(fd, "bytes of live blocks, slack included", s.live_bytes);
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
