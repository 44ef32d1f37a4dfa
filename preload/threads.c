/* SPDX-License-Identifier: MIT */
/*
 * Threads: a counter slot for each, and the time each spent waiting. Slots are claimed by compare-and-swap and handed on with their
 * counts when a thread ends; what a thread still does after that (destructors of thread-specific data) goes to the shared slot 0.
 */
#include <errno.h>
#include <pthread.h>

#include "call_counts.h"
#include "instrument.h"
#include "next.h"
#include "times.h"

uint32_t threads_started;               /* beyond the one that came with the image */
static bool extended;                   /* the slots beyond the first are backed */

uint32_t threads_slots(void)
{
	return extended ? CAPTURE_COUNTERS : CAPTURE_COUNTERS_EAGER;
}

static void take(struct thread *thread, struct capture_counters *slot)
{
	thread->counters = slot;
	thread->shared = slot == &capture->counters[0];
	heap_choose_way(thread);
}

/* Claims a slot that says @from; looked at first, because the slots of others are hot in their caches. */
static bool claim(struct capture_counters *slot, uint32_t from, uint32_t tid)
{
	return __atomic_load_n(&slot->tid, __ATOMIC_RELAXED) == from &&
	       __atomic_compare_exchange_n(&slot->tid, &from, tid, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

bool thread_attach(struct thread *thread)
{
	uint32_t tid = (uint32_t)sys_gettid(), slots = CAPTURE_COUNTERS_EAGER;
	int pid = sys_getpid();

	if (!capture)
		return false;
	if (!thread->start_ns)
		thread->start_ns = sys_now_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 1; i < CAPTURE_COUNTERS; i++) {
		if (i == slots) {
			if (!extended && !(extended = recording_back(CAPTURE_EAGER_BYTES, offsetof(struct capture, calls))))
				break;
			slots = CAPTURE_COUNTERS;
		}
		if (claim(&capture->counters[i], 0, tid)) {
			take(thread, &capture->counters[i]);
			times_thread_begins(thread, false);
			return true;
		}
	}
	for (uint32_t i = 1; i < slots; i++) { /* threads that libc or clone made end without a word to us */
		uint32_t owner = __atomic_load_n(&capture->counters[i].tid, __ATOMIC_RELAXED);

		if (owner && sys_call3(SYS_tgkill, pid, owner, 0) == -ESRCH && claim(&capture->counters[i], owner, tid)) {
			take(thread, &capture->counters[i]);
			times_thread_begins(thread, true);
			return true;
		}
	}
	instrument_note(NOTE_SHARED_COUNTERS, 0);
	take(thread, &capture->counters[0]);
	times_thread_begins(thread, false);
	return true;
}

void thread_detach(void)
{
	struct thread *thread = &this_thread;
	struct capture_counters *own = thread->counters;

	if (!own || !fork_sentinel[0])
		return;
	times_thread_ends(thread);
	if (thread->shared)
		return;
	snapshot_tick(thread);
	take(thread, &capture->counters[0]);
	__atomic_store_n(&own->tid, 0, __ATOMIC_RELEASE);
}

void threads_forked(void)
{
	extended = false;
	threads_started = 0;
}

/* pthread_create */

struct start {
	void *(*routine)(void *);
	void *argument;
	uint32_t taken;
	uint64_t made_ns;
};

static struct start starts[256];

static struct start *take_start(void)
{
	for (struct start *start = starts; start < starts + sizeof(starts) / sizeof(starts[0]); start++) {
		uint32_t no = 0;

		if (__atomic_compare_exchange_n(&start->taken, &no, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return start;
	}
	return NULL;
}

static void leave_thread(void *unused)
{
	(void)unused;
	thread_detach();
}

/*
 * Runs in the new thread around the program's routine. Without -fexceptions the cleanup is a registered one, which pthread_exit and
 * cancellation run, and which needs no unwinder in this library (pthread.h, pthread_cleanup_push).
 */
static void *thread_main(void *pointer)
{
	struct start *start = pointer;
	void *(*routine)(void *) = start->routine, *argument = start->argument, *result;

	__atomic_fetch_add(&threads_started, 1, __ATOMIC_RELAXED);
	this_thread.start_ns = start->made_ns;
	__atomic_store_n(&start->taken, 0, __ATOMIC_RELEASE);
	instrument_ready(&this_thread);
	pthread_cleanup_push(leave_thread, NULL);
	result = routine(argument);
	pthread_cleanup_pop(1);
	return result;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
	struct start *start;
	uint64_t begun;
	int error;

	if (!instrument_ready(&this_thread) || !(start = take_start()))
		return next.pthread_create(thread, attributes, routine, argument);
	start->routine = routine;
	start->argument = argument;
	start->made_ns = sys_now_ns(CLOCK_MONOTONIC);
	begun = call_begins();
	error = next.pthread_create(thread, attributes, thread_main, start);
	call_ends(SYS_clone3, begun, error, 0);
	if (error)
		__atomic_store_n(&start->taken, 0, __ATOMIC_RELEASE);
	return error;
}
