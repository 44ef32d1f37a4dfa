/* SPDX-License-Identifier: MIT */
/*
 * The life of the set of ranges: its array grows and is claimed itself, memory runs out, threads and signal handlers
 * come at the same time, a fork finds it locked.
 *
 * links: preload/ranges.c preload/sandbox.c preload/kept.c
 * sanitize: thread
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "../../preload/signals.h"
#include "child.h"
#include "ranges_tree.h"

/* Growth: each in a process of its own, where the set is still in its first, embedded array. */

static bool still_mapped(const void *address, size_t bytes)
{
	static char copy[RANGES_EMBEDDED * sizeof(struct range)];

	return sys_read_memory(getpid(), (uint64_t)address, copy, bytes) == (long)bytes;
}

/* The array at hand is the instrument's own memory, to its last page. */
static void must_claim_own_array(void)
{
	const struct range *nodes = array();
	struct range range;

	must(ranges_find((uint64_t)nodes, &range));
	must(range.kind == RANGE_INSTRUMENT);
	must(range.start <= (uint64_t)nodes);
	must(range.end >= (uint64_t)(nodes + nodes[0].end));
}

static void grow_by_claims(void)
{
	struct range *old[16], *first = array();
	uint32_t arrays = 0;
	uint64_t room = 0;

	for (uint64_t i = 0; i < 5000; i++) {
		if (array()[0].end != room) {
			old[arrays++] = array();
			room = array()[0].end;
			must(arrays < 16);
		}
		ranges_claim(PLACE + 2 * i * PAGE_BYTES, PLACE + (2 * i + 1) * PAGE_BYTES, RANGE_OWN_ANON, i);
		if (array() != first)
			must_claim_own_array();
	}
	must(room >= 5000 && arrays > 5);
	for (uint32_t i = 0; i < arrays; i++) {
		struct range range;

		must(still_mapped(old[i], RANGES_EMBEDDED * sizeof(struct range)));
		must(i == 0 || (ranges_find((uint64_t)old[i], &range) && range.start <= (uint64_t)old[i] &&
				range.kind == RANGE_INSTRUMENT));
	}
	must(!check_structure(0, 0, NULL).fault);
}

static void the_array_grows_and_old_ones_stay_mapped_and_claimed(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(grow_by_claims), 0);
}

/* A drop in the middle of a range needs a node too, so it can be what makes the array grow. */
static void grow_by_drops(void)
{
	const struct range *first = array();
	uint64_t step = 8, at;

	ranges_claim(PLACE, PLACE + 4096 * PAGE_BYTES, RANGE_OWN_ANON, 0);
	for (at = 1; at < 4096; at += step) {
		ranges_drop(PLACE + at * PAGE_BYTES, PLACE + (at + 1) * PAGE_BYTES);
		if (array() != first)
			must_claim_own_array();
	}
	must(array() != first);
	must(ranges_lost() == 0);
}

static void an_array_that_a_drop_made_grow_is_claimed_as_well(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(grow_by_drops), 0);
}

static void claim_without_memory(void)
{
	struct rlimit limit, none;
	struct range range;

	must(getrlimit(RLIMIT_AS, &limit) == 0);
	none = limit;
	none.rlim_cur = 4096;
	must(setrlimit(RLIMIT_AS, &none) == 0);
	for (uint64_t i = 0; i < 200; i++)
		ranges_claim(PLACE + 2 * i * PAGE_BYTES, PLACE + (2 * i + 1) * PAGE_BYTES, RANGE_OWN_ANON, i);
	must(ranges_lost() > 200 - RANGES_EMBEDDED && ranges_lost() < 200);
	must(!check_structure(0, 0, NULL).fault);
	must(check_structure(0, 0, NULL).count == 200 - ranges_lost());
	setrlimit(RLIMIT_AS, &limit);
	ranges_claim(PLACE + 1000 * PAGE_BYTES, PLACE + 1001 * PAGE_BYTES, RANGE_OWN_ANON, 0);
	must(ranges_find(PLACE + 1000 * PAGE_BYTES, &range) && range.start == PLACE + 1000 * PAGE_BYTES);
	must_claim_own_array();
}

static void claims_without_memory_are_counted_as_lost_and_harm_nothing(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(claim_without_memory), 0);
}

/* Threads and signal handlers */

#define THREADS 4
static uint64_t faults;

static uint64_t area_of(uint64_t number)
{
	return PLACE + (number + 1) * 0x1000000UL;
}

/* One claim and one drop in the caller's own area, looked up in between. */
static void claim_and_drop(uint64_t number, uint64_t i)
{
	uint64_t start = area_of(number) + i % 64 * 2 * PAGE_BYTES;
	struct range range;

	ranges_claim(start, start + PAGE_BYTES, RANGE_OWN_ANON, i);
	if (!ranges_find(start, &range) || range.start != start || range.end != start + PAGE_BYTES || range.tag != i)
		__atomic_fetch_add(&faults, 1, __ATOMIC_RELAXED);
	if (i % 3)
		ranges_drop(start, start + PAGE_BYTES);
}

static void *use_own_area(void *number)
{
	for (uint64_t i = 0; i < 20000; i++)
		claim_and_drop((uintptr_t)number, i);
	return NULL;
}

static void check_and_drop_areas(uint64_t areas)
{
	assert_null(check_structure(0, 0, NULL).fault);
	assert_int_equal(faults, 0);
	ranges_drop(area_of(0), area_of(areas));
	assert_int_equal(check_structure(area_of(0), area_of(areas), NULL).claimed, 0);
}

static void threads_in_different_areas_do_not_disturb_each_other(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_own_area, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_and_drop_areas(THREADS);
}

static volatile uint64_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	claim_and_drop(1, alarms++);
}

/*
 * The mask that was there before comes back; a handler that comes at any moment finds the set whole and the lock free.
 */
static void a_signal_handler_may_claim_and_drop_at_any_moment(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART }, old;
	struct itimerval often = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };
	sigset_t before = { 0 }, after = { 0 };

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &before);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	for (uint64_t i = 0; alarms < 300; i++)
		claim_and_drop(0, i);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(memcmp(&before, &after, sizeof(before)), 0);
	assert_int_equal(this_signals.depth, 0);
	check_and_drop_areas(2);
}

static void use_after_fork(void)
{
	ranges_unlock_after_fork();
	claim_and_drop(0, 1);
	must(faults == 0);
}

static void fork_in_the_middle_of_a_change(void)
{
	ranges_forked();
	must(ranges_lost() == 1); /* the change that somebody else was in the middle of */
	claim_and_drop(0, 1);
	must(faults == 0);
}

static void a_forked_child_has_a_set_that_nobody_has_locked(void **state)
{
	(void)state;
	ranges_lock_for_fork();
	assert_int_equal(status_of_child(use_after_fork), 0);
	assert_int_equal(status_of_child(fork_in_the_middle_of_a_change), 0);
	ranges_unlock_after_fork();
	claim_and_drop(0, 1);
	check_and_drop_areas(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_array_grows_and_old_ones_stay_mapped_and_claimed),
		cmocka_unit_test(an_array_that_a_drop_made_grow_is_claimed_as_well),
		cmocka_unit_test(claims_without_memory_are_counted_as_lost_and_harm_nothing),
		cmocka_unit_test(threads_in_different_areas_do_not_disturb_each_other),
		cmocka_unit_test(a_signal_handler_may_claim_and_drop_at_any_moment),
		cmocka_unit_test(a_forked_child_has_a_set_that_nobody_has_locked),
	};

	return cmocka_run_group_tests_name("ranges_life", tests, NULL, NULL);
}
