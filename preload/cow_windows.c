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

/* Something may have been written unseen. */
static void lose(void)
{
	cow_windows.gaps = true;
	cow_birth.unseen = true;
}

/* Documentation/admin-guide/mm/ksm.rst: what it merges with equal pages is mapped anew, and looks written. */
void cow_windows_expect_merging(void)
{
	int fd = proc_open(0, "ksm_merging_pages");
	char first = '0';

	if (fd < 0)
		return;
	if (sys_read(fd, &first, 1) == 1 && first != '0') {
		lose();
		instrument_note(NOTE_MERGED, 0);
	}
	sys_close(fd);
}

static void count_kept(void *pages, uint64_t start, uint64_t end, unsigned flags)
{
	if (!(flags & RUN_LEFT))
		*(uint64_t *)pages += (end - start) / PAGE_BYTES;
}

/* Pages that were found written: those that count in this window, and those that were inherited. */
static void note_written(struct cow_window *window, uint64_t start, uint64_t end, uint64_t *pages)
{
	struct page_runs runs = cow_window_runs(window), inherited = cow_birth_runs();

	if (window->open)
		run_flags_within(&window->flags, &runs, start, end, count_kept, pages);
	if (!cow_birth_is_watched())
		return;
	if (run_flags_make(&cow_birth.flags, &inherited))
		run_flags_set(&cow_birth.flags, &inherited, start, end, RUN_WRITTEN);
	else
		cow_birth.unseen = true;
}

void cow_window_note_written(int pagemap, uint64_t start, uint64_t end, uint64_t *pages)
{
	struct cow_window *window = cow_window();
	struct page_region *regions = cow_scratch.regions;
	bool good;

	if (!window->open && !cow_birth_is_watched())
		return;
	good = write_protect_stands(pagemap);
	while (good && start < end) {
		long found = pages_scan_watched(pagemap, &start, end, PAGES_ONLY_WRITTEN, false, regions, COW_REGIONS);

		good = found >= 0;
		for (long i = 0; i < found; i++)
			note_written(window, regions[i].start, regions[i].end, pages);
	}
	if (!good)
		lose();
}

bool cow_window_holds(uint64_t start, uint64_t end)
{
	struct cow_window *window = cow_window();
	struct page_runs runs = cow_window_runs(window);

	return (window->open || window->closed) && run_flags_any_kept(&window->flags, &runs, start, end);
}

void cow_window_leave(uint64_t start, uint64_t end)
{
	struct cow_window *window = cow_window();
	struct page_runs runs = cow_window_runs(window);

	if (run_flags_make(&window->flags, &runs))
		run_flags_set(&window->flags, &runs, start, end, RUN_LEFT);
	else
		cow_windows.gaps = true;
}

struct beginning {
	int      pagemap;
	bool     in_child;
	struct cow_window *old, *new;
	uint64_t until_ns;
};

/* Protects the pages of a mapping. What had been written since it was protected last belongs to the window before. */
static bool protect(struct beginning *b, uint64_t start, uint64_t end, bool files)
{
	struct page_region *regions = cow_scratch.regions;
	bool good = true;

	while (good && start < end) {
		long found = pages_scan_watched(b->pagemap, &start, min_u64(end, start + CHUNK), PAGES_PROTECT, files,
						regions, COW_REGIONS);

		if (found < 0)
			lose();
		for (long i = 0; i < found; i++) { /* all of them: they are protected now */
			uint64_t from = regions[i].start, to = regions[i].end;

			if (regions[i].categories & PAGES_WRITTEN)
				note_written(b->old, from, to, &cow_windows.written_before);
			b->new->huge |= (regions[i].categories & PAGES_HUGE) != 0;
			good = good && cow_add_run(cow_window_runs(b->new), &b->new->more, from, to) &&
			       (!b->in_child || cow_birth_add(from, to));
		}
		good = good && found >= 0 && (end - start <= CHUNK || sys_now_ns(CLOCK_MONOTONIC) <= b->until_ns);
	}
	return good;
}

/*
 * What was inherited was registered then. A mapping that is not has come since, where libc unmapped what was there,
 * unseen: after the next registration it could not be told any more.
 */
static void find_replaced(const struct beginning *b, const struct mapping *mapping)
{
	if (cow_birth_is_watched() && cow_birth_holds(mapping->start, mapping->end) &&
	    !pages_are_watched(b->pagemap, mapping->start, mapping->end))
		cow_birth_leave(mapping->start, mapping->end);
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
		if (!b->in_child)
			find_replaced(b, mapping);
		good = good && write_protect_add(mapping->start, mapping->end) &&
		       protect(b, mapping->start, mapping->end, mapping->inode != 0);
	}
	sys_close(maps);
	return good && !smaps->error;
}

bool cow_window_begin(int pagemap, bool in_child, uint64_t until_ns)
{
	struct cow_window *old = cow_window(), *new = &cow_windows.window[!cow_windows.current];
	struct beginning b = { pagemap, in_child, old, new, until_ns };

	if ((old->open || cow_birth_is_watched()) && !write_protect_stands(pagemap)) {
		lose();
		old->open = false;
	}
	new->used = 0;
	new->huge = new->closed = old->closed = false;
	run_flags_clear(&new->flags);
	new->open = write_protect_begin() && protect_mappings(&b);
	cow_windows.gaps |= !new->open;
	old->open = false;
	cow_windows.current = !cow_windows.current;
	return new->open;
}

void cow_windows_forked(void)
{
	cow_windows.gaps = cow_window()->open = cow_window()->closed = false;
	cow_windows.written_before = 0;
	for (size_t i = 0; i < 2; i++)
		run_flags_clear(&cow_windows.window[i].flags);
	write_protect_forked();
}

void cow_note_written(void)
{
	uint64_t pages = cow_windows.written_before;
	int pagemap;

	cow_windows_expect_merging();
	pagemap = cow_windows.gaps ? -1 : proc_open(0, "pagemap");
	if (!cow_windows.gaps)
		cow_window_note_written(pagemap, 0, USER_END, &pages);
	if (pagemap >= 0)
		sys_close(pagemap);
	__atomic_store_n(&capture->cow.written_pages, cow_windows.gaps ? CAPTURE_UNKNOWN : pages, __ATOMIC_RELAXED);
}
