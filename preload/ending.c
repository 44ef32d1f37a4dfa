/* SPDX-License-Identifier: MIT */
/*
 * How an image ends: the last ledger, the last figures, the exit status. Registered with on_exit(3) before the program's own code
 * runs, so it is the last exit handler, after destructors; _exit, quick_exit, abort and exec come through their wrappers. A death by
 * signal comes here not at all: then the capture stands as it is, and whoever waited for the process knows the signal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call_counts.h"
#include "cow.h"
#include "heap.h"
#include "instrument.h"
#include "ranges.h"
#include "times.h"

/*
 * A child that executes another program at once still has its parent's memory: a ledger of it, and what only files of /proc tell of
 * its time, would cost more than its life; and a shell script is made of such children.
 */
#define NO_LEDGER_NS 3000000ULL

static uint64_t ready_ns;               /* when a forked child was ready to go on: what it takes to be born is not its own */

static bool executes_at_once(enum capture_ended kind)
{
	return kind == ENDED_EXEC && capture->born == BORN_FORK && sys_now_ns(CLOCK_MONOTONIC) - ready_ns < NO_LEDGER_NS;
}

/* Another thread is ending the process at this moment: this one would cut its ledger short. It is not waited for without end. */
uint32_t ending_begun;               /* the thread that is at it */

static void wait_for_other(void)
{
	uint64_t until = sys_now_ns(CLOCK_MONOTONIC) + 2000000000ULL;

	while (__atomic_load_n(&capture->ended, __ATOMIC_ACQUIRE) == ENDED_NOT && sys_now_ns(CLOCK_MONOTONIC) < until)
		sys_call0(SYS_sched_yield);
}

void ending_forked(void)
{
	ending_begun = 0;
	ready_ns = sys_now_ns(CLOCK_MONOTONIC);
}

void ending(enum capture_ended kind, int code)
{
	uint32_t self = (uint32_t)sys_gettid(), other = 0;
	int error = errno;

	if (instrument_state != INSTRUMENT_ON || !instrument_is_own_process())
		return;
	if (!__atomic_compare_exchange_n(&ending_begun, &other, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED) && kind == ENDED_EXIT) {
		if (other != self) /* else a handler interrupted this very function */
			wait_for_other();
		errno = error;
		return;
	}
	if (ranges_lost())
		instrument_note(NOTE_RANGES_LOST, ENOMEM);
	if (executes_at_once(kind)) {
		cow_ending(true);
		times_read_usage();
	} else {
		bool heard = cow_ending(false), taken = snapshot_take(kind == ENDED_EXEC ? WHY_EXEC : WHY_EXIT, NULL);

		if (heard)
			cow_ended(taken);
		times_read();
	}
	capture->end_ns = sys_now_ns(CLOCK_MONOTONIC);
	capture->end_code = code;
	__atomic_store_n(&capture->ended, kind, __ATOMIC_RELEASE);
	errno = error;
}

void ending_undone(void)
{
	ending_begun = 0;
	if (instrument_state == INSTRUMENT_ON && instrument_is_own_process())
		__atomic_store_n(&capture->ended, ENDED_NOT, __ATOMIC_RELEASE);
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	call_made(SYS_exit_group, 0);
	ending(ENDED_EXIT, status & 0xff);
	if (instrument_state == INSTRUMENT_ON && instrument_is_own_process())
		recording_report();
}

/* Registered first, it runs after the program's own handlers. */
static int quick_status;

static void at_quick(void)
{
	at_exit(quick_status, NULL);
}

void ending_register(void)
{
	on_exit(at_exit, NULL);
	(void)at_quick_exit(at_quick);
}

#define LEAVING_WRAPPER(name) \
EXPORT void name(int status) \
{ \
	if (instrument_ready(&this_thread)) { \
		call_made(SYS_exit_group, 0); \
		ending(ENDED_EXIT, status & 0xff); \
		if (instrument_is_own_process()) \
			recording_report(); \
	} \
	next.name(status); \
	__builtin_unreachable(); \
}
LEAVING_WRAPPER(_exit)
LEAVING_WRAPPER(_Exit)

EXPORT void quick_exit(int status)
{
	heap_next_ready();
	quick_status = status;
	next.quick_exit(status);
	__builtin_unreachable();
}

/* A handler of SIGABRT may still leave by longjmp, and the program go on: the ledger is only the latest then. */
EXPORT void abort(void)
{
	if (instrument_ready(&this_thread) && instrument_is_own_process()) {
		int error = errno;

		snapshot_take(WHY_EXIT, NULL);
		times_read();
		errno = error;
	}
	next.abort();
	__builtin_unreachable();
}
