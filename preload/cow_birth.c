/* SPDX-License-Identifier: MIT */
/*
 * What a forked child inherited: the anonymous pages that it had when it was born, as a list of runs, or how many
 * they were. Noted by protecting them, which is cow_windows.c's, or without that, by what is there.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"

#define LARGE (16UL << 20)              /* resident bytes: reading maps costs less than looking at that many pages */

struct cow_birth cow_birth;

bool cow_birth_add(uint64_t start, uint64_t end)
{
	capture->cow.inherited_pages += (end - start) / PAGE_BYTES;
	return cow_add_run(cow_birth_runs(), &cow_birth.more, start, end);
}

void cow_birth_clear(void)
{
	capture->cow.inherited_pages = cow_birth.used = 0;
	run_flags_clear(&cow_birth.flags);
	memset(cow_birth.unmapped, 0, sizeof(cow_birth.unmapped));
	cow_regions_forked();
}

bool cow_birth_holds(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();

	return cow_birth.known && run_flags_any_kept(&cow_birth.flags, &runs, start, end);
}

void cow_birth_leave(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();

	if (run_flags_make(&cow_birth.flags, &runs)) {
		run_flags_set(&cow_birth.flags, &runs, start, end, RUN_LEFT);
	} else { /* what will be there would be taken for what was */
		cow_birth.known = false;
		capture->cow.looked = 0;
	}
}

static void count_unmapped(void *row, uint64_t start, uint64_t end, unsigned flags)
{
	const uint64_t pages = (end - start) / PAGE_BYTES;

	if (flags & RUN_SETTLED)
		return;
	cow_look_count(row, pages, flags, COW_GONE);
	((struct capture_cow_row *)row)->written_pages += flags & RUN_WRITTEN ? pages : 0;
}

void cow_birth_settle(uint64_t start, uint64_t end, int row)
{
	const enum capture_row in = row == ROW_HEAP_FREE ? ROW_HEAP_LIVE : (enum capture_row)row;
	struct page_runs runs = cow_birth_runs();
	uint64_t run = page_runs_above(&runs, start);
	struct capture_cow_row pages = { 0 };

	if (row == CAPTURE_ROWS || run == cow_birth.used || run_start(*page_runs_at(&runs, run)) >= end ||
	    !run_flags_make(&cow_birth.flags, &runs))
		return;
	run_flags_within(&cow_birth.flags, &runs, start, end, count_unmapped, &pages);
	cow_look_add(&cow_birth.unmapped[in], &pages);
	cow_regions_leave(start, end, in, &pages);
	run_flags_set(&cow_birth.flags, &runs, start, end, RUN_LEFT | RUN_SETTLED);
}

bool cow_is_large(void)
{
	uint64_t mapped, resident;

	return snapshot_read_statm(&mapped, &resident) && resident > LARGE;
}

/* An entry of pagemap for each page: before Linux 6.7. */
static bool note_entries(int fd, uint64_t start, uint64_t end)
{
	uint64_t *entries = cow_scratch.entries;

	while (start < end) {
		uint64_t wanted = min_u64(COW_ENTRIES, (end - start) / PAGE_BYTES);
		long got = sys_pread(fd, entries, wanted * sizeof(entries[0]), start / PAGE_BYTES * sizeof(entries[0]));

		if (got != (long)(wanted * sizeof(entries[0])))
			return false;
		for (uint64_t i = 0; i < wanted; i++, start += PAGE_BYTES)
			if (pages_entry_is_anonymous(entries[i]) && !cow_birth_add(start, start + PAGE_BYTES))
				return false;
	}
	return true;
}

/* Notes the pages of a part of the address space. False: this kernel cannot tell, or there are too many runs. */
static bool note_part(int fd, uint64_t start, uint64_t end, bool files)
{
	struct page_region *regions = cow_scratch.regions;

	while (start < end) {
		long found = pages_scan_anonymous(fd, &start, end, files, regions, COW_REGIONS);

		if (found < 0)
			return false;
		for (long i = 0; i < found; i++)
			if (!cow_birth_add(regions[i].start, regions[i].end))
				return false;
	}
	return true;
}

/* Mapping by mapping: of anonymous memory, which is most of a large process, no page needs to be looked at. */
static bool note_mappings(int fd, bool scans)
{
	struct smaps *smaps = &cow_scratch.smaps;
	struct mapping *mapping = &cow_scratch.mapping;
	int maps = proc_open(0, scans ? "maps" : "smaps");
	bool good = maps >= 0;
	uint32_t seen = 0;

	if (!good)
		return false;
	smaps_begin(smaps, maps, !scans); /* where there is no scan, what has no page in it need not be looked at */
	while (good && smaps_next(smaps, mapping)) {
		if (++seen > COW_MAPPINGS && scans) { /* asking for each would take longer than looking at pages */
			good = note_part(fd, mapping->start, USER_END, true);
			break;
		}
		if (!cow_is_shareable(mapping))
			continue;
		good = scans ? note_part(fd, mapping->start, mapping->end, mapping->inode != 0) :
		       !mapping->anonymous || note_entries(fd, mapping->start, mapping->end);
	}
	sys_close(maps);
	return good && !smaps->error;
}

/* Only how much there is. */
static bool note_total(void)
{
	int fd = proc_open(0, "smaps");
	bool good;

	if (fd < 0)
		return false;
	smaps_begin(&cow_scratch.smaps, fd, true);
	while (smaps_next(&cow_scratch.smaps, &cow_scratch.mapping))
		if (!cow_scratch.mapping.shared)
			capture->cow.inherited_pages += cow_scratch.mapping.anonymous / PAGE_BYTES;
	good = !cow_scratch.smaps.error;
	sys_close(fd);
	return good;
}

enum capture_cow_method cow_birth_note(int pagemap)
{
	cow_birth_clear();
	if (cow_tier <= TIER_SCAN &&
	    (cow_is_large() ? note_mappings(pagemap, true) : note_part(pagemap, 0, USER_END, true)))
		return COW_PAGEMAP;
	cow_birth_clear();
	if (cow_tier <= TIER_PAGEMAP && pagemap >= 0 && note_mappings(pagemap, false))
		return COW_PAGEMAP;
	cow_birth_clear();
	if (note_total())
		return COW_SMAPS;
	cow_birth_clear();
	return COW_UNKNOWN;
}
