/* SPDX-License-Identifier: MIT */
/* Runs of backed pages, from the best source that this kernel and this process allow. */
#include "pages.h"

#include <errno.h>

#include "smaps.h"
#include "sys.h"

/* <linux/fs.h> of Linux 6.7 */
struct scan_request {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_REQUEST  _IOC_WR_('f', 16, sizeof(struct scan_request))
#define _IOC_WR_(type, number, size) (3UL << 30 | (unsigned long)(size) << 16 | (unsigned long)(type) << 8 | (number))
enum { SCAN_PROTECT_MATCHING = 1 << 0 }; /* flags */
enum { SCAN_WATCHED = 1 << 0, SCAN_WRITTEN = 1 << 1, SCAN_FILE = 1 << 2, SCAN_PRESENT = 1 << 3, SCAN_SWAPPED = 1 << 4, SCAN_ZERO = 1 << 5, SCAN_HUGE = 1 << 6, SCAN_GUARD = 1 << 8 };

/* Documentation/admin-guide/mm/pagemap.rst */
#define ENTRY_PRESENT   (1ULL << 63)
#define ENTRY_SWAPPED   (1ULL << 62)
#define ENTRY_FILE      (1ULL << 61)
#define ENTRY_EXCLUSIVE (1ULL << 56)
#define ENTRY_GUARD     (1ULL << 58)    /* Linux 6.15: the marker of MADV_GUARD_INSTALL, which else looks swapped */

long pages_scan_anonymous(int fd, uint64_t *next, uint64_t end, bool files, struct page_region *regions, uint32_t room)
{
	const uint64_t not_these = SCAN_ZERO | (files ? SCAN_FILE : 0);
	struct scan_request request = {
		.size = sizeof(request), .start = *next, .end = end, .vec = (uint64_t)regions, .vec_len = room,
		.category_inverted = not_these, .category_mask = not_these,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED, .return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	long found;

	sys_touch(regions, room * sizeof(regions[0]));
	found = sys_call3(SYS_ioctl, fd, SCAN_REQUEST, &request);

	if (!sys_failed(found))
		*next = request.walk_end > *next ? request.walk_end : end;
	for (long i = 0; i < found; i++)
		regions[i].categories = (regions[i].categories & SCAN_PRESENT ? PAGES_RESIDENT : 0U) |
					(regions[i].categories & SCAN_SWAPPED ? PAGES_SWAPPED : 0U);
	return found;
}

long pages_scan_watched(int fd, uint64_t *next, uint64_t end, enum pages_watched which, bool files, struct page_region *regions,
			uint32_t room)
{
	const uint64_t not_these = SCAN_ZERO | (files ? SCAN_FILE : 0);
	struct scan_request request = {
		.size = sizeof(request), .flags = which == PAGES_PROTECT ? SCAN_PROTECT_MATCHING : 0, .start = *next, .end = end,
		.vec = (uint64_t)regions, .vec_len = room,
		.category_inverted = not_these,
		.category_mask = not_these | SCAN_WATCHED | (which == PAGES_ONLY_WRITTEN ? SCAN_WRITTEN : 0),
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_WRITTEN | SCAN_HUGE,
	};
	long found;

	sys_touch(regions, room * sizeof(regions[0]));
	found = sys_call3(SYS_ioctl, fd, SCAN_REQUEST, &request);

	if (!sys_failed(found))
		*next = request.walk_end > *next ? request.walk_end : end;
	for (long i = 0; i < found; i++)
		regions[i].categories = (regions[i].categories & SCAN_PRESENT ? PAGES_RESIDENT : 0U) |
					(regions[i].categories & SCAN_WRITTEN ? PAGES_WRITTEN : 0U) |
					(regions[i].categories & SCAN_HUGE ? PAGES_HUGE : 0U);
	return found;
}

bool pages_are_watched(int fd, uint64_t start, uint64_t end)
{
	struct page_region region;
	struct scan_request request = {
		.size = sizeof(request), .start = start, .end = end, .vec = (uint64_t)&region, .vec_len = 1, .max_pages = 1,
		.category_mask = SCAN_WATCHED, .return_mask = SCAN_WATCHED,
	};

	return sys_call3(SYS_ioctl, fd, SCAN_REQUEST, &request) == 1;
}

bool pages_entry_is_anonymous(uint64_t entry)
{
	return entry & ENTRY_PRESENT && !(entry & ENTRY_FILE);
}

bool pages_entry_is_shared(uint64_t entry)
{
	return !(entry & ENTRY_EXCLUSIVE);
}

void pages_open(struct pages *pages, int pid, bool self)
{
	pages->fd = -1;
	pages->pid = pid;
	pages->self = self;
	pages->opened = pages->no_guards = false;
	pages->source = PAGES_BY_SCAN;
}

void pages_close(struct pages *pages)
{
	if (pages->fd >= 0)
		sys_close(pages->fd);
	pages->fd = -1;
}

static void open_pagemap(struct pages *pages)
{
	pages->opened = true;
	pages->fd = proc_open(pages->self ? 0 : pages->pid, "pagemap");
	if (pages->fd < 0)
		pages->source = pages->self ? PAGES_BY_MINCORE : PAGES_BY_NOTHING;
}

void pages_begin(struct pages *pages, uint64_t start, uint64_t end, bool want_shared)
{
	pages->next = start;
	pages->end = end;
	pages->want_shared = want_shared;
	pages->regions = pages->region = 0;
	pages->entries_at = 0;
}

/* Fills buffer with the regions from next on. False: this source cannot. */
static bool fill_by_scan(struct pages *pages)
{
	struct scan_request request = {
		.size = sizeof(request), .start = pages->next, .end = pages->end,
		.vec = (uint64_t)pages->buffer, .vec_len = sizeof(pages->buffer) / sizeof(pages->buffer[0]),
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO | SCAN_HUGE,
	};
	long found;

	if (!pages->no_guards)
		request.return_mask |= SCAN_GUARD;
	sys_touch(pages->buffer, sizeof(pages->buffer));
	found = sys_call3(SYS_ioctl, pages->fd, SCAN_REQUEST, &request);
	if (found == -EINVAL && !pages->no_guards) { /* a kernel that does not tell them */
		pages->no_guards = true;
		request.return_mask &= ~(uint64_t)SCAN_GUARD;
		found = sys_call3(SYS_ioctl, pages->fd, SCAN_REQUEST, &request);
	}
	if (sys_failed(found))
		return false;
	pages->regions = (uint32_t)found;
	pages->region = 0;
	pages->next = request.walk_end > pages->next ? request.walk_end : pages->end;
	return true;
}

/* The pagemap entry of a page; entries are read in batches. False: unreadable. */
static bool entry_of(struct pages *pages, uint64_t address, uint64_t *entry)
{
	const uint64_t room = sizeof(pages->entry) / sizeof(pages->entry[0]);

	if (!pages->entries_at || address < pages->entries_at || address >= pages->entries_at + pages->entries * PAGE_BYTES) {
		uint64_t wanted = min_u64(room, (pages->end - address) / PAGE_BYTES);
		long got = sys_pread(pages->fd, pages->entry, wanted * sizeof(*entry), address / PAGE_BYTES * sizeof(*entry));

		if (got < (long)sizeof(*entry))
			return false;
		pages->entries_at = address;
		pages->entries = (uint32_t)((uint64_t)got / sizeof(*entry));
	}
	*entry = pages->entry[(address - pages->entries_at) / PAGE_BYTES];
	return true;
}

/* Appends a page to the regions; false when it needs a new region and there is no room. */
static bool append(struct pages *pages, uint64_t address, uint64_t categories)
{
	struct page_region *last = pages->regions ? &pages->buffer[pages->regions - 1] : NULL;

	if (!categories)
		return true;
	if (last && last->end == address && last->categories == categories) {
		last->end += PAGE_BYTES;
		return true;
	}
	if (pages->regions == sizeof(pages->buffer) / sizeof(pages->buffer[0]))
		return false;
	pages->buffer[pages->regions++] = (struct page_region){ address, address + PAGE_BYTES, categories };
	return true;
}

static bool fill_by_pagemap(struct pages *pages)
{
	uint64_t entry;

	pages->regions = pages->region = 0;
	for (; pages->next < pages->end; pages->next += PAGE_BYTES) {
		if (!entry_of(pages, pages->next, &entry))
			return pages->regions > 0;
		if (!append(pages, pages->next, (entry & ENTRY_PRESENT ? SCAN_PRESENT : 0U) | (entry & ENTRY_SWAPPED && !(entry & ENTRY_GUARD) ? SCAN_SWAPPED : 0U)))
			break;
	}
	return true;
}

static bool fill_by_mincore(struct pages *pages)
{
	pages->regions = pages->region = 0;
	while (pages->next < pages->end) {
		uint64_t bytes = min_u64(pages->end - pages->next, sizeof(pages->core) * PAGE_BYTES);

		if (sys_failed(sys_call3(SYS_mincore, pages->next, bytes, pages->core)))
			return false;
		for (uint64_t i = 0; i < bytes / PAGE_BYTES; i++, pages->next += PAGE_BYTES)
			if (!append(pages, pages->next, pages->core[i] & 1 ? SCAN_PRESENT : 0))
				return true;
	}
	return true;
}

static bool fill(struct pages *pages)
{
	if (!pages->opened)
		open_pagemap(pages);
	for (; pages->source != PAGES_BY_NOTHING; pages->source++) {
		bool filled = pages->source == PAGES_BY_SCAN ? fill_by_scan(pages) :
			      pages->source == PAGES_BY_PAGEMAP ? fill_by_pagemap(pages) :
			      pages->self && fill_by_mincore(pages);

		if (filled)
			return true;
	}
	return false;
}

/* Cuts a run where sharing changes. */
static void cut_at_sharing(struct pages *pages, struct page_run *run)
{
	uint64_t entry, address = run->start;
	bool shared = false;

	for (; address < run->end; address += PAGE_BYTES) {
		bool now = entry_of(pages, address, &entry) && !(entry & ENTRY_EXCLUSIVE);

		if (address != run->start && now != shared)
			break;
		shared = now;
	}
	run->end = address;
	if (shared)
		run->flags |= PAGES_SHARED;
}

bool pages_next(struct pages *pages, struct page_run *run)
{
	struct page_region *region;

	do {
		while (pages->region == pages->regions)
			if (pages->next >= pages->end || !fill(pages))
				return false;
		region = &pages->buffer[pages->region];
		run->start = region->start;
		run->end = region->end;
		run->flags = (region->categories & SCAN_PRESENT && !(region->categories & SCAN_ZERO) ? PAGES_RESIDENT : 0U) |
			     (region->categories & SCAN_SWAPPED && !(region->categories & SCAN_GUARD) ? PAGES_SWAPPED : 0U) | (region->categories & SCAN_HUGE ? PAGES_HUGE : 0U);
		if (pages->want_shared && pages->fd >= 0 && run->flags & PAGES_RESIDENT)
			cut_at_sharing(pages, run);
		region->start = run->end;
		if (region->start == region->end)
			pages->region++;
	} while (!(run->flags & (PAGES_RESIDENT | PAGES_SWAPPED)));
	return true;
}
