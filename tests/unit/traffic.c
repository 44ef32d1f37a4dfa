/* SPDX-License-Identifier: MIT */
/*
 * Bytes by descriptor: found once, counted fast, forgotten when it leads elsewhere; and what happens when there is no room, or no time. What lies around the
 * instrument is played here.
 *
 * links: preload/traffic.c preload/sandbox.c preload/kept.c
 * sanitize: thread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../preload/signals.h"
#include "../../preload/traffic.h"

uint32_t dispatch_on, call_clock;
static struct capture image;
struct capture *capture = &image;
unsigned char fork_sentinel[4096] = { 1 };
__thread struct thread this_thread;
__thread struct signals this_signals;

bool instrument_is_own_process(void)
{
	return true;
}

static int begin(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	memset(&this_thread, 0, sizeof(this_thread));
	this_thread.counters = &image.counters[1];
	traffic_looks_left = TRAFFIC_LOOKS;
	traffic_looks_refused = 0;
	return 0;
}

static void moved(unsigned number, int fd, long result)
{
	traffic_count(number, (long[]){ fd, 0, 0, 0 }, result, 100);
}

static struct capture_traffic *counters(int fd)
{
	return traffic_find(&this_thread, fd);
}

static int null(void)
{
	int fd = open("/dev/null", O_RDWR);

	assert_true(fd >= 0);
	return fd;
}

static void a_descriptor_is_looked_up_once_and_counted(void **state)
{
	int fd = null();

	(void)state;
	moved(SYS_write, fd, 10);
	moved(SYS_read, fd, 5);
	moved(SYS_write, fd, -EAGAIN);
	assert_int_equal(image.targets_used, 1);
	assert_string_equal(image.targets[image.target_of[fd]].name, "/dev/null");
	assert_int_equal(image.targets[image.target_of[fd]].fd, fd);
	assert_int_equal(counters(fd)->calls, 3);
	assert_int_equal(counters(fd)->errors, 1);
	assert_int_equal(counters(fd)->bytes_in, 5);
	assert_int_equal(counters(fd)->bytes_out, 10);
	assert_int_equal(counters(fd)->timed, 3);
	assert_int_equal(counters(fd)->ticks, 300);
	assert_int_equal(counters(fd)->slot, 1);
	close(fd);
}

static void no_descriptor_is_not_counted(void **state)
{
	(void)state;
	moved(SYS_write, 999, -EBADF);
	moved(SYS_write, -1, -EBADF);
	assert_int_equal(image.traffic_used + image.targets_used, 0);
}

static void what_closes_makes_it_be_looked_up_again(void **state)
{
	int fd = null();

	(void)state;
	moved(SYS_write, fd, 1);
	moved(SYS_close, fd, 0);
	assert_int_equal(image.target_of[fd], TARGET_NONE);
	moved(SYS_write, fd, 1); /* as before: the same target */
	assert_int_equal(image.targets_used, 1);
	assert_int_equal(counters(fd)->calls, 2);
	traffic_count(SYS_dup2, (long[]){ 0, fd, 0, 0 }, fd, 0);
	assert_int_equal(image.target_of[fd], TARGET_NONE);
	moved(SYS_write, fd, 1);
	traffic_count(SYS_openat, (long[]){ 0, 0, 0, 0 }, fd, 0);
	assert_int_equal(image.target_of[fd], TARGET_NONE);
	moved(SYS_write, fd, 1);
	traffic_count(SYS_pipe2, (long[]){ (long)(int[]){ 900, fd }, 0, 0, 0 }, 0, 0);
	assert_int_equal(image.target_of[fd], TARGET_NONE);
	moved(SYS_write, fd, 1);
	traffic_count(SYS_close_range, (long[]){ 3, UINT32_MAX, 4, 0 }, 0, 0); /* closed at exec */
	assert_int_not_equal(image.target_of[fd], TARGET_NONE);
	traffic_count(SYS_close_range, (long[]){ 3, UINT32_MAX, 0, 0 }, 0, 0);
	assert_int_equal(image.target_of[fd], TARGET_NONE);
	close(fd);
}

static void calls_between_two_are_counted_with_both(void **state)
{
	int from = null(), to = null();

	(void)state;
	traffic_count(SYS_sendfile, (long[]){ to, from, 0, 50 }, 50, 100);
	traffic_count(SYS_splice, (long[]){ from, 0, to, 0 }, 7, 100);
	assert_int_equal(counters(from)->bytes_in, 57);
	assert_int_equal(counters(to)->bytes_out, 57);
	assert_int_equal(counters(from)->bytes_out + counters(to)->bytes_in, 0);
	close(from);
	close(to);
}

static void the_least_busy_that_is_closed_gives_way(void **state)
{
	uint64_t sum = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < 200; i++) {
		int fd;

		snprintf(name, sizeof(name), "/tmp/traffic%d.%d", getpid(), i);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		assert_true(fd >= 0);
		for (int j = 0; j < (i % 50 ? 1 : 10); j++)
			moved(SYS_write, fd, 10);
		if (i == 100)
			assert_true(image.targets_dropped > 0);
		unlink(name);
		close(fd);
		moved(SYS_close, fd, 0);
	}
	assert_int_equal(image.targets_used, CAPTURE_DESCRIPTORS - TARGET_FIRST);
	for (int i = 0; i < 200; i += 50) {
		bool there = false;

		snprintf(name, sizeof(name), "/tmp/traffic%d.%d", getpid(), i);
		for (int t = TARGET_FIRST; t < CAPTURE_DESCRIPTORS; t++)
			there = there || !strcmp(image.targets[t].name, name);
		assert_true(there);
	}
	for (int i = 0; i < CAPTURE_TRAFFIC; i++)
		sum += image.traffic[i].calls;
	assert_int_equal(sum, 196 + 4 * 10);
}

static void what_is_used_by_others_stays(void **state)
{
	int fd = null();

	(void)state;
	for (unsigned target = TARGET_FIRST; target < CAPTURE_DESCRIPTORS; target++) {
		image.traffic[image.traffic_used] = (struct capture_traffic){ .slot = 2, .target = (uint16_t)target, .calls = 1 };
		image.counters[2].traffic[target] = (uint8_t)++image.traffic_used;
	}
	image.targets_used = CAPTURE_DESCRIPTORS - TARGET_FIRST;
	moved(SYS_write, fd, 10);
	assert_int_equal(image.target_of[fd], TARGET_FILES);
	assert_int_equal(counters(fd)->bytes_out, 10);
	close(fd);
}

static void without_counters_of_its_own_a_thread_shares_some(void **state)
{
	int fd = null();

	(void)state;
	image.traffic_used = CAPTURE_TRAFFIC - CAPTURE_TRAFFIC_SHARED;
	moved(SYS_write, fd, 10);
	moved(SYS_read, fd, 3);
	assert_int_equal(counters(fd)->slot, 0);
	assert_int_equal(counters(fd)->calls, 2);
	assert_int_equal(counters(fd)->bytes_in, 3);
	moved(SYS_write, 5000, 10); /* one of those that are too high */
	assert_int_equal(counters(5000)->target, TARGET_UNKNOWN);
	close(fd);
}

/* Each close makes the next call one on a descriptor that is not known. */
static void looking_up_is_rationed_and_nothing_is_lost(void **state)
{
	struct capture_traffic *unknown = &image.traffic[CAPTURE_TRAFFIC - 1 - TARGET_UNKNOWN];
	const unsigned more = 20 * TRAFFIC_LOOKS;
	int fd = null();
	uint64_t known;

	(void)state;
	for (unsigned i = 0; i < TRAFFIC_LOOKS + more; i++) {
		moved(SYS_write, fd, 1);
		assert_true((counters(fd) == NULL) == (i >= TRAFFIC_LOOKS && image.target_of[fd] == TARGET_NONE));
		moved(SYS_close, fd, 0);
	}
	assert_int_equal(traffic_looks_left, 0);
	assert_int_equal(traffic_looks_refused, more); /* without a clock, one of so many is not */
	known = image.traffic[this_thread.counters->traffic[TARGET_FIRST] - 1].calls;
	assert_int_equal(known, TRAFFIC_LOOKS + more / (4 * TRAFFIC_LOOK_SHARE));
	assert_int_equal(known + unknown->calls, TRAFFIC_LOOKS + more);
	close(fd);
}

static void a_lock_that_nobody_gives_back_stops_nobody(void **state)
{
	int fd = null();

	(void)state;
	image.traffic_lock = 1;
	moved(SYS_write, fd, 10);
	assert_null(counters(fd));
	assert_int_equal(image.traffic[CAPTURE_TRAFFIC - 1 - TARGET_UNKNOWN].bytes_out, 10); /* it is counted all the same */
	image.traffic_lock = 0;
	moved(SYS_write, fd, 10);
	assert_int_equal(counters(fd)->calls, 1);
	close(fd);
}

static int common;

static void *writes(void *slot)
{
	this_thread.counters = slot;
	for (int i = 0; i < 20000; i++) {
		moved(SYS_write, common, 1);
		if (i % 100 == 99)
			moved(SYS_close, common, 0);
	}
	return NULL;
}

static void threads_count_the_same_descriptor_side_by_side(void **state)
{
	pthread_t threads[4];
	uint64_t sum = 0;

	(void)state;
	common = null();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writes, &image.counters[i + 1]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CAPTURE_TRAFFIC; i++)
		sum += image.traffic[i].calls;
	assert_int_equal(sum, 80000);
	assert_int_equal(image.targets_used, 1);
	close(common);
}

static void the_table_says_what_the_function_says_but_for_what_opens(void **state)
{
	(void)state;
	for (unsigned number = 0; number < CAPTURE_NUMBERS; number++)
		assert_int_equal(traffic_ways[number], traffic_way(number) >= TRAFFIC_OPENS ? TRAFFIC_NONE : traffic_way(number));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_descriptor_is_looked_up_once_and_counted),
		TEST(no_descriptor_is_not_counted),
		TEST(what_closes_makes_it_be_looked_up_again),
		TEST(calls_between_two_are_counted_with_both),
		TEST(the_least_busy_that_is_closed_gives_way),
		TEST(what_is_used_by_others_stays),
		TEST(without_counters_of_its_own_a_thread_shares_some),
		TEST(looking_up_is_rationed_and_nothing_is_lost),
		TEST(a_lock_that_nobody_gives_back_stops_nobody),
		TEST(threads_count_the_same_descriptor_side_by_side),
		TEST(the_table_says_what_the_function_says_but_for_what_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
