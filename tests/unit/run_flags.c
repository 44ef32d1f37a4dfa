/* SPDX-License-Identifier: MIT */
/*
 * Flags of the pages of a list of runs, against a model that holds a byte for each page of a window.
 *
 * links: preload/run_flags.c preload/ranges.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/run_flags.h"
#include "random.h"

#define BASE  0x7f0000000000ULL         /* address of the window's first page */
#define COUNT 20000                     /* its pages */
enum { OUTSIDE = 0x80 };                /* in no run */

static uint64_t first[FIRST_RUNS], more[MORE_RUNS], used;
static const struct page_runs runs = { first, more, &used };
static struct run_flags flags;
static unsigned char model[COUNT], seen[COUNT];

static uint64_t address(uint64_t page)
{
	return BASE + page * PAGE_BYTES;
}

static void make_runs(struct random *random)
{
	used = 0;
	memset(model, OUTSIDE, sizeof(model));
	for (uint64_t page = 0; page < COUNT;) {
		uint64_t length = random_percent(random, 5) ? random_below(random, 2000) : random_below(random, 40);
		uint64_t end = min_u64(COUNT, page + length);

		if (random_percent(random, 70) && end > page) {
			assert_true(page_runs_add(&(struct page_runs){ first, more, &used }, address(page), address(end)));
			memset(model + page, 0, end - page);
		}
		page = end + random_below(random, 30);
	}
}

static void see(void *unused, uint64_t start, uint64_t end, unsigned found)
{
	assert_null(unused);
	assert_true(start < end);
	for (uint64_t page = (start - BASE) / PAGE_BYTES; page < (end - BASE) / PAGE_BYTES; page++) {
		assert_int_equal(seen[page], OUTSIDE);
		seen[page] = (unsigned char)found;
	}
}

static void agrees(uint64_t from, uint64_t to)
{
	memset(seen, OUTSIDE, sizeof(seen));
	run_flags_within(&flags, &runs, address(from), address(to), see, NULL);
	for (uint64_t page = 0; page < COUNT; page++)
		assert_int_equal(seen[page], page >= from && page < to ? model[page] : OUTSIDE);
}

static uint64_t count(unsigned which)
{
	uint64_t pages = 0;

	for (uint64_t page = 0; page < COUNT; page++)
		pages += model[page] != OUTSIDE && (model[page] & which) == which;
	return pages;
}

static bool any_kept(uint64_t from, uint64_t to)
{
	for (uint64_t page = from; page < to; page++)
		if (model[page] != OUTSIDE && !(model[page] & RUN_LEFT))
			return true;
	return false;
}

/* What has left is not written any more. */
static void set(uint64_t from, uint64_t to, unsigned which)
{
	run_flags_set(&flags, &runs, address(from), address(to), which);
	for (uint64_t page = from; page < to; page++)
		if (model[page] != OUTSIDE && !(which == RUN_WRITTEN && model[page] & RUN_LEFT))
			model[page] |= (unsigned char)which;
}

static void agree_at_random(struct random random)
{
	for (int list = 0; list < 20; list++) {
		make_runs(&random);
		agrees(0, COUNT);
		assert_true(run_flags_make(&flags, &runs));
		for (int i = 0; i < 300; i++) {
			uint64_t from = random_below(&random, COUNT);
			uint64_t to = min_u64(COUNT, from + random_below(&random, random_percent(&random, 10) ? 5000 : 70));

			set(from, to, random_percent(&random, 70) ? RUN_WRITTEN :
				      random_percent(&random, 50) ? RUN_LEFT : RUN_LEFT | RUN_SETTLED);
			assert_int_equal(run_flags_any_kept(&flags, &runs, address(from), address(to)), any_kept(from, to));
			if (i % 20 == 0)
				agrees(from, COUNT - random_below(&random, COUNT - from));
		}
		agrees(0, COUNT);
		for (unsigned which = RUN_WRITTEN; which <= RUN_FLAGS; which++)
			assert_int_equal(run_flags_count(&flags, &runs, which), count(which));
		run_flags_clear(&flags);
	}
}

static void random_flags_agree_with_the_model(void **state)
{
	(void)state;
	agree_at_random((struct random){ FIXED_SEED });
}

static void random_flags_of_another_seed_agree_with_the_model(void **state)
{
	(void)state;
	agree_at_random(random_of_moment(__func__));
}

static void no_flags_are_none(void **state)
{
	(void)state;
	used = 0;
	assert_true(page_runs_add(&(struct page_runs){ first, more, &used }, address(0), address(COUNT)));
	assert_int_equal(run_flags_count(&flags, &runs, RUN_WRITTEN), 0);
	assert_true(run_flags_any_kept(&flags, &runs, address(5), address(6)));
	run_flags_clear(&flags);
}

static void flags_are_made_once_and_taken_back_at_once(void **state)
{
	(void)state;
	assert_true(run_flags_make(&flags, &runs));
	run_flags_set(&flags, &runs, address(7), address(9), RUN_WRITTEN);
	assert_true(run_flags_make(&flags, &runs));
	assert_int_equal(run_flags_count(&flags, &runs, RUN_WRITTEN), 2);
	run_flags_clear(&flags);
	assert_int_equal(run_flags_count(&flags, &runs, RUN_WRITTEN), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_flags_are_none),
		cmocka_unit_test(flags_are_made_once_and_taken_back_at_once),
		cmocka_unit_test(random_flags_agree_with_the_model),
		cmocka_unit_test(random_flags_of_another_seed_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("run flags", tests, NULL, NULL);
}
