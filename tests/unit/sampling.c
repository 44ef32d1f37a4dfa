/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of samples against the C library's: weights of all sizes and means, gaps whose distribution is the exponential one.
 *
 * build: -lm
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/sampling.h"

static void weights_are_those_of_the_mathematics_library(void **state)
{
	(void)state;
	for (uint64_t mean = SITES_MEAN_LEAST; mean <= SITES_MEAN_MOST; mean = mean * 7 / 3 + 1) {
		for (uint64_t bytes = 1; bytes < 1UL << 47; bytes = bytes * 9 / 8 + 1) {
			double expected = -1 / expm1(-(double)bytes / (double)mean);
			double found = (double)sampling_weight(bytes, mean) / (1 << WEIGHT_SHIFT);

			if (fabs(found - expected) > expected * 2e-6)
				fail_msg("%lu bytes, one in %lu: weight %.9g, should be %.9g", bytes, mean, found, expected);
		}
	}
}

static void shares_are_the_weights_blocks_bytes_and_variance(void **state)
{
	const uint64_t mean = 512 << 10;

	(void)state;
	for (uint64_t bytes = 0; bytes < 1UL << 40; bytes = bytes * 5 / 4 + 1) {
		struct sampling_share share = sampling_share(bytes, sampling_weight(bytes + 1, mean), mean);
		double weight = -1 / expm1(-(double)(bytes + 1) / (double)mean), size = (double)bytes;

		assert_true(fabs((double)share.blocks / 1024 - weight) <= weight * 1e-3);
		assert_true(fabs((double)share.bytes - weight * size) <= weight * size * 2e-6 + 1);
		assert_true(fabs((double)share.variance / (1 << 20) * (double)mean * (double)mean - size * size * weight * (weight - 1)) <=
			    size * size * weight * (weight - 1) * 1e-3 + size * (double)mean * 1e-4 + (double)mean * (double)mean / (1 << 20));
	}
}

/* How many of so many gaps are shorter than some lengths: each within five standard deviations of what is expected. */
static void gaps_are_exponential(void **state)
{
	enum { DRAWS = 2000000 };
	static const double lengths[] = { 0.0001, 0.01, 0.1, 0.5, 1, 2, 4, 8 };
	const uint64_t mean = 512 << 10;
	uint64_t random = sampling_seed(1), shorter[8] = { 0 };
	double sum = 0;

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		uint64_t gap = sampling_gap(mean, sampling_random(&random));

		sum += (double)gap;
		for (int j = 0; j < 8; j++)
			shorter[j] += (double)gap < lengths[j] * (double)mean;
	}
	assert_true(fabs(sum / DRAWS + 0.5 - (double)mean) < 5 * (double)mean / sqrt(DRAWS));
	for (int j = 0; j < 8; j++) {
		double p = -expm1(-ceil(lengths[j] * (double)mean) / (double)mean), deviation = sqrt(DRAWS * p * (1 - p));

		if (fabs((double)shorter[j] - DRAWS * p) > 5 * deviation)
			fail_msg("%lu of %d gaps are shorter than %g means, should be %.0f", shorter[j], DRAWS, lengths[j], DRAWS * p);
	}
}

static void the_ends_of_the_random_numbers_are_safe(void **state)
{
	(void)state;
	assert_true(sampling_gap(SITES_MEAN_MOST, UINT64_MAX) <= 4);
	assert_true(sampling_gap(SITES_MEAN_MOST, 0) < 45 * SITES_MEAN_MOST);
	assert_true(sampling_gap(SITES_MEAN_MOST, 0) > 44 * SITES_MEAN_MOST);
	for (uint64_t i = 0; i < 100000; i++)
		assert_int_not_equal(sampling_seed(i), sampling_seed(i + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_those_of_the_mathematics_library),
		cmocka_unit_test(shares_are_the_weights_blocks_bytes_and_variance),
		cmocka_unit_test(gaps_are_exponential),
		cmocka_unit_test(the_ends_of_the_random_numbers_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
