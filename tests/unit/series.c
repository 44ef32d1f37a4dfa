/* SPDX-License-Identifier: MIT */
/* A series of samples that has room for a few, over a time that has many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/series.h"

#define ROOM 8

struct sample { uint64_t at, square; };

static struct sample samples[ROOM];
static uint32_t used;
static uint64_t interval;

/* As those do that have something to note now and then. */
static void note(uint64_t at)
{
	if (used && at - samples[used - 1].at < interval)
		return;
	series_make_room(samples, sizeof(samples[0]), ROOM, &used, &interval);
	samples[used++] = (struct sample){ at, at * at };
}

static void a_series_stays_whole_in_order_and_within_its_room(void **state)
{
	(void)state;
	interval = 1;
	for (uint64_t at = 1; at <= 10000; at++) {
		note(at);
		assert_in_range(used, 1, ROOM);
		for (uint32_t i = 0; i < used; i++) {
			assert_int_equal(samples[i].square, samples[i].at * samples[i].at);
			assert_true(!i || samples[i].at > samples[i - 1].at);
		}
	}
}

static void a_full_series_covers_all_of_the_time(void **state)
{
	(void)state;
	used = 0;
	interval = 1;
	for (uint64_t at = 1; at <= 1000; at++)
		note(at);
	assert_in_range(used, ROOM / 2, ROOM);
	assert_in_range(interval, 1000 / ROOM, 2 * 1000 / ROOM);
	assert_in_range(samples[0].at, 1, 2 * interval);
	assert_in_range(samples[used - 1].at, 1000 - interval, 1000);
	for (uint32_t i = 1; i < used; i++)
		assert_in_range(samples[i].at - samples[i - 1].at, interval / 2, 2 * interval);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_series_stays_whole_in_order_and_within_its_room),
		cmocka_unit_test(a_full_series_covers_all_of_the_time),
	};

	return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
