/* SPDX-License-Identifier: MIT */
/*
 * What became of the time that threads lived: parts that are the whole, bounds that hold, and nothing where something is not known.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "../../report/accounting.h"
#include "report_synthetic.h"

static struct capture image;

static struct capture_thread_time lived(uint64_t ns, uint64_t user, uint64_t system, uint64_t wait)
{
	return (struct capture_thread_time){ .lived_ns = ns, .user_ns = user, .system_ns = system, .wait_ns = wait };
}

/* Two threads: one of a second, of which half was slept, and one of half a second that is gone and computed all the time. */
static int begin(void **state)
{
	(void)state;
	synthetic_capture(&image, 100, 1, 0, BORN_START, 100 * SECOND);
	memset(&image.calls, 0, sizeof(image.calls));
	image.cells_used = 0;
	image.begun_ns = image.start_ns;
	image.begun_user_ns = SECOND / 100;
	image.begun_system_ns = SECOND / 200;
	image.begun_wait_ns = SECOND / 400;
	image.user_ns = SECOND / 100 + SECOND * 7 / 10;
	image.system_ns = SECOND / 200 + SECOND / 4;
	image.runnable_wait_ns = SECOND / 400 + SECOND / 20;
	image.threads_lived_ns = SECOND * 3 / 2;
	image.threads_asked_ns = 10000;
	image.counters[1].thread = (struct capture_thread){ .threads = 1, .tid = 100, .alive = 1, .now = lived(SECOND, SECOND / 5, SECOND / 4, SECOND / 20) };
	image.counters[2].thread = (struct capture_thread){ .threads = 1, .tid = 101, .ended = lived(SECOND / 2, SECOND / 2, 0, 0) };
	return 0;
}

static void a_call(uint64_t calls, uint64_t ticks)
{
	image.call_clock = (struct capture_clock){ .kind = CALL_CLOCK_MONOTONIC };
	image.cells_used = 1;
	image.calls[0] = (struct capture_call){ .number = 0, .slot = 1, .calls = calls, .timed = calls, .ticks = ticks, .least_ticks = 1, .most_ticks = ticks };
}

static void the_parts_are_the_whole(void **state)
{
	struct accounting a = accounting_of(&image);

	(void)state;
	assert_true(a.known);
	assert_int_equal(a.threads, 2);
	assert_int_equal(a.lived_ns, SECOND * 3 / 2);
	assert_int_equal(a.user_ns, SECOND * 7 / 10);
	assert_int_equal(a.asleep_ns, SECOND / 2);
	assert_int_equal(a.user_ns + a.system_ns + a.wait_ns + a.asleep_ns, a.lived_ns);
	assert_int_equal(a.bound_ns, 10000 + 4000); /* one thread was asked, and two figures were rounded twice */
	assert_true(a.least_in_calls_ns == CAPTURE_UNKNOWN && a.most_in_calls_ns == CAPTURE_UNKNOWN);
}

static void processor_time_outside_of_the_lives_widens_the_bound(void **state)
{
	(void)state;
	image.counters[2].thread.ended.user_ns -= 3000000;
	image.counters[1].thread.now.unread_ns = 200;
	assert_int_equal(accounting_of(&image).bound_ns, 10000 + 4000 + 3000000 + 200);
}

static void sleep_in_calls_is_bounded_by_what_they_took(void **state)
{
	struct accounting a;

	(void)state;
	a_call(10, SECOND * 2 / 5); /* it may have been awake in them for 0.3 s */
	a = accounting_of(&image);
	assert_int_equal(a.most_in_calls_ns, SECOND * 2 / 5);
	assert_int_equal(a.least_in_calls_ns, SECOND / 10 - a.bound_ns - 1000);
	a_call(10, SECOND / 5);
	a = accounting_of(&image);
	assert_int_equal(a.least_in_calls_ns, 0);
	assert_int_equal(a.most_in_calls_ns, SECOND / 5);
	a_call(10, 2 * SECOND); /* no more than there is */
	a = accounting_of(&image);
	assert_int_equal(a.most_in_calls_ns, SECOND / 2);
	assert_int_equal(a.least_in_calls_ns, SECOND / 2);
}

static void a_little_more_than_there_is_is_a_matter_of_the_bound(void **state)
{
	struct accounting a;

	(void)state;
	image.threads_lived_ns = SECOND - 5000;
	a = accounting_of(&image);
	assert_true(a.known);
	assert_int_equal(a.asleep_ns, 0);
	assert_int_equal(a.lived_ns, SECOND);
	image.threads_lived_ns = SECOND / 2;
	assert_false(accounting_of(&image).known);
}

static void what_is_not_known_is_not_made_up(void **state)
{
	static const size_t needed[] = {
		offsetof(struct capture, user_ns), offsetof(struct capture, runnable_wait_ns), offsetof(struct capture, threads_lived_ns),
		offsetof(struct capture, begun_wait_ns), offsetof(struct capture, threads_asked_ns),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		begin(NULL);
		*(uint64_t *)(void *)((char *)&image + needed[i]) = CAPTURE_UNKNOWN;
		assert_false(accounting_of(&image).known);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(the_parts_are_the_whole),
		TEST(processor_time_outside_of_the_lives_widens_the_bound),
		TEST(sleep_in_calls_is_bounded_by_what_they_took),
		TEST(a_little_more_than_there_is_is_a_matter_of_the_bound),
		TEST(what_is_not_known_is_not_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
