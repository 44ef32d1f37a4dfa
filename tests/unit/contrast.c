/* SPDX-License-Identifier: MIT */
/*
 * What is said of two allocators from runs whose truth is known: times that are made up, with a fixed seed.
 * links: report/contrast.c report/memory.c report/complain.c report/escape.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../../report/contrast.h"
#include "random.h"

#define COMPARISONS 2000
#define MOST_RUNS   40

/* 0 < x < 1 */
static double uniform(struct random *random)
{
	return ((double)(random_next(random) >> 11) + 0.5) / 9007199254740992.0;
}

/* Irwin and Hall: twelve of them, less six, are close to normal. */
static double normal(struct random *random)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += uniform(random);
	return sum;
}

/* Times as they are met. Each is of a run that would take 100. */
static double quiet(struct random *random, size_t round)
{
	(void)round;
	return 100 + normal(random);
}

/* Something else runs in one of eight runs, and takes what it wants. */
static double disturbed(struct random *random, size_t round)
{
	double time = quiet(random, round);

	return random_below(random, 8) ? time : time * (1 + 5 * uniform(random));
}

/* Never faster than it can, sometimes much slower. */
static double skewed(struct random *random, size_t round)
{
	double u = uniform(random);

	(void)round;
	return 100 + 3 * u / (1 - u);
}

/* A machine that gets slower from round to round by more than the runs vary. */
static double drifting(struct random *random, size_t round)
{
	return quiet(random, round) * (1 + 0.2 * (double)round);
}

/* Memory: whole pages, the same more often than not. */
static double in_steps(struct random *random, size_t round)
{
	(void)round;
	return 4096 * (double)(100 + random_below(random, 3));
}

typedef double draw(struct random *random, size_t round);
static draw *const draws[] = { quiet, disturbed, skewed, drifting, in_steps };
#define DRAWS (sizeof(draws) / sizeof(draws[0]))

static struct contrast made_up(struct random *random, draw *of, size_t runs, double ratio)
{
	double first[MOST_RUNS], second[MOST_RUNS];

	for (size_t i = 0; i < runs; i++) {
		first[i] = of(random, i);
		second[i] = of(random, i) * ratio;
	}
	return contrast_of(first, second, runs);
}

static const size_t numbers_of_runs[] = { CONTRAST_PAIRS, 9, 10, 11, 12, 15, 20, MOST_RUNS };
#define NUMBERS (sizeof(numbers_of_runs) / sizeof(numbers_of_runs[0]))

/* Two figures are judged: that both of them are the same must come out 19 times in 20. */
static void the_same_allocator_twice_is_no_difference_19_times_in_20(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	for (size_t d = 0; d < DRAWS; d++)
		for (size_t n = 0; n < NUMBERS; n++) {
			size_t same = 0;

			for (int i = 0; i < COMPARISONS; i++) {
				struct contrast time = made_up(&random, draws[d], numbers_of_runs[n], 1);
				struct contrast memory = made_up(&random, draws[d], numbers_of_runs[n], 1);

				same += time.verdict == VERDICT_SAME && memory.verdict == VERDICT_SAME;
			}
			if (same * 20 < COMPARISONS * 19)
				fail_msg("times %zu, %zu runs: %zu of %d", d, numbers_of_runs[n], same, COMPARISONS);
		}
}

static void the_interval_holds_the_true_ratio(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	for (size_t d = 0; d < DRAWS; d++)
		for (size_t n = 0; n < NUMBERS; n++) {
			size_t held = 0;

			for (int i = 0; i < COMPARISONS; i++) {
				struct contrast contrast = made_up(&random, draws[d], numbers_of_runs[n], 1.3);

				held += contrast.ratio.low <= 1.3 * (1 + 1e-9) &&
					contrast.ratio.high >= 1.3 * (1 - 1e-9);
			}
			assert_in_range(held, COMPARISONS * 98 / 100, COMPARISONS);
		}
}

static void a_difference_of_a_tenth_is_found_in_ten_runs_that_vary_by_a_hundredth(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	for (int i = 0; i < COMPARISONS; i++) {
		assert_int_equal(made_up(&random, quiet, 10, 0.9).verdict, VERDICT_LESS);
		assert_int_equal(made_up(&random, quiet, 10, 1.1).verdict, VERDICT_MORE);
	}
}

static void one_disturbed_run_of_twelve_does_not_hide_a_difference(void **state)
{
	struct random random = { FIXED_SEED };
	double first[12], second[12];

	(void)state;
	for (int i = 0; i < COMPARISONS; i++) {
		for (size_t r = 0; r < 12; r++) {
			first[r] = quiet(&random, r);
			second[r] = quiet(&random, r) * 0.8;
		}
		second[random_below(&random, 12)] *= 50;
		assert_int_equal(contrast_of(first, second, 12).verdict, VERDICT_LESS);
	}
}

/* The tails of the binomial distribution, summed by hand. */
static void bounds_are_the_order_statistics_of_the_sign_test(void **state)
{
	static const struct { size_t count, rank;
	} cases[] = {
		{ 0, 0 }, { 1, 0 }, { 7, 0 },   /* 2 / 128 is more than 1 / 100 */
		{ 8, 1 },                       /* 2 / 256 */
		{ 11, 1 },                      /* 2 (1 + 11) / 2048 is more */
		{ 12, 2 },                      /* 2 (1 + 12) / 4096 */
		{ 14, 2 },                      /* 2 (1 + 14 + 91) / 16384 is more */
		{ 15, 3 },                      /* 2 (1 + 15 + 105) / 32768 */
		{ 20, 4 },                      /* 2 (1 + 20 + 190 + 1140) / 1048576; with 4845 more it would be 1.2 % */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(interval_rank(cases[i].count), cases[i].rank);
	assert_in_range(interval_rank(CONTRAST_MOST), 450, 470); /* 500 - 2.58 * sqrt(1000) / 2 */
}

static void too_few_runs_say_nothing(void **state)
{
	double first[7] = { 1, 1, 1, 1, 1, 1, 1 }, second[7] = { 2, 2, 2, 2, 2, 2, 2 };
	struct contrast contrast = contrast_of(first, second, 7);

	(void)state;
	assert_int_equal(contrast.verdict, VERDICT_UNKNOWN);
	assert_true(contrast.ratio.value > 1.99 && contrast.ratio.value < 2.01);
	assert_true(isnan(contrast.ratio.low) && isnan(contrast.ratio.high));
	assert_true(isnan(contrast_of(first, second, 0).ratio.value));
}

static void what_is_printed_as_the_same_is_the_same(void **state)
{
	double first[10], second[10];

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		first[i] = 1000;
		second[i] = 1004;
	}
	assert_int_equal(contrast_of(first, second, 10).verdict, VERDICT_SAME);
	for (size_t i = 0; i < 10; i++)
		second[i] = 1006;
	assert_int_equal(contrast_of(first, second, 10).verdict, VERDICT_MORE);
}

static void pairs_without_a_figure_are_left_out(void **state)
{
	double first[10] = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, second[10] = { 1, 0, 2, 2, 2, 2, 2, 2, 2, 2 };
	struct contrast contrast = contrast_of(first, second, 10);

	(void)state;
	assert_int_equal(contrast.pairs, 8);
	assert_int_equal(contrast.verdict, VERDICT_MORE);
}

static void a_median_is_the_one_in_the_middle(void **state)
{
	double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 };

	(void)state;
	assert_true(median_of(odd, 3).value == 2);
	assert_true(median_of(even, 4).value == 2.5);
	assert_true(isnan(median_of(odd, 0).value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_allocator_twice_is_no_difference_19_times_in_20),
		cmocka_unit_test(the_interval_holds_the_true_ratio),
		cmocka_unit_test(a_difference_of_a_tenth_is_found_in_ten_runs_that_vary_by_a_hundredth),
		cmocka_unit_test(one_disturbed_run_of_twelve_does_not_hide_a_difference),
		cmocka_unit_test(bounds_are_the_order_statistics_of_the_sign_test),
		cmocka_unit_test(too_few_runs_say_nothing),
		cmocka_unit_test(what_is_printed_as_the_same_is_the_same),
		cmocka_unit_test(pairs_without_a_figure_are_left_out),
		cmocka_unit_test(a_median_is_the_one_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
