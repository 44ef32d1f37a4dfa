/* SPDX-License-Identifier: MIT */
/*
 * Counting system calls: each call in the cell of its thread and number, errors by errno, times in classes that hold them. What lies
 * around the instrument is played here.
 *
 * links: preload/call_counts.c preload/sandbox.c preload/kept.c
 * sanitize: thread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../../preload/call_counts.h"
#include "random.h"

uint32_t dispatch_on;
static struct capture image;
struct capture *capture = &image;
uint32_t instrument_state = INSTRUMENT_ON;
unsigned char fork_sentinel[4096] = { 1 };
__thread struct thread this_thread;

static bool disk_full;
static uint64_t backed_from;

bool recording_back(uint64_t start, uint64_t end)
{
	assert_int_equal(end, sizeof(struct capture));
	backed_from = start;
	return !disk_full;
}

static __thread unsigned slot = 1;

bool instrument_attend(struct thread *thread)
{
	thread->counters = &image.counters[slot];
	thread->shared = !slot;
	return true;
}

static int begin(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	memset(&this_thread, 0, sizeof(this_thread));
	disk_full = false;
	backed_from = 0;
	slot = 1;
	call_counts_begin(true);
	return 0;
}

static const struct capture_call *cell_of(unsigned number)
{
	return &image.calls[image.counters[slot].cells[number] - 1];
}

static void a_class_of_durations_holds_what_it_says(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	for (unsigned class = 1; class < CAPTURE_LATENCIES; class++) {
		assert_int_equal(capture_latency(capture_latency_from(class)), class);
		assert_int_equal(capture_latency(capture_latency_from(class) - 1), class - 1);
		assert_true(class < 2 || (double)capture_latency_from(class) <= 1.25 * (double)capture_latency_from(class - 1));
	}
	assert_int_equal(capture_latency(0), 0);
	assert_int_equal(capture_latency(UINT64_MAX), CAPTURE_LATENCIES - 1);
	for (int i = 0; i < 100000; i++) {
		uint64_t ticks = random_next(&random) >> random_below(&random, 64);
		unsigned class = capture_latency(ticks);

		assert_true(!class || ticks >= capture_latency_from(class));
		assert_true(class + 1 == CAPTURE_LATENCIES || ticks < capture_latency_from(class + 1));
	}
}

static void a_call_is_counted_with_its_bytes_and_its_time(void **state)
{
	const struct capture_call *cell;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		call_ends(7, call_begins(), 0, 10);
	cell = cell_of(7);
	assert_int_equal(image.cells_used, 1);
	assert_int_equal(cell->number, 7);
	assert_int_equal(cell->slot, 1);
	assert_int_equal(cell->calls, 5);
	assert_int_equal(cell->bytes, 50);
	assert_int_equal(cell->errors, 0);
	assert_int_equal(cell->timed, 5);
	assert_true(cell->least_ticks > 0 && cell->least_ticks <= cell->most_ticks && cell->most_ticks <= cell->ticks);
}

static void errors_are_told_apart_and_errno_is_left_alone(void **state)
{
	const struct capture_call *cell;
	uint64_t named = 0;

	(void)state;
	errno = EDOM;
	for (int error = 1; error <= CAPTURE_ERRORS + 3; error++)
		for (int times = 0; times < error; times++)
			call_ends(9, call_begins(), error, 0);
	assert_int_equal(errno, EDOM);
	cell = cell_of(9);
	for (int i = 0; i < CAPTURE_ERRORS; i++) {
		assert_int_equal(cell->errnos[i], i + 1);
		assert_int_equal(cell->error_counts[i], i + 1);
		named += cell->error_counts[i];
	}
	assert_int_equal(cell->errors, cell->calls);
	assert_int_equal(cell->errors - named, 9 + 10 + 11);
}

static void a_call_that_does_not_return_is_counted_without_a_time(void **state)
{
	(void)state;
	call_made(59, 0);
	assert_int_equal(cell_of(59)->calls, 1);
	assert_int_equal(cell_of(59)->timed, 0);
	call_made_failed(59, ENOENT);
	assert_int_equal(cell_of(59)->calls, 1);
	assert_int_equal(cell_of(59)->errors, 1);
	assert_int_equal(cell_of(59)->errnos[0], ENOENT);
}

static void numbers_beyond_the_table_share_the_last_cell(void **state)
{
	(void)state;
	call_made(100000, ENOSYS);
	call_made(UINT32_MAX, ENOSYS);
	assert_int_equal(cell_of(CAPTURE_NUMBERS - 1)->calls, 2);
}

static void a_stopped_clock_stops_times_and_not_counts(void **state)
{
	uint64_t begun = call_begins();

	(void)state;
	call_clock_stop();
	call_ends(3, begun, 0, 0);
	call_ends(3, call_begins(), 0, 0);
	assert_int_equal(cell_of(3)->calls, 2);
	assert_int_equal(cell_of(3)->timed, 0);
	assert_true(image.call_clock.last_ns >= image.call_clock.first_ns);
	call_clock_start();
	call_ends(3, call_begins(), 0, 0);
	assert_int_equal(cell_of(3)->timed, 1);
}

/* Many threads, few cells: those who come late count together, and nothing is lost. */
static void when_cells_run_out_calls_are_counted_in_shared_ones(void **state)
{
	uint64_t calls = 0, shared = 0;

	(void)state;
	for (slot = 1; slot < CAPTURE_COUNTERS; slot++) {
		memset(&this_thread, 0, sizeof(this_thread));
		for (unsigned number = 0; number < 20; number++)
			call_ends(number, call_begins(), number & 1 ? EIO : 0, 1);
	}
	for (uint32_t i = 0; i < image.cells_used; i++) {
		calls += image.calls[i].calls;
		shared += !image.calls[i].slot;
		assert_int_equal(image.calls[i].timed, image.calls[i].calls);
		assert_int_equal(image.calls[i].errors, image.calls[i].number & 1 ? image.calls[i].calls : 0);
	}
	assert_int_equal(calls, 20 * (CAPTURE_COUNTERS - 1));
	assert_int_equal(shared, 20);
	assert_int_equal(backed_from, CAPTURE_EAGER_CALLS);
	assert_int_equal(image.uncounted_calls, 0);
}

static void a_full_disk_is_owned_up_to(void **state)
{
	(void)state;
	disk_full = true;
	for (unsigned number = 0; number < CAPTURE_CELLS_EAGER + 5; number++)
		call_made(number, 0);
	assert_int_equal(image.cells_used, CAPTURE_CELLS_EAGER);
	assert_int_equal(image.uncounted_calls, 5);
}

static void *count_many(void *unused)
{
	(void)unused;
	slot = 0;
	for (int i = 0; i < 20000; i++)
		call_ends((unsigned)i % 4, call_begins(), i % 5 ? 0 : EAGAIN, 2);
	return NULL;
}

static void threads_that_share_a_slot_lose_nothing(void **state)
{
	pthread_t threads[4];
	uint64_t calls = 0, errors = 0, bytes = 0, named = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < image.cells_used; i++) {
		calls += image.calls[i].calls;
		errors += image.calls[i].errors;
		bytes += image.calls[i].bytes;
		named += image.calls[i].error_counts[0];
	}
	assert_int_equal(calls, 80000);
	assert_int_equal(errors, 16000);
	assert_int_equal(named, 16000);
	assert_int_equal(bytes, 160000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_class_of_durations_holds_what_it_says, begin),
		cmocka_unit_test_setup(a_call_is_counted_with_its_bytes_and_its_time, begin),
		cmocka_unit_test_setup(errors_are_told_apart_and_errno_is_left_alone, begin),
		cmocka_unit_test_setup(a_call_that_does_not_return_is_counted_without_a_time, begin),
		cmocka_unit_test_setup(numbers_beyond_the_table_share_the_last_cell, begin),
		cmocka_unit_test_setup(a_stopped_clock_stops_times_and_not_counts, begin),
		cmocka_unit_test_setup(when_cells_run_out_calls_are_counted_in_shared_ones, begin),
		cmocka_unit_test_setup(a_full_disk_is_owned_up_to, begin),
		cmocka_unit_test_setup(threads_that_share_a_slot_lose_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
