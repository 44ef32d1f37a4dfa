/* SPDX-License-Identifier: MIT */
/*
 * A child may give memory back page by page, as Redis' does with each value that it has saved. To ask the kernel each
 * time whether the page had been written costs more than giving it back does, so that asking has a share of the
 * child's time. When that is used up, all memory is asked about at once, as often as the share allows, and what is
 * given back in between is put down here, without a system call or a lock, until somebody takes the lock anyway. Of
 * that, no more pages can have been written in between than there were page faults.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"

#define FREE_NS   20000000ULL           /* this much asking is always granted, … */
#define ASK_SHARE 200                   /* … and 1/200 of the time since the image began */
#define PENDING   256

enum { VACANT, TAKEN }; /* instead of a start */

static struct { uint64_t start, end; } pending[PENDING];
static uint32_t next;                   /* slot to try */
static uint32_t any;
static uint64_t spent_ns;
static bool     refused;                /* the share has been used up once */
static uint64_t pages_since, faults_from; /* put off since all was asked, and minor faults then */

static bool is_granted(uint64_t now)
{
	return __atomic_load_n(&spent_ns, __ATOMIC_RELAXED) < FREE_NS + (now - capture->start_ns) / ASK_SHARE;
}

uint64_t cow_asking_begins(void)
{
	uint64_t now = sys_now_ns(CLOCK_MONOTONIC);

	return !__atomic_load_n(&refused, __ATOMIC_RELAXED) && is_granted(now) ? now : 0;
}

void cow_asking_ends(uint64_t began_ns)
{
	__atomic_fetch_add(&spent_ns, sys_now_ns(CLOCK_MONOTONIC) - began_ns, __ATOMIC_RELAXED);
}

void cow_end_unasked(void)
{
	uint64_t pages = __atomic_exchange_n(&pages_since, 0, __ATOMIC_RELAXED);
	uint64_t faults = cow_minor_faults();

	if (pages > faults - faults_from)
		__atomic_fetch_sub(&capture->cow.unasked_written, pages - (faults - faults_from), __ATOMIC_RELAXED);
	faults_from = faults;
}

static void ask_about_all(void)
{
	uint64_t now = sys_now_ns(CLOCK_MONOTONIC);
	int pagemap;

	if (refused && !is_granted(now))
		return;
	pagemap = proc_open(0, "pagemap");
	cow_end_unasked(); /* first: what is written meanwhile is in the next count */
	cow_window_note_written(pagemap, 0, USER_END, &cow_windows.written_before);
	if (pagemap >= 0)
		sys_close(pagemap);
	cow_asking_ends(now);
}

static void count_unasked(uint64_t start, uint64_t end)
{
	uint64_t pages = (end - start) / PAGE_BYTES;

	__atomic_fetch_add(&pages_since, pages, __ATOMIC_RELAXED);
	__atomic_fetch_add(&capture->cow.unasked_written, pages, __ATOMIC_RELAXED);
	__atomic_fetch_add(&capture->cow.unasked_pages, pages, __ATOMIC_RELAXED);
}

void cow_note_unasked(uint64_t start, uint64_t end)
{
	ask_about_all();
	cow_leave_unasked(start, end);
	count_unasked(start, end);
	__atomic_store_n(&refused, true, __ATOMIC_RELEASE);
}

/*
 * What was inherited does not change, and has flags since something was first not asked; what was shared with a child
 * of its own may change meanwhile.
 */
static bool may_hold(uint64_t start, uint64_t end)
{
	return cow_own_forks || cow_birth_holds(start, end);
}

/*
 * A slot that a signal handler never came back to fill stays taken: what it was taken for was not given back either.
 */
bool cow_put_off(uint64_t start, uint64_t end)
{
	uint64_t vacant = VACANT;
	uint32_t slot;

	if (!__atomic_load_n(&refused, __ATOMIC_ACQUIRE))
		return false;
	if (!may_hold(start, end))
		return true;
	slot = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % PENDING;
	if (!__atomic_compare_exchange_n(&pending[slot].start, &vacant, TAKEN, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	count_unasked(start, end);
	pending[slot].end = end;
	__atomic_store_n(&pending[slot].start, start, __ATOMIC_RELEASE);
	__atomic_store_n(&any, 1, __ATOMIC_RELEASE);
	return true;
}

void cow_take_pending(void)
{
	if (likely(!__atomic_load_n(&any, __ATOMIC_ACQUIRE)))
		return;
	__atomic_store_n(&any, 0, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < PENDING; i++) {
		uint64_t start = __atomic_load_n(&pending[i].start, __ATOMIC_ACQUIRE);

		if (start <= TAKEN)
			continue;
		cow_leave_unasked(start, pending[i].end);
		__atomic_store_n(&pending[i].start, VACANT, __ATOMIC_RELEASE);
	}
}

void cow_pending_forked(void)
{
	memset(pending, 0, sizeof(pending));
	any = 0;
	refused = false;
	spent_ns = pages_since = 0;
}
