/* SPDX-License-Identifier: MIT */
/*
 * Threads: a counter slot for each, and the place of their stacks. Slots are claimed by compare-and-swap and handed on with their
 * counts when a thread ends; what a thread still does after that (destructors of thread-specific data) goes to the shared slot 0.
 */
#include <errno.h>
#include <pthread.h>

#include "instrument.h"
#include "next.h"
#include "ranges.h"

uint32_t threads_started;               /* beyond the one that came with the image */
static bool extended;                   /* the slots beyond the first are backed */
static uint64_t stack_offset;           /* in struct pthread: see find_stack_fields */

bool thread_attach(struct thread *thread)
{
	uint32_t tid = (uint32_t)sys_gettid();

	if (!capture)
		return false;
	thread->start_ns = sys_now_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 1; i < CAPTURE_COUNTERS; i++) {
		uint32_t none = 0;

		if (i >= CAPTURE_COUNTERS_EAGER && !extended) {
			if (!recording_extend())
				break;
			extended = true;
		}
		if (__atomic_compare_exchange_n(&capture->counters[i].tid, &none, tid, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			thread->counters = &capture->counters[i];
			thread->shared = false;
			heap_choose_way(thread);
			return true;
		}
	}
	instrument_note(NOTE_SHARED_COUNTERS, 0);
	thread->counters = &capture->counters[0];
	thread->shared = true;
	heap_choose_way(thread);
	return true;
}

void thread_detach(void)
{
	struct thread *thread = &this_thread;
	struct capture_counters *own = thread->counters;

	if (!own || !fork_sentinel[0])
		return;
	snapshot_thread_ends();
	if (thread->shared)
		return;
	snapshot_tick(thread);
	thread->shared = true;
	thread->counters = &capture->counters[0];
	heap_choose_way(thread);
	__atomic_store_n(&own->tid, 0, __ATOMIC_RELEASE);
}

void threads_forked(void)
{
	extended = false;
	threads_started = 0;
}

/*
 * Where libc keeps a thread's stack in its descriptor (struct pthread: stackblock, stackblock_size, guardsize; nptl/descr.h) is not
 * told by any interface that does not allocate. It is found by what the words must be: a page-aligned address below the descriptor,
 * a size that reaches just above it, a guard smaller than that. Both are in the descriptor's first pages.
 */
static bool is_stack_fields(const uint64_t *words, uint64_t descriptor)
{
	uint64_t end = words[0] + words[1];

	return words[0] && words[0] % PAGE_BYTES == 0 && words[1] % PAGE_BYTES == 0 && words[0] < descriptor && end > descriptor &&
	       end - descriptor < 4 * PAGE_BYTES && words[2] < words[1] && words[2] % PAGE_BYTES == 0;
}

static bool find_stack_fields(uint64_t descriptor)
{
	const uint64_t *words = (const uint64_t *)descriptor;

	for (uint64_t i = 0; i < 2048 / sizeof(*words); i++)
		if (is_stack_fields(&words[i], descriptor)) {
			stack_offset = i * sizeof(*words);
			capture->anatomy.thread_stack_offset = stack_offset;
			return true;
		}
	return false;
}

/* Enters the calling thread's stack into the set of ranges. */
void thread_note_stack(bool own_stack)
{
	uint64_t descriptor = (uint64_t)pthread_self();
	const uint64_t *words;

	if (own_stack || !capture)
		return; /* memory that the program provided is accounted as what it is */
	if (!stack_offset && !find_stack_fields(descriptor))
		return;
	words = (const uint64_t *)(descriptor + stack_offset);
	capture->anatomy.thread_stack_offset = stack_offset;
	if (is_stack_fields(words, descriptor))
		ranges_claim(words[0], words[0] + words[1], RANGE_STACK, descriptor);
}

/* pthread_create */

struct start {
	void *(*routine)(void *);
	void *argument;
	bool own_stack;
	uint32_t taken;
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
	thread_note_stack(start->own_stack);
	__atomic_store_n(&start->taken, 0, __ATOMIC_RELEASE);
	instrument_ready(&this_thread);
	pthread_cleanup_push(leave_thread, NULL);
	result = routine(argument);
	pthread_cleanup_pop(1);
	return result;
}

static bool has_own_stack(const pthread_attr_t *attributes)
{
	void *address = NULL;
	size_t size = 0;

	/* Without a stack of the program's, the address is that of a stack ending at NULL (pthread_attr_getstack.c). */
	return attributes && !pthread_attr_getstack(attributes, &address, &size) && (uintptr_t)address + size != 0;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
	struct start *start;
	int error;

	if (!instrument_ready(&this_thread) || !(start = take_start()))
		return next.pthread_create(thread, attributes, routine, argument);
	start->routine = routine;
	start->argument = argument;
	start->own_stack = has_own_stack(attributes);
	count_call(CALL_CLONE, false);
	error = next.pthread_create(thread, attributes, thread_main, start);
	if (error)
		__atomic_store_n(&start->taken, 0, __ATOMIC_RELEASE);
	return error;
}
