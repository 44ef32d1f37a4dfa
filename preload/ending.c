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

#include "heap.h"
#include "instrument.h"
#include "ranges.h"

/*
 * A child that executes another program at once still has its parent's memory: a ledger of it, and what only files of /proc tell of
 * its time, would cost more than its life; and a shell script is made of such children.
 */
#define NO_LEDGER_NS 3000000ULL

static bool executes_at_once(enum capture_ended kind)
{
	return kind == ENDED_EXEC && capture->born == BORN_FORK && sys_now_ns(CLOCK_MONOTONIC) - capture->start_ns < NO_LEDGER_NS;
}

/* Another thread is ending the process at this moment: this one would cut its ledger short. It is not waited for without end. */
static uint32_t ending_begun;

static void wait_for_other(void)
{
	uint64_t until = sys_now_ns(CLOCK_MONOTONIC) + 2000000000ULL;

	while (__atomic_load_n(&capture->ended, __ATOMIC_ACQUIRE) == ENDED_NOT && sys_now_ns(CLOCK_MONOTONIC) < until)
		sys_call0(SYS_sched_yield);
}

void ending_forked(void)
{
	ending_begun = 0;
}

void ending(enum capture_ended kind, int code)
{
	int error = errno;

	if (instrument_state != INSTRUMENT_ON || !instrument_is_own_process())
		return;
	if (__atomic_exchange_n(&ending_begun, 1, __ATOMIC_ACQUIRE) && kind == ENDED_EXIT) {
		wait_for_other();
		errno = error;
		return;
	}
	if (ranges_lost())
		instrument_note(NOTE_RANGES_LOST, ENOMEM);
	if (executes_at_once(kind)) {
		snapshot_usage();
	} else {
		snapshot_take(kind == ENDED_EXEC ? WHY_EXEC : WHY_EXIT, NULL);
		snapshot_times();
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
	instrument_ready(&this_thread);
	ending(ENDED_EXIT, status & 0xff);
	if (instrument_state == INSTRUMENT_ON && instrument_is_own_process())
		recording_report();
}

void ending_register(void)
{
	on_exit(at_exit, NULL);
}

#define LEAVING_WRAPPER(name) \
EXPORT void name(int status) \
{ \
	if (instrument_ready(&this_thread)) { \
		count_call(CALL_EXIT_GROUP, false); \
		ending(ENDED_EXIT, status & 0xff); \
		if (instrument_is_own_process()) \
			recording_report(); \
	} \
	next.name(status); \
	__builtin_unreachable(); \
}
LEAVING_WRAPPER(_exit)
LEAVING_WRAPPER(_Exit)

/* The handlers of at_quick_exit run inside libc's function: the last ledger is taken before them. */
LEAVING_WRAPPER(quick_exit)

/* A handler of SIGABRT may still leave by longjmp, and the program go on: the ledger is only the latest then. */
EXPORT void abort(void)
{
	if (instrument_ready(&this_thread) && instrument_is_own_process()) {
		int error = errno;

		snapshot_take(WHY_EXIT, NULL);
		snapshot_times();
		errno = error;
	}
	next.abort();
	__builtin_unreachable();
}
