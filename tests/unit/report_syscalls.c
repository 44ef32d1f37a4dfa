/* SPDX-License-Identifier: MIT */
/*
 * System calls of several images: their sums, their order, and each habit that is worth a note just above its bound and not below.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../report/call_patterns.h"
#include "../../report/calls.h"
#include "../../report/syscalls.h"
#include "report_synthetic.h"

static struct capture capture;
static struct call_figures figures[CAPTURE_NUMBERS];

static struct capture_call *cell(size_t place, uint16_t number, uint64_t calls, uint64_t bytes)
{
	capture.calls[place] = (struct capture_call){ .number = number, .slot = 1, .calls = calls, .bytes = bytes };
	capture.cells_used = (uint32_t)place + 1;
	return &capture.calls[place];
}

static void timed(struct capture_call *call, uint64_t each)
{
	call->timed = call->calls;
	call->ticks = call->calls * each;
	call->least_ticks = call->most_ticks = each;
	call->latencies[capture_latency(each)] = call->calls;
}

static void failed(struct capture_call *call, int error, uint64_t count)
{
	call->errors += count;
	call->errnos[0] = (uint16_t)error;
	call->error_counts[0] = count;
}

static int begin(void **state)
{
	(void)state;
	memset(&capture, 0, sizeof(capture));
	capture.call_clock.kind = CALL_CLOCK_MONOTONIC;
	return 0;
}

static const struct call_figures *call(size_t count, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (figures[i].number == number)
			return &figures[i];
	return NULL;
}

static void the_images_of_a_tree_add_up(void **state)
{
	const struct call_figures *read;
	size_t count;

	(void)state;
	timed(cell(0, SYS_read, 100, 5000), 1000);
	failed(&capture.calls[0], EAGAIN, 3);
	calls_begin();
	calls_add(&capture);
	begin(NULL);
	timed(cell(0, SYS_read, 50, 70), 3000);
	failed(&capture.calls[0], EINTR, 4);
	timed(cell(1, SYS_write, 7, 9), 10);
	calls_add(&capture);
	count = calls_take(figures);
	assert_int_equal(count, 2);
	read = call(count, SYS_read);
	assert_int_equal(read->calls, 150);
	assert_int_equal(read->errors, 7);
	assert_int_equal(read->bytes, 5070);
	assert_int_equal(read->time_ns, 250000);
	assert_int_equal(read->least_ns, 1000);
	assert_int_equal(read->most_ns, 3000);
	assert_true(read->half_ns >= 1000 && read->half_ns <= 1250);
	assert_int_equal(read->p99_ns, 3000);
	assert_int_equal(read->by_error[0].error, EINTR);
	assert_int_equal(read->by_error[1].count, 3);
}

static void times_by_another_clock_are_left_out(void **state)
{
	(void)state;
	timed(cell(0, SYS_read, 100, 0), 1000);
	calls_begin();
	calls_add(&capture);
	capture.call_clock = (struct capture_clock){ .kind = CALL_CLOCK_TSC, .last_ticks = 2000000, .last_ns = 1000000 };
	calls_add(&capture);
	assert_int_equal(calls_take(figures), 1);
	assert_int_equal(figures[0].calls, 200);
	assert_int_equal(figures[0].timed, 100);
	assert_int_equal(figures[0].time_ns, 100000);
}

static void services_part_what_is_read_from_what_is_written(void **state)
{
	struct service services[SYSCALL_CATEGORIES];
	size_t count;

	(void)state;
	timed(cell(0, SYS_read, 10, 1000), 100);
	timed(cell(1, SYS_write, 10, 300), 100);
	timed(cell(2, SYS_sendfile, 1, 7), 100);
	timed(cell(3, SYS_mmap, 1, 0), 10000);
	count = calls_of(&capture, figures);
	assert_int_equal(calls_services(figures, count, services), 2);
	assert_string_equal(services[0].name, "memory");
	assert_true(services[0].bytes_in == CAPTURE_UNKNOWN);
	assert_string_equal(services[1].name, "file");
	assert_int_equal(services[1].calls, 21);
	assert_int_equal(services[1].time_ns, 2100);
	assert_int_equal(services[1].bytes_in, 1007);
	assert_int_equal(services[1].bytes_out, 307);
}

static void calls_are_sorted_by_each_key(void **state)
{
	static const unsigned first[CALLS_SORTS] = {
		[SORT_TIME] = SYS_mmap, [SORT_CALLS] = SYS_write, [SORT_ERRORS] = SYS_close, [SORT_MAX] = SYS_mmap,
		[SORT_P99] = SYS_mmap, [SORT_BYTES] = SYS_read, [SORT_NAME] = SYS_close,
	};
	size_t count;

	(void)state;
	timed(cell(0, SYS_read, 10, 1000), 100);
	timed(cell(1, SYS_write, 50, 300), 100);
	timed(cell(2, SYS_mmap, 1, 0), 100000);
	failed(cell(3, SYS_close, 20, 0), EBADF, 20);
	count = calls_of(&capture, figures);
	for (unsigned by = 0; by < CALLS_SORTS; by++) {
		calls_sort(figures, count, (enum calls_sort)by);
		assert_int_equal(figures[0].number, first[by]);
	}
}

static bool noted(const char *name)
{
	struct call_pattern patterns[CALL_PATTERNS];
	size_t count = calls_of(&capture, figures), used = call_patterns(figures, count, patterns);

	for (size_t i = 0; i < used; i++)
		if (!strcmp(patterns[i].name, name))
			return true;
	return false;
}

/* A habit of one call: noted when it is made @enough times, not once less often, nor when it is less than a tenth of all. */
static void one_call(const char *name, uint16_t number, uint64_t enough, uint64_t bytes_each)
{
	begin(NULL);
	cell(0, number, enough - 1, (enough - 1) * bytes_each);
	assert_false(noted(name));
	cell(0, number, enough, enough * bytes_each);
	assert_true(noted(name));
	cell(1, SYS_getpid, enough * 11, 0);
	assert_false(noted(name));
}

static void habits_of_a_single_call(void **state)
{
	(void)state;
	one_call("tiny reads", SYS_read, 1000, 1);
	one_call("tiny writes", SYS_write, 1000, 63);
	one_call("stat storm", SYS_newfstatat, 1000, 0);
	one_call("clock calls", SYS_clock_gettime, 1000, 0);
	one_call("yields", SYS_sched_yield, 1000, 0);
	one_call("memory pairs", SYS_brk, 1000, 0);
}

static void reads_of_a_buffer_are_not_tiny(void **state)
{
	(void)state;
	cell(0, SYS_read, 100000, 100000 * 4096ULL);
	assert_false(noted("tiny reads"));
}

static void mappings_that_stay_are_no_pairs(void **state)
{
	(void)state;
	cell(0, SYS_mmap, 5000, 0);
	assert_false(noted("memory pairs"));
	cell(1, SYS_munmap, 4000, 0);
	assert_true(noted("memory pairs"));
}

static void opens_that_mostly_find_are_not_noted(void **state)
{
	(void)state;
	failed(cell(0, SYS_openat, 4000, 0), ENOENT, 1999);
	assert_false(noted("failed opens"));
	failed(cell(0, SYS_openat, 4000, 0), ENOENT, 2000);
	assert_true(noted("failed opens"));
	failed(cell(0, SYS_openat, 4000, 0), EACCES, 2000);
	assert_false(noted("failed opens"));
}

static void futexes_that_come_too_late_or_take_time(void **state)
{
	(void)state;
	cell(0, SYS_futex, 1000, 0);
	assert_false(noted("futex contention"));
	failed(cell(0, SYS_futex, 1000, 0), EAGAIN, 50);
	assert_true(noted("futex contention"));
	timed(cell(0, SYS_futex, 1000, 0), 1000);
	timed(cell(1, SYS_read, 1000, 1 << 20), 1000);
	assert_true(noted("futex contention"));
	timed(cell(1, SYS_read, 1000, 1 << 20), 10000);
	assert_false(noted("futex contention"));
}

static void polls_that_return_at_once(void **state)
{
	(void)state;
	timed(cell(0, SYS_epoll_wait, 1000, 0), 500);
	assert_true(noted("busy polls"));
	timed(cell(0, SYS_epoll_wait, 1000, 0), 50000);
	assert_false(noted("busy polls"));
}

static void calls_made_in_vain(void **state)
{
	(void)state;
	failed(cell(0, SYS_recvfrom, 2000, 1 << 20), EAGAIN, 999);
	assert_false(noted("retries"));
	failed(cell(1, SYS_nanosleep, 2000, 0), EINTR, 1);
	assert_true(noted("retries"));
}

static void syncs_that_take_the_time(void **state)
{
	(void)state;
	timed(cell(0, SYS_fsync, 9, 0), 1000000);
	assert_false(noted("syncs"));
	timed(cell(0, SYS_fsync, 10, 0), 1000000);
	assert_true(noted("syncs"));
	timed(cell(1, SYS_write, 1000, 1 << 20), 100000);
	assert_false(noted("syncs"));
}

static void births_that_are_waited_for(void **state)
{
	(void)state;
	cell(0, SYS_clone, 100, 0);
	assert_false(noted("forks"));
	cell(1, SYS_wait4, 50, 0);
	assert_true(noted("forks"));
	cell(0, SYS_clone, 99, 0);
	cell(1, SYS_wait4, 99, 0);
	assert_false(noted("forks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_images_of_a_tree_add_up, begin),
		cmocka_unit_test_setup(times_by_another_clock_are_left_out, begin),
		cmocka_unit_test_setup(services_part_what_is_read_from_what_is_written, begin),
		cmocka_unit_test_setup(calls_are_sorted_by_each_key, begin),
		cmocka_unit_test_setup(habits_of_a_single_call, begin),
		cmocka_unit_test_setup(reads_of_a_buffer_are_not_tiny, begin),
		cmocka_unit_test_setup(mappings_that_stay_are_no_pairs, begin),
		cmocka_unit_test_setup(opens_that_mostly_find_are_not_noted, begin),
		cmocka_unit_test_setup(futexes_that_come_too_late_or_take_time, begin),
		cmocka_unit_test_setup(polls_that_return_at_once, begin),
		cmocka_unit_test_setup(calls_made_in_vain, begin),
		cmocka_unit_test_setup(syncs_that_take_the_time, begin),
		cmocka_unit_test_setup(births_that_are_waited_for, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
