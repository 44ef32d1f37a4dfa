/* SPDX-License-Identifier: MIT */
/*
 * The heap's part of the last look, page by page: in the bits of HEAP_OF the row that most of a page's bytes are in,
 * as the ledger tells it while it walks over a segment; and what the runs and the scans tell of the page.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"
#include "ranges.h"

enum {
	HEAP_OF = 3, HEAP_LIVE = 1, HEAP_SLACK = 2,
	HEAP_THERE = 4, HEAP_SHARED = 8, HEAP_WATCHED = 16,
};

static struct {
	uint8_t *bits;                  /* a byte for each page of the segment at hand */
	uint64_t room;                  /* pages */
	uint64_t start, end;            /* of the segment; the same: there is no room for it */
} heap;

void cow_heap_open(void)
{
	uint64_t mapped = 0, resident;

	heap.room = 0;
	if (!snapshot_read_statm(&mapped, &resident))
		return;
	heap.bits = sys_reserve(page_up(mapped / PAGE_BYTES));
	if (!heap.bits)
		return;
	heap.room = mapped / PAGE_BYTES;
	ranges_claim_instrument((uint64_t)heap.bits, (uint64_t)heap.bits + page_up(heap.room));
}

void cow_heap_close(void)
{
	if (!heap.room)
		return;
	ranges_drop((uint64_t)heap.bits, (uint64_t)heap.bits + page_up(heap.room));
	sys_unmap(heap.bits, page_up(heap.room));
}

void cow_heap_begin(uint64_t start, uint64_t end)
{
	uint64_t pages = (end - start) / PAGE_BYTES;

	heap.start = start;
	heap.end = pages <= heap.room ? end : start;
	if (pages > heap.room) /* it has grown meanwhile */
		cow_look.seen.heap_split = 0;
	else
		memset(heap.bits, 0, pages);
}

static void mark(uint64_t start, uint64_t end, uint8_t bits)
{
	for (uint64_t page = max_u64(start, heap.start); page < min_u64(end, heap.end); page += PAGE_BYTES)
		heap.bits[(page - heap.start) / PAGE_BYTES] |= bits;
}

void cow_heap_run(uint64_t start, uint64_t end, uint32_t flags)
{
	if (flags & PAGES_RESIDENT)
		mark(start, end, HEAP_THERE | (flags & PAGES_SHARED ? HEAP_SHARED : 0));
}

void cow_heap_pages(uint64_t page, uint64_t pages, uint64_t requested, uint64_t slack)
{
	uint64_t unused = PAGE_BYTES - requested - slack;

	if (requested >= slack && requested >= unused)
		mark(page, page + pages * PAGE_BYTES, HEAP_LIVE);
	else if (slack >= unused)
		mark(page, page + pages * PAGE_BYTES, HEAP_SLACK);
}

static void mark_watched(void)
{
	struct page_region *regions = cow_scratch.regions;
	uint64_t start = heap.start;

	while (start < heap.end && cow_look.registered && !cow_look.failed) {
		long found = pages_scan_watched(cow_look.pagemap, &start, heap.end, PAGES_ALL, false, regions,
						COW_REGIONS);

		cow_look.failed = found < 0;
		for (long i = 0; i < found; i++)
			mark(regions[i].start, regions[i].end, HEAP_WATCHED);
	}
}

static void sort(void *context, uint64_t start, uint64_t end, unsigned flags)
{
	static const enum capture_row rows[] = { ROW_HEAP_FREE, ROW_HEAP_LIVE, ROW_HEAP_SLACK, ROW_HEAP_LIVE };
	const uint8_t there = HEAP_THERE | (cow_look.registered ? HEAP_WATCHED : 0);
	struct capture_cow_row *whole = context;

	if (flags & RUN_SETTLED)
		return;
	for (uint64_t page = start; page < end; page += PAGE_BYTES) {
		uint8_t bits = heap.bits[(page - heap.start) / PAGE_BYTES];
		struct capture_cow_row page_alone = { .written_pages = (flags & RUN_WRITTEN) != 0 };

		cow_look_count(&page_alone, 1, flags, flags & RUN_LEFT || (bits & there) != there ? COW_GONE :
			       bits & HEAP_SHARED ? COW_SHARED : COW_ALONE);
		cow_look_add(&cow_look.seen.rows[rows[bits & HEAP_OF]], &page_alone);
		cow_look_add(whole, &page_alone);
	}
}

bool cow_heap_is_at(uint64_t start, uint64_t end)
{
	return start == heap.start && end == heap.end;
}

void cow_heap_sort(struct capture_cow_row *whole)
{
	struct page_runs runs = cow_birth_runs();

	mark_watched();
	run_flags_within(&cow_birth.flags, &runs, heap.start, heap.end, sort, whole);
}
