/* SPDX-License-Identifier: MIT */
/*
 * Counting system calls: how often each was made, what it answered, how long it took. A wrapper asks the time before it forwards and
 * hands the result in afterwards; nothing is held in between, so a cancelled thread or a longjmp loses that one call and no more.
 */
#ifndef PAGEGAP_CALL_COUNTS_H
#define PAGEGAP_CALL_COUNTS_H

#include <x86intrin.h>

#include "dispatch.h"
#include "instrument.h"

extern uint32_t call_clock HIDDEN;      /* enum capture_clock_kind, as capture.call_clock.kind */

/* Chooses the clock of an image that begins, and of a forked child: it is the same one there. */
void call_counts_begin(bool timed) COLD;
void call_counts_forked(void) COLD;

/* The time-stamp counter must not be read any more: seccomp's strict mode, PR_SET_TSC (prctl(2)). Or it may, after all. */
void call_clock_stop(void) COLD;
void call_clock_start(void) COLD;

/* Notes what a tick is, by a second moment. */
void call_clock_read(void) COLD;

/* Where the calling thread counts this call; NULL: nowhere. Async-signal-safe. */
struct capture_call *call_cell_make(struct thread *thread, unsigned number) COLD;

void call_failed(struct capture_call *cell, int error) COLD GENERAL_REGISTERS;

/* A call that call_made has counted already came back after all, with an error. */
void call_made_failed(unsigned number, int error) COLD;
void call_add_shared(struct capture_call *cell, uint64_t ticks, uint64_t bytes) COLD GENERAL_REGISTERS;

static inline uint64_t call_ticks(void)
{
	return likely(call_clock == CALL_CLOCK_TSC) ? __rdtsc() : call_clock ? sys_now_ns(CLOCK_MONOTONIC) : 0;
}

/*
 * Where every call is caught, libc makes some in a child of fork before it has a capture: they are kept until it has, by the one thread that
 * there is.
 */
void call_keep(unsigned number, int error) COLD;
void call_counts_born(void) COLD;

/* Adds a call to its cell, but for its error. @ticks: that it took; 0: not known */
static inline GENERAL_REGISTERS void call_add(struct capture_call *cell, uint64_t ticks, uint64_t bytes)
{
	if (unlikely(!cell->slot)) {
		call_add_shared(cell, ticks, bytes);
		return;
	}
	cell->calls++;
	cell->bytes += bytes;
	if (!ticks || (int64_t)ticks < 0) /* a counter that another processor has set back */
		return;
	cell->timed++;
	cell->ticks += ticks;
	if (ticks > cell->most_ticks)
		cell->most_ticks = ticks;
	if (ticks < cell->least_ticks)
		cell->least_ticks = ticks;
	cell->latencies[capture_latency(ticks)]++;
}

/*
 * call_count - count a call that has returned
 * @number: the kernel's
 * @begun: call_ticks of the moment before it; 0: it is not timed
 * @error: the errno of its failure, or 0
 * @bytes: read or written, where that is what it returns, else 0
 *
 * Leaves errno alone. Async-signal-safe: a handler that counts the same call in between counts too. Returns the ticks that it took; 0: not timed.
 */
static inline uint64_t call_count(unsigned number, uint64_t begun, int error, uint64_t bytes)
{
	struct thread *thread = &this_thread;
	uint64_t ticks = begun ? call_ticks() - begun : 0;
	struct capture_call *cell;
	unsigned at;

	if (!instrument_ready(thread)) {
		call_keep(number, error);
		return ticks;
	}
	if (unlikely(number >= CAPTURE_NUMBERS))
		number = CAPTURE_NUMBERS - 1;
	at = __atomic_load_n(&thread->counters->cells[number], __ATOMIC_ACQUIRE); /* of slot 0, others may be making it */
	cell = likely(at) ? &capture->calls[at - 1] : call_cell_make(thread, number);
	if (unlikely(!cell))
		return ticks;
	if (unlikely(error))
		call_failed(cell, error);
	call_add(cell, ticks, bytes);
	return ticks;
}

/* The moment before a wrapped call; 0: it is not timed. Where every call is caught, it is counted there. */
static inline uint64_t call_begins(void)
{
	return unlikely(dispatch_on) ? 0 : call_ticks();
}

/* Counts a wrapped call, as call_count does. */
static inline uint64_t call_ends(unsigned number, uint64_t begun, int error, uint64_t bytes)
{
	return likely(!dispatch_on) ? call_count(number, begun, error, bytes) : 0;
}

/* One that was not timed, or does not return. */
static inline void call_made(unsigned number, int error)
{
	call_ends(number, 0, error, 0);
}

#endif
