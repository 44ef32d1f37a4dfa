/* SPDX-License-Identifier: MIT */
/*
 * Memory that a process shared with a relative and has unmapped, moved away or given back: what is there later is not
 * what was there.
 */
#include "cow_internal.h"

#include "instrument.h"
#include "signals.h"
#include "write_protect.h"

#define LEFT 64                         /* of what was left, the newest */

static uint64_t left[LEFT];             /* runs: a ring */

void cow_count_kept(void *context, uint64_t start, uint64_t end)
{
	struct cow_tally *tally = context;
	const uint64_t lefts = capture->cow.lefts, from = lefts > LEFT ? lefts - LEFT : 0;
	uint64_t next;

	while (start < end) {
		bool gone = false;

		next = end;
		for (uint64_t i = max_u64(from, tally->since); i < lefts; i++) {
			uint64_t run = left[i % LEFT];

			if (run_start(run) <= start && start < run_end(run)) {
				gone = true;
				next = min_u64(end, run_end(run));
				break;
			}
			if (run_start(run) > start)
				next = min_u64(next, run_start(run));
		}
		if (!gone)
			tally->pages += (next - start) / PAGE_BYTES;
		start = next;
	}
}

struct touch { bool any; };

static void touched(void *context, uint64_t start, uint64_t end)
{
	struct touch *touch = context;
	struct cow_tally tally = { .since = 0 };

	cow_count_kept(&tally, start, end);
	touch->any |= tally.pages != 0;
}

static bool holds_inherited(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs(), now = cow_window_runs(cow_window());
	struct touch touch = { false };

	if (cow_birth.known)
		page_runs_within(&runs, start, end, touched, &touch);
	if (cow_window()->open && !touch.any)
		page_runs_within(&now, start, end, touched, &touch);
	return touch.any;
}

static void log_left(uint64_t start, uint64_t end)
{
	uint64_t number = capture->cow.lefts;

	left[number % LEFT] = run_of(start, end);
	if (number - cow_window()->lefts >= LEFT) /* the first of this window is overwritten */
		cow_windows.gaps = true;
	__atomic_store_n(&capture->cow.lefts, number + 1, __ATOMIC_RELEASE);
}

bool cow_watches(void)
{
	return cow_birth.known || cow_window()->open;
}

void cow_left(uint64_t start, uint64_t end)
{
	int fd;

	if (likely(!cow_watches()) || instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	signals_block();
	cow_lock();
	if (holds_inherited(start, end)) {
		if (cow_window()->open) {
			fd = proc_open(0, "pagemap");
			if (fd < 0 || !write_protect_stands(fd) ||
			    !cow_window_count_written(fd, start, end, &cow_windows.written_before))
				cow_windows.gaps = true;
			if (fd >= 0)
				sys_close(fd);
		}
		log_left(start, end);
	}
	cow_unlock();
	signals_restore();
}

void cow_trimmed(void)
{
	if (cow_watches())
		__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
}
