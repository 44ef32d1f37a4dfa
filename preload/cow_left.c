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
}

static void note_written(uint64_t start, uint64_t end, uint64_t *of_window)
{
	int pagemap = proc_open(0, "pagemap");

	cow_window_note_written(pagemap, start, end, of_window);
	if (pagemap >= 0)
		sys_close(pagemap);
}

static void count_there(void *pages, uint64_t start, uint64_t end, unsigned flags)
{
	if (!(flags & RUN_LEFT))
		*(uint64_t *)pages += (end - start) / PAGE_BYTES;
}

/* For whoever puts what the family does in order. */
static void note_left(uint64_t start, uint64_t end, bool moved)
{
	struct capture_cow *cow = &capture->cow;
	struct page_runs runs = cow_birth_runs();
	uint64_t number = cow->lefts_noted;

	if (cow_birth.known)
		run_flags_within(&cow_birth.flags, &runs, start, end, count_there, &cow->left_pages);
	cow->left[number % CAPTURE_LEFTS] = (struct capture_left){ sys_now_ns(CLOCK_MONOTONIC), start, end, moved };
	__atomic_store_n(&cow->lefts_noted, number + 1, __ATOMIC_RELEASE);
}

enum departure { MAY_LEAVE, LEAVES, MOVES, HAS_LEFT };

/*
 * How much had been written is counted when it leaves; of what may leave, only the flags are set, and the count has a
 * gap if it does.
 */
static void leave(uint64_t start, uint64_t end, enum departure how)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);
	uint64_t written = 0;

	if (!of_birth && !of_window)
		return;
	if (how != HAS_LEFT)
		note_written(start, end, &written);
	if (how == MAY_LEAVE)
		return;
	note_left(start, end, how == MOVES);
	cow_windows.written_before += written;
	cow_windows.gaps |= of_window && how != LEAVES;
	if (how == MOVES)
		note_moved(start, end);
	if (of_birth)
		cow_birth_leave(start, end);
	if (of_window)
		cow_window_leave(start, end);
	if (cow_has_children())
		__atomic_store_n(&capture->cow.lefts, capture->cow.lefts + 1, __ATOMIC_RELEASE);
}

static void departs(uint64_t start, uint64_t end, enum departure how)
{
	if (likely(!cow_watches()) || instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	signals_block();
	cow_lock();
	leave(start, end, how);
	cow_unlock();
	signals_restore();
}

void cow_left(uint64_t start, uint64_t end)
{
	departs(start, end, LEAVES);
}

void cow_moved(uint64_t start, uint64_t end)
{
	departs(start, end, MOVES);
}

void cow_may_leave(uint64_t start, uint64_t end)
{
	departs(start, end, MAY_LEAVE);
}

void cow_has_left(uint64_t start, uint64_t end)
{
	departs(start, end, HAS_LEFT);
}

void cow_trimmed(void)
{
	if (!cow_watches())
		return;
	__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
	__atomic_store_n(&cow_birth.unseen, true, __ATOMIC_RELAXED);
}
