/* SPDX-License-Identifier: MIT */
/*
 * Windows. A window begins with a fork, for both sides, and ends with the next fork of the same process or with its
 * image: its runs are the pages that were shared at its beginning, write-protected from then on (write_protect.h),
 * and each that is written in it counts once. A child's first window has the runs that it was born with; those stay
 * as they are.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"
#include "write_protect.h"

#define CHUNK (32UL << 20)              /* bytes protected between two looks at the clock */

struct cow_windows cow_windows;

bool cow_window_count_written(int pagemap, uint64_t start, uint64_t end, uint64_t *pages)
{
	struct cow_window *window = cow_window();
	struct page_runs runs = cow_window_runs(window);
	struct cow_tally tally = { .since = window->lefts };
	struct page_region *regions = cow_scratch.regions;

	if (!window->open)
		return false;
	while (start < end) {
		long found = pages_scan_watched(pagemap, &start, end, PAGES_ONLY_WRITTEN, false, regions, COW_REGIONS);

		if (found < 0)
			return false;
		for (long i = 0; i < found; i++)
			page_runs_within(&runs, regions[i].start, regions[i].end, cow_count_kept, &tally);
	}
	*pages += tally.pages;
	return true;
}

struct beginning {
	int      pagemap;
	bool     in_child;
	struct cow_window *old, *new;
	struct cow_tally before;        /* pages written in the old window */
	uint64_t until_ns;
};

/* Protects the pages of a mapping. What had been written since it was protected last belongs to the window before. */
static bool protect(struct beginning *b, uint64_t start, uint64_t end, bool files)
{
	struct page_runs old_runs = cow_window_runs(b->old);
	struct page_region *regions = cow_scratch.regions;

	while (start < end) {
		long found = pages_scan_watched(b->pagemap, &start, min_u64(end, start + CHUNK), PAGES_PROTECT, files,
						regions, COW_REGIONS);

		if (found < 0 || (end - start > CHUNK && sys_now_ns(CLOCK_MONOTONIC) > b->until_ns))
			return false;
		for (long i = 0; i < found; i++) {
			uint64_t from = regions[i].start, to = regions[i].end;

			if (b->old->open && regions[i].categories & PAGES_WRITTEN)
				page_runs_within(&old_runs, from, to, cow_count_kept, &b->before);
			b->new->huge |= (regions[i].categories & PAGES_HUGE) != 0;
			if (!cow_add_run(cow_window_runs(b->new), &b->new->more, from, to) ||
			    (b->in_child && !cow_birth_add(from, to)))
				return false;
		}
	}
	return true;
}

/*
 * Registers and protects all that a fork shares, mapping by mapping: of anonymous ones no page needs to be looked at.
 */
static bool protect_mappings(struct beginning *b)
{
	struct smaps *smaps = &cow_scratch.smaps;
	struct mapping *mapping = &cow_scratch.mapping;
	int maps = proc_open(0, "maps");
	bool good = maps >= 0;
	uint32_t seen = 0;

	if (!good)
		return false;
	smaps_begin(smaps, maps, false);
	while (good && smaps_next(smaps, mapping)) {
		good = ++seen <= COW_MAPPINGS;
		if (!cow_is_shareable(mapping) || (!b->in_child && !cow_is_forked(mapping)))
			continue;
		good = good && write_protect_add(mapping->start, mapping->end) &&
		       protect(b, mapping->start, mapping->end, mapping->inode != 0);
	}
	sys_close(maps);
	return good && !smaps->error;
}

bool cow_window_begin(int pagemap, bool in_child, uint64_t until_ns)
{
	struct cow_window *old = cow_window(), *new = &cow_windows.window[!cow_windows.current];
	struct beginning b = { pagemap, in_child, old, new, { .since = old->lefts }, until_ns };

	new->used = 0;
	new->huge = false;
	new->open = write_protect_begin() && (!old->open || write_protect_stands(pagemap)) && protect_mappings(&b);
	new->lefts = capture->cow.lefts;
	cow_windows.written_before += b.before.pages;
	cow_windows.gaps |= !new->open;
	old->open = false;
	cow_windows.current = !cow_windows.current;
	return new->open;
}

void cow_windows_forked(void)
{
	cow_windows.gaps = cow_window()->open = false;
	cow_windows.written_before = cow_window()->lefts = 0;
	write_protect_forked();
}

void cow_note_written(void)
{
	uint64_t pages = cow_windows.written_before;
	int pagemap = proc_open(0, "pagemap");

	if (pagemap < 0 || cow_windows.gaps ||
	    (cow_window()->open &&
	     (!write_protect_stands(pagemap) || !cow_window_count_written(pagemap, 0, USER_END, &pages))))
		pages = CAPTURE_UNKNOWN;
	__atomic_store_n(&capture->cow.written_pages, pages, __ATOMIC_RELAXED);
	if (pagemap >= 0)
		sys_close(pagemap);
}
