/* SPDX-License-Identifier: MIT */
/*
 * Looks: what has become of the pages that were inherited, row by row. At the end the ledger of that moment tells
 * most of it; before, each of them is looked at.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"
#include "ledger_internal.h"
#include "write_protect.h"

#define LOOK_NS    50000000ULL          /* at least between two looks at a living child's pages, … */
#define LOOK_SHARE 200                  /* … which may take 1/200 of its time */

struct cow_look cow_look;

static uint64_t due_ns;                 /* the next look */

void cow_looks_forked(void)
{
	due_ns = sys_now_ns(CLOCK_MONOTONIC) + LOOK_NS;
}

static bool look_begins(void)
{
	struct page_runs runs = cow_birth_runs();

	memset(&cow_look.seen, 0, sizeof(cow_look.seen));
	cow_regions_begin();
	cow_windows_expect_merging();
	if (cow_birth_is_watched() && !run_flags_make(&cow_birth.flags, &runs)) /* nothing is mapped during a ledger */
		cow_birth.unseen = true;
	cow_look.pagemap = proc_open(0, "pagemap");
	cow_look.failed = cow_look.pagemap < 0 && capture->cow.method != COW_SMAPS;
	cow_look.registered = cow_birth.known && cow_birth.watched && write_protect_stands(cow_look.pagemap);
	if (cow_birth_is_watched() && !cow_look.registered)
		cow_birth.unseen = true;
	return !cow_look.failed;
}

/* What was written is known of all that was inherited, or of nothing. */
static void sum_written(void)
{
	struct page_runs runs = cow_birth_runs();
	uint64_t in_rows = 0, all;

	for (size_t i = 0; i < CAPTURE_ROWS && cow_birth.known; i++)
		cow_look_add(&cow_look.seen.rows[i], &cow_birth.unmapped[i]);
	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		struct capture_cow_row *row = &cow_look.seen.rows[i];

		in_rows += row->written_pages;
		if (!cow_birth_is_watched()) {
			row->written_pages = CAPTURE_UNKNOWN;
			row->written_gone_pages = 0;
		}
	}
	all = cow_birth_is_watched() ? run_flags_count(&cow_birth.flags, &runs, RUN_WRITTEN) : 0;
	cow_look.seen.written_unmapped_pages = all > in_rows ? all - in_rows : 0;
}

/* Over all rows, and with what is in none. */
static struct capture_cow_row sum_rows(void)
{
	struct capture_cow_row sum = { 0 };
	uint64_t unmapped;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		cow_look_add(&sum, &cow_look.seen.rows[row]);
	unmapped = capture->cow.inherited_pages - sum.inherited_pages;
	sum.inherited_pages += unmapped;
	sum.gone_pages += unmapped;
	sum.written_gone_pages += cow_look.seen.written_unmapped_pages;
	if (sum.written_pages != CAPTURE_UNKNOWN)
		sum.written_pages += cow_look.seen.written_unmapped_pages;
	return sum;
}

static void look_ends(bool good, bool last)
{
	cow_look.seen.looked_at_ns = sys_now_ns(CLOCK_MONOTONIC);
	sum_written();
	if (good && !cow_look.failed) { /* whoever is killed in between has none: that is better than half of one */
		__atomic_store_n(&capture->cow.looked, 0, __ATOMIC_RELEASE);
		memcpy(capture->cow.rows, cow_look.seen.rows, sizeof(cow_look.seen.rows));
		capture->cow.written_unmapped_pages = cow_look.seen.written_unmapped_pages;
		capture->cow.heap_split = cow_look.seen.heap_split;
		capture->cow.looked_at_ns = cow_look.seen.looked_at_ns;
		__atomic_store_n(&capture->cow.looked, 1, __ATOMIC_RELEASE);
		if (cow_birth.known) {
			struct capture_cow_row sum = sum_rows();

			cow_course_note(cow_look.seen.looked_at_ns, &sum, last);
		}
	}
	if (cow_look.pagemap >= 0)
		sys_close(cow_look.pagemap);
}

static struct capture_cow_row *row_at(enum capture_row row)
{
	return &cow_look.seen.rows[row == ROW_HEAP_FREE ? ROW_HEAP_LIVE : row];
}

void cow_look_add(struct capture_cow_row *sum, const struct capture_cow_row *pages)
{
	sum->inherited_pages += pages->inherited_pages;
	sum->shared_pages += pages->shared_pages;
	sum->unshared_pages += pages->unshared_pages;
	sum->gone_pages += pages->gone_pages;
	sum->written_gone_pages += pages->written_gone_pages;
	if (sum->written_pages == CAPTURE_UNKNOWN || pages->written_pages == CAPTURE_UNKNOWN)
		sum->written_pages = CAPTURE_UNKNOWN;
	else
		sum->written_pages += pages->written_pages;
}

void cow_look_count(struct capture_cow_row *row, uint64_t pages, unsigned flags, enum cow_fate fate)
{
	row->inherited_pages += pages;
	if (fate == COW_GONE)
		row->gone_pages += pages;
	else if (fate == COW_SHARED)
		row->shared_pages += pages;
	else
		row->unshared_pages += pages;
	if (fate == COW_GONE && flags & RUN_WRITTEN)
		row->written_gone_pages += pages;
}

static void count_written(void *row, uint64_t start, uint64_t end, unsigned flags)
{
	if (flags & RUN_WRITTEN && !(flags & RUN_SETTLED))
		((struct capture_cow_row *)row)->written_pages += (end - start) / PAGE_BYTES;
}

static void find_written(uint64_t start, uint64_t end)
{
	uint64_t of_window = 0;

	if (cow_birth_is_watched())
		cow_window_note_written(cow_look.pagemap, start, end, &of_window);
}

/* After the pages were looked at, lest they look unshared without having been written. */
static void add_written(struct capture_cow_row *row, uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();

	find_written(start, end);
	run_flags_within(&cow_birth.flags, &runs, start, end, count_written, row);
}

/* Page by page. */
static void look_at(void *context, uint64_t start, uint64_t end, unsigned flags)
{
	struct capture_cow_row *row = context;
	uint64_t *entries = cow_scratch.entries;

	if (flags & RUN_SETTLED)
		return;
	if (flags & RUN_LEFT) {
		cow_look_count(row, (end - start) / PAGE_BYTES, flags, COW_GONE);
		return;
	}
	while (start < end && !cow_look.failed) {
		uint64_t wanted = min_u64(COW_ENTRIES, (end - start) / PAGE_BYTES);
		long got = sys_pread(cow_look.pagemap, entries, wanted * sizeof(entries[0]),
				     start / PAGE_BYTES * sizeof(entries[0]));

		cow_look.failed = got != (long)(wanted * sizeof(entries[0]));
		for (uint64_t i = 0; i < wanted && !cow_look.failed; i++)
			cow_look_count(row, 1, flags, !pages_entry_is_anonymous(entries[i]) ? COW_GONE :
				       pages_entry_is_shared(entries[i]) ? COW_SHARED : COW_ALONE);
		start += wanted * PAGE_BYTES;
	}
}

static void look_at_part(void *unused, uint64_t start, uint64_t end, enum capture_row row, enum ledger_backing backing)
{
	struct page_runs runs = cow_birth_runs();
	struct capture_cow_row pages = { 0 };

	(void)unused;
	(void)backing;
	run_flags_within(&cow_birth.flags, &runs, start, end, look_at, &pages);
	add_written(&pages, start, end);
	cow_look_add(row_at(row), &pages);
	cow_regions_add(start, end, row, &pages);
}

void cow_tick(uint64_t now)
{
	uint64_t due = __atomic_load_n(&due_ns, __ATOMIC_RELAXED), spent;

	if (likely(!cow_birth.known) || now < due ||
	    !__atomic_compare_exchange_n(&due_ns, &due, UINT64_MAX, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	if (cow_try_lock()) {
		if (look_begins())
			look_ends(!ledger_claims(capture, 0, look_at_part, NULL), false);
		cow_note_written();
		cow_unlock();
	}
	spent = sys_now_ns(CLOCK_MONOTONIC) - now;
	__atomic_store_n(&due_ns, now + spent + max_u64(LOOK_NS, spent * LOOK_SHARE), __ATOMIC_RELAXED);
}

/*
 * By the ledger. Of anonymous memory smaps has counted what is shared: of what was inherited, that is all of it,
 * unless this process has forked.
 */

static void count_mapped(void *pages, uint64_t start, uint64_t end, unsigned flags)
{
	if (!(flags & RUN_SETTLED))
		*(uint64_t *)pages += (end - start) / PAGE_BYTES;
}

struct there { uint64_t pages, written; };

static void count_there(void *context, uint64_t start, uint64_t end, unsigned flags)
{
	struct there *there = context;

	if (flags & RUN_LEFT)
		return;
	there->pages += (end - start) / PAGE_BYTES;
	if (flags & RUN_WRITTEN)
		there->written += (end - start) / PAGE_BYTES;
}

/*
 * Pages of a part that were inherited and are still there. What libc has unmapped and mapped again at the same place,
 * unseen, is in a mapping that nobody watches.
 */
static struct there find_there(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();
	struct page_region *regions = cow_scratch.regions;
	struct there there = { 0 };

	while (start < end && !cow_look.failed) {
		long found = cow_look.registered ?
			pages_scan_watched(cow_look.pagemap, &start, end, PAGES_ALL, false, regions, COW_REGIONS) :
			pages_scan_anonymous(cow_look.pagemap, &start, end, false, regions, COW_REGIONS);

		cow_look.failed = found < 0;
		for (long i = 0; i < found; i++)
			if (regions[i].categories & PAGES_RESIDENT)
				run_flags_within(&cow_birth.flags, &runs, regions[i].start, regions[i].end, count_there,
						 &there);
	}
	return there;
}

/*
 * A part of anonymous memory of which smaps has counted what is shared. A page that is shared still has not been written:
 * where as many are as were inherited, no page needs to be looked at.
 */
static void sort_part(struct capture_cow_row *row, uint64_t start, uint64_t end, uint64_t inherited, uint64_t shared)
{
	struct page_runs runs = cow_birth_runs();
	struct capture_cow_row before = { 0 };
	struct there there;

	if (shared == inherited) {
		row->inherited_pages = row->shared_pages = shared;
		return;
	}
	run_flags_within(&cow_birth.flags, &runs, start, end, count_written, &before);
	there = find_there(start, end);
	row->inherited_pages = inherited;
	row->gone_pages = inherited - there.pages;
	row->shared_pages = min_u64(there.pages, shared);
	row->unshared_pages = there.pages - row->shared_pages;
	row->written_gone_pages = before.written_pages - there.written;
	add_written(row, start, end);
}

static void ledger_begins(void)
{
	memset(&cow_look.seen, 0, sizeof(cow_look.seen));
	cow_regions_begin();
	cow_look.seen.heap_split = capture->cow.method != COW_SMAPS;
}

/* All that was inherited is a number; what is shared now was inherited, if this process has not forked. */
static void part_of_total(enum capture_row number, const struct capture_amounts *amounts)
{
	struct capture_cow_row *row = row_at(number);

	if (!amounts || cow_own_forks || number == ROW_KERNEL)
		return;
	if (amounts->shared_bytes == CAPTURE_UNKNOWN) {
		cow_look.failed = true;
		return;
	}
	row->inherited_pages += amounts->shared_bytes / PAGE_BYTES;
	row->shared_pages += amounts->shared_bytes / PAGE_BYTES;
}

static void part_of_ledger(uint64_t start, uint64_t end, enum capture_row number, const struct capture_amounts *amounts)
{
	struct page_runs runs = cow_birth_runs();
	struct capture_cow_row pages = { 0 };
	uint64_t inherited = 0;

	if (capture->cow.method == COW_SMAPS) {
		part_of_total(number, amounts);
		return;
	}
	run_flags_within(&cow_birth.flags, &runs, start, end, count_mapped, &inherited);
	if (!inherited)
		return;
	if (number == ROW_HEAP_FREE && cow_heap_is_at(start, end)) {
		find_written(start, end);
		cow_heap_sort(&pages);
		cow_regions_add(start, end, number, &pages);
		return;
	}
	if (!amounts || amounts->shared_bytes == CAPTURE_UNKNOWN || cow_own_forks || cow_tier == TIER_PAGEMAP) {
		run_flags_within(&cow_birth.flags, &runs, start, end, look_at, &pages);
		add_written(&pages, start, end);
	} else {
		sort_part(&pages, start, end, inherited, amounts->shared_bytes / PAGE_BYTES);
	}
	cow_look_add(row_at(number), &pages);
	cow_regions_add(start, end, number, &pages);
}

static struct ledger_observer observer = {
	.begin = ledger_begins, .part = part_of_ledger,
	.heap_begin = cow_heap_begin, .heap_run = cow_heap_run, .heap_pages = cow_heap_pages,
};

bool cow_last_look_begins(void)
{
	if ((!cow_birth.known && capture->cow.method != COW_SMAPS) || !look_begins())
		return false;
	cow_heap_open();
	observer.tid = sys_gettid();
	ledger_observer = &observer;
	return true;
}

bool cow_last_look_ends(bool taken)
{
	struct page_runs runs = cow_birth_runs();

	ledger_observer = NULL;
	cow_heap_close();
	look_ends(taken, true);
	if (!taken || cow_look.failed || !cow_birth_is_watched() || cow_own_forks || capture->cow.unasked_pages)
		return false;
	/* The window that is began with the birth: all that was written in it has been found. */
	__atomic_store_n(&capture->cow.written_pages, run_flags_count(&cow_birth.flags, &runs, RUN_WRITTEN),
			 __ATOMIC_RELAXED);
	return true;
}
