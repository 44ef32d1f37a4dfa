/* SPDX-License-Identifier: MIT */
/*
 * Memory that a process shared with a relative and is about to unmap, to move away or to give back: what is there later
 * is not what was there. How much of it had been written is known only now, and whose mapping it was.
 */
#include "cow_internal.h"

#include "instrument.h"
#include "ledger_internal.h"
#include "signals.h"

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

static void count_left(uint64_t start, uint64_t end)
{
	struct page_runs runs = cow_birth_runs();

	if (cow_birth.known)
		run_flags_within(&cow_birth.flags, &runs, start, end, count_there, &capture->cow.left_pages);
}

/* For whoever puts what the family does in order. */
static void note_left(uint64_t start, uint64_t end, bool moved)
{
	struct capture_cow *cow = &capture->cow;
	uint64_t number = cow->lefts_noted;

	cow->left[number % CAPTURE_LEFTS] = (struct capture_left){ sys_now_ns(CLOCK_MONOTONIC), start, end, moved };
	__atomic_store_n(&cow->lefts_noted, number + 1, __ATOMIC_RELEASE);
}

enum departure { LEAVES, MOVES, GIVEN_BACK, HEAP_LEAVES, HEAP_MAY_LEAVE, HEAP_HAS_LEFT, HEAP_HAS_MOVED };

static bool is_of_heap(enum departure how)
{
	return how >= HEAP_LEAVES;
}

static bool is_moved(enum departure how)
{
	return how == MOVES || how == HEAP_HAS_MOVED;
}

/* Written since it was looked at, perhaps, or later, where nobody watches. */
static bool leaves_gaps(enum departure how)
{
	return how == HEAP_HAS_LEFT || is_moved(how);
}

/* Whose it was. Of memory that is in no range, libc or the loader knows, and only the ledger asks them. */
static void settle(uint64_t start, uint64_t end, enum departure how)
{
	struct range range;

	if (is_of_heap(how)) {
		cow_birth_settle(start, end, ROW_HEAP_FREE);
		return;
	}
	while (start < end && ranges_find(start, &range) && range.start < end) {
		cow_birth_settle(max_u64(start, range.start), min_u64(end, range.end), ledger_row_of(range.kind));
		start = range.end;
	}
}

/*
 * How much had been written is counted when it leaves; of what may leave, only the flags are set, and the count has a
 * gap if it does. What a window held that is closed is only noted.
 */
static void leave_shared(uint64_t start, uint64_t end, enum departure how)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);
	uint64_t written = 0;

	if (!of_birth && !of_window)
		return;
	if (how != HEAP_HAS_LEFT && how != HEAP_HAS_MOVED)
		note_written(start, end, &written);
	if (how == HEAP_MAY_LEAVE)
		return;
	count_left(start, end);
	note_left(start, end, is_moved(how));
	cow_windows.written_before += written;
	cow_windows.gaps |= of_window && cow_window()->open && leaves_gaps(how);
	if (is_moved(how))
		note_moved(start, end);
	if (of_birth)
		cow_birth_leave(start, end);
	if (of_window)
		cow_window_leave(start, end);
	if (cow_has_children())
		__atomic_store_n(&capture->cow.lefts, capture->cow.lefts + 1, __ATOMIC_RELEASE);
}

/* What is unmapped now may have been given back before. */
static void leave(uint64_t start, uint64_t end, enum departure how)
{
	leave_shared(start, end, how);
	if (cow_birth.known && how != GIVEN_BACK && how != HEAP_MAY_LEAVE)
		settle(start, end, how);
}

void cow_leave_unasked(uint64_t start, uint64_t end)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);

	count_left(start, end);
	cow_windows.gaps |= of_birth || of_window;
	if (of_birth)
		cow_birth_leave(start, end);
	if (of_window)
		cow_window_leave(start, end);
	if (cow_has_children())
		__atomic_store_n(&capture->cow.lefts, capture->cow.lefts + 1, __ATOMIC_RELEASE);
}

/* Where memory is given back again and again, asking what of it was written would be most of the cost. */
static void departs_unasked(uint64_t start, uint64_t end)
{
	if (cow_put_off(start, end))
		return;
	signals_block();
	cow_lock();
	if (cow_birth_holds(start, end) || cow_window_holds(start, end))
		cow_note_unasked(start, end);
	cow_unlock();
	signals_restore();
}

static void departs(uint64_t start, uint64_t end, enum departure how)
{
	uint64_t began_ns = 0;

	if (instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	if (likely(!cow_watches())) {
		if (cow_has_children() && how != HEAP_MAY_LEAVE)
			__atomic_fetch_add(&capture->cow.unlogged_pages, (end - start) / PAGE_BYTES, __ATOMIC_RELAXED);
		return;
	}
	if (how == GIVEN_BACK) {
		began_ns = cow_asking_begins();
		if (!began_ns) {
			departs_unasked(start, end);
			return;
		}
	}
	signals_block();
	cow_lock();
	leave(start, end, how);
	cow_unlock();
	signals_restore();
	if (began_ns)
		cow_asking_ends(began_ns);
}

void cow_left(uint64_t start, uint64_t end)
{
	departs(start, end, LEAVES);
}

void cow_moved(uint64_t start, uint64_t end)
{
	departs(start, end, MOVES);
}

void cow_given_back(uint64_t start, uint64_t end)
{
	departs(start, end, GIVEN_BACK);
}

void cow_heap_left(uint64_t start, uint64_t end)
{
	departs(start, end, HEAP_LEAVES);
}

void cow_heap_may_leave(uint64_t start, uint64_t end)
{
	departs(start, end, HEAP_MAY_LEAVE);
}

void cow_heap_has_left(uint64_t start, uint64_t end)
{
	departs(start, end, HEAP_HAS_LEFT);
}

void cow_heap_has_moved(uint64_t start, uint64_t end)
{
	departs(start, end, HEAP_HAS_MOVED);
}

void cow_trimmed(void)
{
	if (!cow_birth.known && !cow_window()->open)
		return;
	__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
	__atomic_store_n(&cow_birth.unseen, true, __ATOMIC_RELAXED);
}
