/* SPDX-License-Identifier: MIT */
/*
 * The cells: one for each call that the threads of a slot have made at least once. Most threads make few kinds of calls, so cells are
 * handed out when they are needed; when none is left for a thread, it counts in the shared ones of slot 0.
 */
#include "call_counts.h"

#include <cpuid.h>
#include <errno.h>
#include <sys/prctl.h>

uint32_t call_clock;
static bool backed;                     /* the cells beyond the first have disk blocks */

/* Runs at one rate whatever the processor does: CPUID Fn8000_0007 EDX, bit 8, with AMD and Intel alike. */
static bool steady_counter(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && d >> 8 & 1;
}

static bool counter_allowed(void)
{
	int answer = 0;

	return !sys_failed(sys_call2(SYS_prctl, PR_GET_TSC, &answer)) && answer == PR_TSC_ENABLE;
}

void call_clock_read(void)
{
	struct capture_clock *clock = &capture->call_clock;

	if (clock->kind == CALL_CLOCK_NONE)
		return;
	if (call_clock) /* else the last moment stands */
		clock->last_ticks = call_ticks();
	if (call_clock)
		clock->last_ns = sys_now_ns(CLOCK_MONOTONIC);
}

void call_counts_forked(void)
{
	struct capture_clock *clock = &capture->call_clock;

	backed = false;
	clock->kind = call_clock;
	capture->calls_mode = dispatch_on ? CALLS_ALL : CALLS_WRAPPED;
	if (!call_clock)
		return;
	clock->first_ticks = call_ticks();
	clock->first_ns = sys_now_ns(CLOCK_MONOTONIC);
	clock->last_ticks = clock->first_ticks;
	clock->last_ns = clock->first_ns;
}

void call_counts_begin(bool timed)
{
	call_clock = !timed ? CALL_CLOCK_NONE : steady_counter() && counter_allowed() ? CALL_CLOCK_TSC : CALL_CLOCK_MONOTONIC;
	call_counts_forked();
}

void call_clock_stop(void)
{
	if (instrument_state == INSTRUMENT_ON)
		call_clock_read();
	call_clock = CALL_CLOCK_NONE;
}

void call_clock_start(void)
{
	if (instrument_state == INSTRUMENT_ON)
		call_clock = capture->call_clock.kind;
}

/* The next cell below @limit, or NULL. */
static struct capture_call *take_cell(uint32_t limit, uint16_t slot, unsigned number)
{
	uint32_t used = __atomic_load_n(&capture->cells_used, __ATOMIC_RELAXED);
	struct capture_call *cell;

	do {
		if (used >= limit)
			return NULL;
		if (used >= CAPTURE_CELLS_EAGER && !backed &&
		    !(backed = recording_back(CAPTURE_EAGER_CALLS, sizeof(struct capture))))
			return NULL;
	} while (!__atomic_compare_exchange_n(&capture->cells_used, &used, used + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	cell = &capture->calls[used];
	cell->number = (uint16_t)number;
	cell->slot = slot;
	cell->least_ticks = UINT64_MAX;
	return cell;
}

static uint16_t index_of(const struct capture_call *cell)
{
	return (uint16_t)(1 + (cell - capture->calls));
}

/* The cell that all share who have none of their own. */
static struct capture_call *shared_cell(unsigned number)
{
	uint16_t *place = &capture->counters[0].cells[number], at = __atomic_load_n(place, __ATOMIC_ACQUIRE);
	struct capture_call *cell;

	if (at)
		return &capture->calls[at - 1];
	cell = take_cell(CAPTURE_CELLS, 0, number);
	if (cell && !__atomic_compare_exchange_n(place, &at, index_of(cell), false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		cell = &capture->calls[at - 1];
	return cell;
}

struct capture_call *call_cell_make(struct thread *thread, unsigned number)
{
	uint16_t slot = (uint16_t)(thread->counters - capture->counters);
	struct capture_call *cell = slot ? take_cell(CAPTURE_CELLS - CAPTURE_CELLS_SHARED, slot, number) : NULL;
	int error = errno;

	if (!cell)
		cell = shared_cell(number);
	if (cell)
		__atomic_store_n(&thread->counters->cells[number], index_of(cell), __ATOMIC_RELEASE);
	else
		__atomic_fetch_add(&capture->uncounted_calls, 1, __ATOMIC_RELAXED);
	call_clock_read();
	errno = error;
	return cell;
}

GENERAL_REGISTERS void call_failed(struct capture_call *cell, int error)
{
	__atomic_fetch_add(&cell->errors, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < CAPTURE_ERRORS; i++) {
		uint16_t none = 0;

		if (__atomic_load_n(&cell->errnos[i], __ATOMIC_RELAXED) == error ||
		    __atomic_compare_exchange_n(&cell->errnos[i], &none, (uint16_t)error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
		    none == error) {
			__atomic_fetch_add(&cell->error_counts[i], 1, __ATOMIC_RELAXED);
			return;
		}
	}
}

static GENERAL_REGISTERS void lower(uint64_t *place, uint64_t value)
{
	uint64_t now = __atomic_load_n(place, __ATOMIC_RELAXED);

	while (value < now && !__atomic_compare_exchange_n(place, &now, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static GENERAL_REGISTERS void raise_to(uint64_t *place, uint64_t value)
{
	uint64_t now = __atomic_load_n(place, __ATOMIC_RELAXED);

	while (value > now && !__atomic_compare_exchange_n(place, &now, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

GENERAL_REGISTERS void call_add_shared(struct capture_call *cell, uint64_t ticks, uint64_t bytes)
{
	__atomic_fetch_add(&cell->calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cell->bytes, bytes, __ATOMIC_RELAXED);
	if (!ticks || (int64_t)ticks < 0)
		return;
	__atomic_fetch_add(&cell->timed, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cell->ticks, ticks, __ATOMIC_RELAXED);
	raise_to(&cell->most_ticks, ticks);
	lower(&cell->least_ticks, ticks);
	__atomic_fetch_add(&cell->latencies[capture_latency(ticks)], 1, __ATOMIC_RELAXED);
}

void call_made_failed(unsigned number, int error)
{
	struct thread *thread = &this_thread;

	if (instrument_ready(thread) && thread->counters->cells[number])
		call_failed(&capture->calls[thread->counters->cells[number] - 1], error);
}

static struct {
	uint16_t number, error;
} kept[16];
static uint32_t kept_used;

void call_keep(unsigned number, int error)
{
	if (instrument_state != INSTRUMENT_ON || fork_sentinel[0])
		return;
	if (kept_used < sizeof(kept) / sizeof(kept[0])) {
		kept[kept_used].number = (uint16_t)min_u64(number, CAPTURE_NUMBERS - 1);
		kept[kept_used].error = (uint16_t)error;
	}
	kept_used++;
}

void call_counts_born(void)
{
	for (uint32_t i = 0; i < kept_used; i++)
		if (i < sizeof(kept) / sizeof(kept[0]))
			call_count(kept[i].number, 0, kept[i].error, 0);
		else
			__atomic_fetch_add(&capture->uncounted_calls, 1, __ATOMIC_RELAXED);
	kept_used = 0;
}
