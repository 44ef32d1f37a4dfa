/* SPDX-License-Identifier: MIT */
/*
 * Calls by thread: a slot with one owner is a thread, one with several is not, and what lies in shared cells is nobody's.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "../../report/threads.h"
#include "report_synthetic.h"

static struct capture image;
static struct thread_figures threads[CAPTURE_COUNTERS];

static void cell(unsigned slot, unsigned number, uint64_t calls, uint64_t ticks)
{
	image.calls[image.cells_used++] = (struct capture_call){
		.number = (uint16_t)number, .slot = (uint16_t)slot, .calls = calls, .errors = 1, .timed = ticks ? calls : 0, .ticks = ticks,
	};
	image.counters[slot].cells[number] = (uint16_t)image.cells_used;
}

static void thread(unsigned slot, uint32_t count, uint32_t tid, const char *name)
{
	struct capture_thread *t = &image.counters[slot].thread;

	*t = (struct capture_thread){ .threads = count, .tid = tid };
	t->ended = (struct capture_thread_time){ SECOND, SECOND / 4, SECOND / 8, SECOND / 8, 0 };
	strcpy(t->name, name);
}

static int begin(void **state)
{
	(void)state;
	synthetic_capture(&image, 100, 1, 0, BORN_START, 100 * SECOND);
	memset(image.calls, 0, sizeof(image.calls));
	memset(image.counters, 0, sizeof(image.counters));
	image.cells_used = 0;
	image.call_clock = (struct capture_clock){ .kind = CALL_CLOCK_MONOTONIC };
	return 0;
}

static void a_slot_with_one_owner_is_a_thread(void **state)
{
	(void)state;
	thread(1, 1, 100, "main");
	thread(2, 1, 101, "worker");
	cell(1, 0, 10, 1000);
	cell(2, 1, 20, 5000);
	cell(2, 0, 1, 100);
	assert_int_equal(threads_of(&image, threads), 2);
	assert_int_equal(threads[0].tid, 101); /* with the most time */
	assert_string_equal(threads[0].name, "worker");
	assert_int_equal(threads[0].kind, THREAD_ONE);
	assert_int_equal(threads[0].calls, 21);
	assert_int_equal(threads[0].errors, 2);
	assert_int_equal(threads[0].time_ns, 5100);
	assert_int_equal(threads[0].busiest, 1);
	assert_true(threads[0].complete && threads[0].ended && threads[0].life.known);
	assert_int_equal(threads[0].life.asleep_ns, SECOND / 2);
	assert_int_equal(threads[1].tid, 100);
}

static void a_slot_with_several_owners_is_none_of_them(void **state)
{
	(void)state;
	thread(1, 1, 100, "main");
	thread(2, 7, 107, "worker");
	cell(2, 1, 20, 5000);
	assert_int_equal(threads_of(&image, threads), 2);
	assert_int_equal(threads[0].kind, THREAD_SEQUENCE);
	assert_int_equal(threads[0].threads, 7);
	assert_int_equal(threads[0].tid, 0);
	assert_int_equal(threads[1].calls, 0);
	assert_true(threads[1].time_ns == CAPTURE_UNKNOWN);
}

static void what_is_shared_belongs_to_nobody(void **state)
{
	(void)state;
	thread(1, 1, 100, "main");
	cell(1, 0, 10, 1000);
	cell(0, 3, 50, 90000);
	image.counters[1].cells[3] = 2; /* there was no cell left for it */
	assert_int_equal(threads_of(&image, threads), 2);
	assert_false(threads[0].complete);
	assert_int_equal(threads[0].calls, 10);
	assert_true(threads[0].life.most_in_calls_ns == CAPTURE_UNKNOWN);
	assert_int_equal(threads[1].kind, THREAD_SHARED); /* last, whatever it took */
	assert_true(threads[1].threads == CAPTURE_UNKNOWN && threads[1].life.lived_ns == CAPTURE_UNKNOWN);
	assert_true(threads[1].complete);
}

static void a_thread_whose_end_nobody_saw_has_no_times(void **state)
{
	(void)state;
	thread(1, 2, 100, "");
	image.counters[1].thread.lost = 1;
	cell(1, 0, 10, 1000);
	assert_int_equal(threads_of(&image, threads), 1);
	assert_false(threads[0].life.known || threads[0].ended);
	assert_true(threads[0].life.lived_ns == CAPTURE_UNKNOWN);
	assert_int_equal(threads[0].calls, 10);
}

static void a_cell_index_out_of_bounds_is_somebody_elses(void **state)
{
	(void)state;
	thread(1, 1, 100, "main");
	image.counters[1].cells[5] = CAPTURE_CELLS + 1;
	assert_int_equal(threads_of(&image, threads), 1);
	assert_false(threads[0].complete);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_slot_with_one_owner_is_a_thread),
		TEST(a_slot_with_several_owners_is_none_of_them),
		TEST(what_is_shared_belongs_to_nobody),
		TEST(a_thread_whose_end_nobody_saw_has_no_times),
		TEST(a_cell_index_out_of_bounds_is_somebody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
