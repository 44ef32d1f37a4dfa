/* SPDX-License-Identifier: MIT */
/*
 * Memory that a process shared with a relative and is about to unmap, to move away or to give back: what is there later
 * is not what was there. How much of it had been written is known only now.
 */
#include "cow_internal.h"

#include "instrument.h"
#include "signals.h"

bool cow_watches(void)
{
	return cow_birth.known || cow_window()->open;
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
static void log_left(uint64_t start, uint64_t end)
{
	uint64_t number = capture->cow.lefts;

	capture->cow.left[number % CAPTURE_LEFTS] = (struct capture_left){ sys_now_ns(CLOCK_MONOTONIC), start, end };
	__atomic_store_n(&capture->cow.lefts, number + 1, __ATOMIC_RELEASE);
}

static void leave(uint64_t start, uint64_t end, bool moved)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);
	int pagemap;

	if (!of_birth && !of_window)
		return;
	pagemap = proc_open(0, "pagemap");
	cow_window_note_written(pagemap, start, end, &cow_windows.written_before);
	if (pagemap >= 0)
		sys_close(pagemap);
	if (moved)
		note_moved(start, end);
	if (of_birth)
		cow_birth_leave(start, end);
	if (of_window)
		cow_window_leave(start, end);
	log_left(start, end);
}

static void left(uint64_t start, uint64_t end, bool moved)
{
	if (likely(!cow_watches()) || instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	signals_block();
	cow_lock();
	leave(start, end, moved);
	cow_unlock();
	signals_restore();
}

void cow_left(uint64_t start, uint64_t end)
{
	left(start, end, false);
}

void cow_moved(uint64_t start, uint64_t end)
{
	left(start, end, true);
}

void cow_trimmed(void)
{
	if (!cow_watches())
		return;
	__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
	__atomic_store_n(&cow_birth.unseen, true, __ATOMIC_RELAXED);
}
