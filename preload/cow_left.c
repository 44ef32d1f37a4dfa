/* SPDX-License-Identifier: MIT */
/*
 * Memory that a process shared with a relative and is about to unmap, to move away or to give back: what is there later
 * is not what was there. How much of it had been written is known only now, and whose mapping it was.
 */
#include "cow_internal.h"

#include "instrument.h"
#include "ledger_internal.h"
#include "signals.h"

enum leaving { UNMAPPED, BLOCK_UNMAPPED /* libc's mapping of one block */, MOVED, GIVEN_BACK };

#define TRIMMED (1ULL << 32)            /* pages: more than any process has */

static uint64_t let_go;                 /* pages */

uint64_t cow_let_go(void)
{
	return __atomic_load_n(&let_go, __ATOMIC_RELAXED);
}

bool cow_watches(void)
{
	return cow_birth.known || cow_window()->open || cow_window()->closed;
}

static void count_untouched(void *pages, uint64_t start, uint64_t end, unsigned flags)
{
	if (!flags)
		*(uint64_t *)pages += (end - start) / PAGE_BYTES;
}

/* The kernel does not watch it at its new place. */
static void note_moved(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();

	if (cow_birth.known)
		run_flags_within(&cow_birth.flags, &runs, start, end, count_untouched, &capture->cow.moved_pages);
	cow_windows.gaps = true;
}

/* For the runner, who knows when relatives wrote to it. */
static void log_left(uint64_t start, uint64_t end, bool moved)
{
	uint64_t number = capture->cow.lefts;

	capture->cow.left[number % CAPTURE_LEFTS] =
		(struct capture_left){ sys_now_ns(CLOCK_MONOTONIC), start, end, moved };
	__atomic_store_n(&capture->cow.lefts, number + 1, __ATOMIC_RELEASE);
}

/* Whose it was. Of memory that is in no range, libc or the loader knows, and only the ledger asks them. */
static void settle(uint64_t start, uint64_t end, enum leaving how)
{
	struct range range;

	if (how == BLOCK_UNMAPPED) {
		cow_birth_settle(start, end, ROW_HEAP_FREE);
		return;
	}
	while (start < end && ranges_find(start, &range) && range.start < end) {
		cow_birth_settle(max_u64(start, range.start), min_u64(end, range.end), ledger_row_of(range.kind));
		start = range.end;
	}
}

static void leave_shared(uint64_t start, uint64_t end, enum leaving how)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);
	int pagemap;

	if (!of_birth && !of_window)
		return;
	pagemap = proc_open(0, "pagemap");
	cow_window_note_written(pagemap, start, end, &cow_windows.written_before);
	if (pagemap >= 0)
		sys_close(pagemap);
	if (how == MOVED)
		note_moved(start, end);
	if (of_birth)
		cow_birth_leave(start, end);
	if (of_window)
		cow_window_leave(start, end);
	log_left(start, end, how == MOVED);
}

/* What is unmapped now may have been given back before. */
static void leave(uint64_t start, uint64_t end, enum leaving how)
{
	leave_shared(start, end, how);
	if (cow_birth.known && how != GIVEN_BACK)
		settle(start, end, how);
}

static void left(uint64_t start, uint64_t end, enum leaving how)
{
	uint64_t pages;

	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	pages = (end - start) / PAGE_BYTES;
	__atomic_fetch_add(&let_go, pages, __ATOMIC_RELAXED);
	if (instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	if (likely(!cow_watches())) {
		if (cow_own_forks)
			__atomic_fetch_add(&capture->cow.unlogged_pages, pages, __ATOMIC_RELAXED);
		return;
	}
	signals_block();
	cow_lock();
	leave(start, end, how);
	cow_unlock();
	signals_restore();
}

void cow_left(uint64_t start, uint64_t end)
{
	left(start, end, UNMAPPED);
}

void cow_left_heap(uint64_t start, uint64_t end)
{
	left(start, end, BLOCK_UNMAPPED);
}

void cow_given_back(uint64_t start, uint64_t end)
{
	left(start, end, GIVEN_BACK);
}

void cow_moved(uint64_t start, uint64_t end)
{
	left(start, end, MOVED);
}

void cow_trimmed(void)
{
	__atomic_fetch_add(&let_go, TRIMMED, __ATOMIC_RELAXED);
	if (!cow_watches())
		return;
	__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
	__atomic_store_n(&cow_birth.unseen, true, __ATOMIC_RELAXED);
}
