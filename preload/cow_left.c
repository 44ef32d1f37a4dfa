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

	if (cow_birth.known)
		run_flags_within(&cow_birth.flags, &runs, start, end, count_there, &cow->left_pages);
	cow->left[cow->lefts_noted % CAPTURE_LEFTS] = (struct capture_left){
		sys_now_ns(CLOCK_MONOTONIC), start, end, (uint32_t)cow->own_forks, moved,
	};
	__atomic_store_n(&cow->lefts_noted, cow->lefts_noted + 1, __ATOMIC_RELEASE);
}

static void leave(uint64_t start, uint64_t end, bool moved)
{
	bool of_birth = cow_birth_holds(start, end), of_window = cow_window_holds(start, end);
	int pagemap;

	if (!of_birth && !of_window)
		return;
	note_left(start, end, moved);
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
	__atomic_store_n(&capture->cow.lefts, capture->cow.lefts + 1, __ATOMIC_RELEASE);
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

/* Since the last fork, another block that lay there has been freed before. */
static bool is_noted(uint64_t start, uint64_t end)
{
	const struct capture_cow *cow = &capture->cow;
	const uint64_t from = cow->lefts_noted > CAPTURE_LEFTS ? cow->lefts_noted - CAPTURE_LEFTS : 0;

	for (uint64_t i = from; i < cow->lefts_noted; i++) {
		const struct capture_left *left = &cow->left[i % CAPTURE_LEFTS];

		if (left->forks == (uint32_t)cow->own_forks && left->start <= start && left->end >= end)
			return true;
	}
	return false;
}

/* What is mapped there next is not watched, which tells it from what was inherited: it need only be noted when that went. */
void cow_block_left(uint64_t start, uint64_t end)
{
	if (likely(!cow_watches()) || instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	signals_block();
	cow_lock();
	if (!is_noted(start, end) && (cow_birth_holds(start, end) || cow_window_holds(start, end)))
		note_left(start, end, false);
	cow_unlock();
	signals_restore();
}

void cow_trimmed(void)
{
	if (!cow_watches())
		return;
	__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
	__atomic_store_n(&cow_birth.unseen, true, __ATOMIC_RELAXED);
}
