/* SPDX-License-Identifier: MIT */
/*
 * The heap rows. Blocks come from the block map in address order, runs of backed pages from pagemap in the same order; walking the
 * two side by side tells how many requested and how many slack bytes lie on backed pages, and how full each backed page is.
 * Pages of the block map itself that were never written are passed over, so that a sparse heap costs what its blocks cost.
 */
#include "ledger_internal.h"

#include <errno.h>

void blocks_open(struct ledger *l)
{
	uint64_t address = l->capture->anatomy.blockmap_address;
	const size_t first_part = offsetof(struct blockmap, root);

	l->leaf.key = UINT64_MAX;
	l->leaf.bytes = NULL;
	l->carried = (struct block){ 0 };
	l->leaf_copy = NULL;
	l->map = l->self ? (const struct blockmap *)address : NULL;
	if (l->self || !address)
		return;
	l->map = sys_reserve(first_part);
	l->leaf_copy = sys_reserve(LEAF_BYTES);
	if (l->map && sys_read_memory(l->pid, address, (void *)l->map, first_part) != (long)first_part) {
		sys_unmap(l->map, first_part);
		l->map = NULL;
	}
}

void blocks_close(struct ledger *l)
{
	if (l->self)
		return;
	if (l->map)
		sys_unmap(l->map, offsetof(struct blockmap, root));
	if (l->leaf_copy)
		sys_unmap(l->leaf_copy, LEAF_BYTES);
}

/* Turns to the leaf with this key and finds out which of its pages were ever written. */
static void view_leaf(struct ledger *l, uint64_t key)
{
	struct leaf_view *view = &l->leaf;
	uint64_t base = 0;
	struct page_run run;

	if (view->key == key)
		return;
	view->key = key;
	view->bytes = NULL;
	for (uint32_t i = 1; l->map && i <= l->map->leaves && i < LEAVES_MAX; i++)
		if (l->map->key[i] == key)
			base = (uint64_t)l->map->leaf[i];
	if (!base || (!l->self && !l->leaf_copy))
		return;
	memset(view->touched, 0, sizeof(view->touched));
	if (!l->self) /* nothing of the leaf before it may be seen */
		sys_call3(SYS_madvise, l->leaf_copy, page_up(LEAF_BYTES), MADV_DONTNEED);
	pages_begin(&l->leaf_pages, base, base + LEAF_BYTES, false);
	while (pages_next(&l->leaf_pages, &run)) {
		uint64_t offset = run.start - base;

		if (!l->self && sys_read_memory(l->pid, run.start, l->leaf_copy + offset, run.end - run.start) < 0)
			continue;
		for (uint64_t page = offset / PAGE_BYTES; page < (run.end - base) / PAGE_BYTES; page++)
			view->touched[page / 64] |= 1ULL << page % 64;
	}
	if (l->leaf_pages.source == PAGES_BY_NOTHING)
		memset(view->touched, l->self ? 0xff : 0, sizeof(view->touched));
	view->bytes = l->self ? (const uint8_t *)base : l->leaf_copy;
}

/* The first granule from @granule on, below @limit, whose byte starts a block; @limit if none does. */
static uint64_t next_start(const struct leaf_view *view, uint64_t granule, uint64_t limit)
{
	const uint64_t tops = 0x8080808080808080ULL;

	while (granule < limit) {
		uint64_t page = granule / PAGE_BYTES, word;

		if (!(view->touched[page / 64] >> page % 64 & 1)) {
			granule = (page + 1) * PAGE_BYTES;
			continue;
		}
		word = blockmap_load(view->bytes + (granule & ~7UL)) & tops;
		word &= ~0ULL << granule % 8 * 8;
		if (word)
			return min_u64(limit, (granule & ~7UL) + (uint64_t)__builtin_ctzll(word) / 8);
		granule = (granule & ~7UL) + 8;
	}
	return limit;
}

/* A block that is being written while we read it can look like anything. */
static bool plausible(const struct block *b)
{
	return b->requested <= b->usable && b->usable < 1UL << 47;
}

bool blocks_next(struct ledger *l, uint64_t from, uint64_t limit, struct block *block)
{
	from = (from + 7) & ~7UL;
	while (from < limit) {
		uint64_t key = from >> LEAF_SHIFT, first = key << LEAF_SHIFT, granule = blockmap_granule(from), end;

		view_leaf(l, key);
		if (!l->leaf.bytes) {
			from = first + (1UL << LEAF_SHIFT);
			continue;
		}
		end = limit > first + (1UL << LEAF_SHIFT) ? LEAF_GRANULES : (limit - first + 15) >> GRANULE_SHIFT;
		if (from & 8) { /* the upper half of a granule whose lower half is done */
			if (blockmap_decode(l->leaf.bytes + granule, from, block) && plausible(block))
				return true;
			from += 8;
			continue;
		}
		granule = next_start(&l->leaf, granule, end);
		from = first + (granule << GRANULE_SHIFT);
		if (granule >= end)
			continue;
		if (blockmap_decode(l->leaf.bytes + granule, from, block) && plausible(block))
			return true;
		from += 8;
	}
	return false;
}

/* Call sites */

static void site_turn_to(struct ledger *l, const struct block *block, bool is_new)
{
	struct capture_site_moment *sums;

	if (!l->sites)
		return;
	l->site = l->sites->find(block);
	sums = &l->site_sums[l->site];
	sums->live_blocks += is_new;
	sums->live_bytes += is_new ? block->requested : 0;
}

/* Bytes of the block at hand lie on the page at hand. */
static void site_on_page(struct ledger *l, uint64_t bytes)
{
	l->site_sums[l->site].resident_bytes += bytes;
	for (uint32_t i = l->page_sites_used; i-- > 0;)
		if (l->page_sites[i] == l->site)
			return;
	if (l->page_sites_used < LEDGER_PAGE_SITES)
		l->page_sites[l->page_sites_used++] = l->site;
}

/* They are all that lies on so many pages. */
static void site_on_whole_pages(struct ledger *l, uint64_t pages)
{
	l->site_sums[l->site].resident_bytes += pages * PAGE_BYTES;
	l->site_sums[l->site].pinned_pages += (uint32_t)pages;
}

static void site_page_done(struct ledger *l)
{
	if (l->page_sites_used == 1)
		l->site_sums[l->page_sites[0]].pinned_pages++;
	for (uint32_t i = 0; i < l->page_sites_used && l->fill_bytes * 10 < PAGE_BYTES; i++)
		l->site_sums[l->page_sites[i]].sparse_pages++;
	l->page_sites_used = 0;
}

/* Page fill */

static void fill_flush(struct ledger *l)
{
	uint64_t bucket = l->fill_bytes * 10 / PAGE_BYTES + 1;

	l->touched_pages += l->fill_touched;
	if (l->page_sites_used)
		site_page_done(l);
	if (l->observer && l->fill_touched)
		l->observer->heap_pages(l->fill_page, 1, l->fill_bytes, l->fill_slack);
	if (l->fill_bytes) {
		l->out->fill_pages[bucket < CAPTURE_FILL_BUCKETS ? bucket : CAPTURE_FILL_BUCKETS - 1]++;
		l->filled_pages++;
	}
	l->fill_bytes = l->fill_slack = 0;
	l->fill_touched = false;
}

/* Bytes [start, end) of a block lie on resident pages; they are requested ones or slack. */
static inline void fill_add(struct ledger *l, uint64_t start, uint64_t end, bool requested)
{
	while (start < end) {
		uint64_t page = page_down(start), upto = min_u64(end, page + PAGE_BYTES);

		if (page != l->fill_page) {
			fill_flush(l);
			l->fill_page = page;
		}
		if (requested && start == page && end >= page + 2 * PAGE_BYTES) { /* whole pages at once */
			uint64_t whole = (end - page) / PAGE_BYTES;

			l->out->fill_pages[CAPTURE_FILL_BUCKETS - 1] += whole;
			l->filled_pages += whole;
			l->touched_pages += whole;
			if (l->observer)
				l->observer->heap_pages(page, whole, PAGE_BYTES, 0);
			if (l->sites)
				site_on_whole_pages(l, whole);
			start += whole * PAGE_BYTES;
			continue;
		}
		l->fill_touched = true;
		*(requested ? &l->fill_bytes : &l->fill_slack) += upto - start;
		if (l->sites)
			site_on_page(l, upto - start);
		start = upto;
	}
}

/* The segment's walk. Bytes on the run at hand are gathered first and added to the rows when the run is left. */

static void next_run(struct ledger *l)
{
	if (l->have_run) {
		if (l->observer)
			l->observer->heap_run(l->run.start, l->run.end, l->run.flags);
		add_run(l, &l->heap, l->run.end - l->run.start, l->run.flags);
		add_run(l, &l->out->rows[ROW_HEAP_LIVE], l->run_live, l->run.flags);
		add_run(l, &l->out->rows[ROW_HEAP_SLACK], l->run_slack, l->run.flags);
	}
	l->run_live = l->run_slack = 0;
	if (l->all_resident) { /* one run, without asking */
		l->have_run = !l->have_run;
		l->run = (struct page_run){ l->pages.next, l->pages.end, PAGES_RESIDENT };
	} else {
		l->have_run = pages_next(&l->pages, &l->run);
	}
}

/* Bytes [start, end) of blocks, ascending from call to call; requested or slack ones. */
static inline void span(struct ledger *l, uint64_t start, uint64_t end, bool requested)
{
	while (l->have_run && l->run.start < end) {
		uint64_t from = max_u64(start, l->run.start), upto = min_u64(end, l->run.end);

		if (from < upto) {
			*(requested ? &l->run_live : &l->run_slack) += upto - from;
			if (l->run.flags & PAGES_RESIDENT)
				fill_add(l, from, upto, requested);
		}
		if (l->run.end > end)
			break;
		next_run(l);
	}
}

/* One block, clipped to the segment. */
static inline void block_spans(struct ledger *l, const struct block *b, uint64_t start, uint64_t end)
{
	uint64_t from = max_u64(b->address, start), middle = max_u64(from, min_u64(b->address + b->requested, end));
	uint64_t stop = max_u64(middle, min_u64(b->address + b->usable, end));

	l->out->rows[ROW_HEAP_LIVE].mapped_bytes += middle - from;
	l->out->rows[ROW_HEAP_SLACK].mapped_bytes += stop - middle;
	span(l, from, middle, true);
	span(l, middle, stop, false);
}

/*
 * The common case in one tight loop: small blocks that follow each other on one run. Returns where it stopped, at the first thing
 * that is not so; the general walk goes on from there.
 */
static uint64_t walk_dense(struct ledger *l, uint64_t from, uint64_t end)
{
	const uint64_t leaf_end = (l->leaf.key + 1) << LEAF_SHIFT, limit = min_u64(min_u64(end, l->run.end), leaf_end);
	const uint8_t *byte;
	uint64_t requested_sum = 0, usable_sum = 0, blocks = 0, fill = l->fill_bytes, slack = l->fill_slack, page = l->fill_page;

	if (l->sites || !l->have_run || !(l->run.flags & PAGES_RESIDENT) || from < l->run.start || from >= limit || from >> LEAF_SHIFT != l->leaf.key ||
	    !l->leaf.bytes || from & 15)
		return from;
	byte = l->leaf.bytes + blockmap_granule(from);
	while (from < limit) {
		uint64_t usable, requested, stop;

		if (!blockmap_read_short(byte, &requested, &usable))
			break;
		stop = from + usable;
		if (stop > limit || requested > usable || stop - page_down(from) > 2 * PAGE_BYTES) /* the last: whole pages in between */
			break;
		if (from - page >= PAGE_BYTES) {
			l->fill_bytes = fill;
			l->fill_slack = slack;
			l->fill_page = page;
			fill_flush(l);
			fill = slack = 0;
			page = page_down(from);
		}
		l->fill_touched = true;
		fill += requested;
		slack += usable - requested;
		if (unlikely(stop - page > PAGE_BYTES)) { /* reaches into the next page */
			uint64_t here = min_u64(requested, page + PAGE_BYTES - from), beyond = stop - page - PAGE_BYTES;

			l->fill_bytes = fill - (requested - here);
			l->fill_slack = slack - (beyond - (requested - here));
			l->fill_page = page;
			fill_flush(l);
			l->fill_touched = true;
			fill = requested - here;
			slack = beyond - fill;
			page += PAGE_BYTES;
		}
		requested_sum += requested;
		usable_sum += usable;
		blocks++;
		from += (usable + 15) & ~15UL;
		byte += (usable + 15) >> GRANULE_SHIFT;
	}
	l->fill_bytes = fill;
	l->fill_slack = slack;
	l->fill_page = page;
	l->run_live += requested_sum;
	l->run_slack += usable_sum - requested_sum;
	l->out->rows[ROW_HEAP_LIVE].mapped_bytes += requested_sum;
	l->out->rows[ROW_HEAP_SLACK].mapped_bytes += usable_sum - requested_sum;
	l->out->live_blocks += blocks;
	return from;
}

/* What the segment has beyond the live and slack bytes that it added to their rows. */
static void add_free(struct ledger *l, const struct capture_amounts *live_before, const struct capture_amounts *slack_before)
{
	const uint64_t *live = (const uint64_t *)&l->out->rows[ROW_HEAP_LIVE], *old_live = (const uint64_t *)live_before;
	const uint64_t *slack = (const uint64_t *)&l->out->rows[ROW_HEAP_SLACK], *old_slack = (const uint64_t *)slack_before;
	const uint64_t *all = (const uint64_t *)&l->heap;
	uint64_t *free_row = (uint64_t *)&l->out->rows[ROW_HEAP_FREE];

	for (size_t i = 0; i < sizeof(l->heap) / sizeof(uint64_t); i++) {
		if (all[i] == CAPTURE_UNKNOWN || live[i] == CAPTURE_UNKNOWN || slack[i] == CAPTURE_UNKNOWN)
			free_row[i] = CAPTURE_UNKNOWN;
		else if (free_row[i] != CAPTURE_UNKNOWN)
			free_row[i] += all[i] - (live[i] - old_live[i]) - (slack[i] - old_slack[i]);
	}
}

void heap_segment(struct ledger *l, uint64_t start, uint64_t end)
{
	struct capture_amounts live = l->out->rows[ROW_HEAP_LIVE], slack = l->out->rows[ROW_HEAP_SLACK];
	struct block block = l->carried;
	uint64_t from = start, resident_pages;

	memset(&l->heap, 0, sizeof(l->heap));
	l->heap.mapped_bytes = end - start;
	l->filled_pages = l->touched_pages = 0;
	l->fill_page = UINT64_MAX;
	l->page_sites_used = 0;
	if (l->observer)
		l->observer->heap_begin(start, end);
	pages_begin(&l->pages, start, end, l->mapping.shared_resident != 0);
	l->have_run = false;
	l->all_resident = l->mapping.resident == l->mapping.end - l->mapping.start && !l->mapping.shared_resident &&
			  !l->mapping.swap && !l->mapping.huge;
	next_run(l);
	if (block.address < start && block.address + block.usable > start) {
		site_turn_to(l, &block, false);
		block_spans(l, &block, start, end);
		from = block.address + block.usable;
	}
	while (blocks_next(l, from, end, &block)) {
		l->carried = block;
		l->out->live_blocks++;
		site_turn_to(l, &block, true);
		block_spans(l, &block, start, end);
		from = block.address + block.usable;
		if (block.usable > 8) /* only blocks of eight bytes share a granule */
			from = walk_dense(l, (from + 15) & ~15UL, end);
	}
	fill_flush(l);
	while (l->have_run)
		next_run(l);
	resident_pages = l->heap.resident_bytes / PAGE_BYTES;
	l->out->fill_pages[0] += resident_pages - l->filled_pages;
	l->out->free_on_empty_bytes += (resident_pages - l->touched_pages) * PAGE_BYTES;
	add_free(l, &live, &slack);
}
