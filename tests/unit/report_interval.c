/* SPDX-License-Identifier: MIT */
/*
 * Intervals against exact ones, and how often they hold the truth: blocks of known sizes are sampled as preload/ does it, thousands of times.
 *
 * links: report/interval.c
 * build: -lm
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/sampling.h"
#include "../../report/interval.h"

/* Of chi-square distributions with 2k degrees of freedom, halved: R's qgamma(p, k). */
static void quantiles_are_those_of_tables(void **state)
{
	static const struct { double shape, probability, value; } known[] = {
		{ 1, 0.025, 0.025317808 }, { 1, 0.975, 3.688879454 }, { 2, 0.975, 5.571643391 }, { 5, 0.025, 1.623486390 },
		{ 6, 0.975, 11.66833 }, { 10, 0.025, 4.795388696 }, { 11, 0.975, 18.39036 }, { 100, 0.025, 81.36399 }, { 101, 0.975, 121.6268 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		double found = gamma_quantile(known[i].shape, known[i].probability);

		if (fabs(found - known[i].value) > 1e-5 * known[i].value)
			fail_msg("gamma(%g), %g: %.9g, should be %.9g", known[i].shape, known[i].probability, found, known[i].value);
	}
	for (double shape = 0.1; shape < 1e7; shape *= 3)
		assert_true(gamma_quantile(shape, 0.025) < gamma_quantile(shape, 0.5) && gamma_quantile(shape, 0.5) < gamma_quantile(shape, 0.975));
}

/* Garwood's interval of 10 events: 4.795 to 18.39. Bytes are 2^20 a sample. */
static void small_blocks_have_the_exact_interval_of_a_poisson_count(void **state)
{
	const double mean = 1 << 20;
	struct interval interval = interval_95(10, 0, 10 << 20, 10 * mean * mean, 1 << 20);

	(void)state;
	assert_true(interval.known);
	assert_true(fabs((double)interval.low / mean - 4.795388696) < 1e-4);
	assert_true(fabs((double)interval.high / mean - 18.39036) < 1e-4);
}

static void what_was_seen_whole_is_certain(void **state)
{
	struct interval interval = interval_95(3, 3UL << 30, 3UL << 30, 0, 1 << 20);

	(void)state;
	assert_true(interval.known && interval.low == 3UL << 30);
	assert_true(fabs((double)(interval.high - interval.low) / (1 << 20) - 3.688879454) < 1e-4); /* small ones, unseen: as after no sample at all */
	assert_false(interval_95(0, 0, 0, 0, 1 << 20).known);
}

/* Of so many blocks, of sizes from a list in turn. */
static void hold_the_truth(const char *what, uint64_t blocks, const uint64_t *sizes, unsigned kinds)
{
	enum { TRIALS = 3000 };
	const uint64_t mean = 64 << 10;
	uint64_t random = sampling_seed(blocks * 31 + kinds + sizes[0]), trials = 0, inside = 0, truth = 0;
	double sum = 0;

	for (uint64_t i = 0; i < blocks; i++)
		truth += sizes[i % kinds];
	for (int trial = 0; trial < TRIALS; trial++) {
		uint64_t samples = 0, seen = 0, estimate = 0, variance = 0, gap = sampling_gap(mean, sampling_random(&random));
		struct interval interval;

		for (uint64_t i = 0; i < blocks; i++) {
			uint64_t bytes = sizes[i % kinds];
			struct sampling_share share;

			if (gap > bytes) {
				gap -= bytes + 1;
				continue;
			}
			share = sampling_share(bytes, sampling_weight(bytes + 1, mean), mean);
			samples++;
			seen += bytes;
			estimate += share.bytes;
			variance += share.variance;
			gap = sampling_gap(mean, sampling_random(&random));
		}
		interval = interval_95(samples, seen, estimate, (double)variance / SITES_VARIANCE * (double)mean * (double)mean, mean);
		assert_int_equal(interval.known, samples > 0);
		sum += (double)estimate;
		trials += interval.known;
		inside += interval.known && interval.low <= truth && truth <= interval.high;
	}
	print_message("  %s: %.2f %% of %lu, mean %.4f\n", what, 100.0 * (double)inside / (double)trials, trials, sum / TRIALS / (double)truth);
	if (inside * 1000 < trials * 940)
		fail_msg("%s: the truth is in %lu of %lu intervals", what, inside, trials);
	if (fabs(sum / TRIALS / (double)truth - 1) > 5 * sqrt((double)mean / (double)truth / TRIALS))
		fail_msg("%s: the estimates are %g of the truth on average", what, sum / TRIALS / (double)truth);
}

static void intervals_hold_the_truth(void **state)
{
	static const uint64_t small[] = { 100 }, mixed[] = { 16, 40, 24, 1000, 64, 300, 8000 }, middling[] = { 30000 }, large[] = { 200000 };
	static const uint64_t wide[] = { 10, 500, 10, 70000, 20, 3000, 10, 1000000, 100, 100, 100, 100, 100 };

	(void)state;
	hold_the_truth("three samples of small blocks", 2000, small, 1);
	hold_the_truth("thirty of small blocks", 20000, small, 1);
	hold_the_truth("three hundred of small blocks", 200000, small, 1);
	hold_the_truth("few of mixed blocks", 500, mixed, 7);
	hold_the_truth("many of mixed blocks", 10000, mixed, 7);
	hold_the_truth("few middling blocks", 10, middling, 1);
	hold_the_truth("many middling blocks", 1000, middling, 1);
	hold_the_truth("few large blocks", 5, large, 1);
	hold_the_truth("many large blocks", 300, large, 1);
	hold_the_truth("few of all sizes", 26, wide, 13);
	hold_the_truth("many of all sizes", 2600, wide, 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_those_of_tables),
		cmocka_unit_test(small_blocks_have_the_exact_interval_of_a_poisson_count),
		cmocka_unit_test(what_was_seen_whole_is_certain),
		cmocka_unit_test(intervals_hold_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
