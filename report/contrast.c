/* SPDX-License-Identifier: MIT */
/*
 * The interval of a median from order statistics, the inverse of the sign test: a value lies below the median with
 * probability one half, so the number of values that do is binomial, whatever their distribution (W. J. Conover,
 * Practical Nonparametric Statistics, 3rd edition, section 3.2; H. A. David and H. N. Nagaraja, Order Statistics,
 * section 7.1). Runs of the same allocator under two names are exchangeable, so that the median of their ratios is 1.
 */
#include "contrast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static int by_value(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return first < second ? -1 : first > second;
}

size_t interval_rank(size_t count)
{
	/* Of so many throws of a coin: the probability of exactly k heads, and of fewer. */
	double exactly = ldexp(1, -(int)count), fewer = 0;
	size_t k = 0;

	while (2 * (fewer + exactly) <= CONTRAST_MISS) {
		fewer += exactly;
		exactly *= (double)(count - k) / (double)(k + 1);
		k++;
	}
	return k;
}

struct median median_of(double *values, size_t count)
{
	struct median median = { NAN, NAN, NAN };
	size_t rank = interval_rank(count);

	if (!count)
		return median;
	qsort(values, count, sizeof(values[0]), by_value);
	median.value = count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
	if (rank) {
		median.low = values[rank - 1];
		median.high = values[count - rank];
	}
	return median;
}

static enum verdict judge(const struct median *ratio)
{
	if (isnan(ratio->low))
		return VERDICT_UNKNOWN;
	if ((ratio->low <= 1 && ratio->high >= 1) || fabs(ratio->value - 1) < CONTRAST_LEAST)
		return VERDICT_SAME;
	return ratio->value < 1 ? VERDICT_LESS : VERDICT_MORE;
}

struct contrast contrast_of(const double *first, const double *second, size_t pairs)
{
	double *ratios = memory_get(pairs * sizeof(ratios[0]));
	struct contrast contrast = { 0 };

	for (size_t i = 0; i < pairs; i++)
		if (first[i] > 0 && second[i] > 0)
			ratios[contrast.pairs++] = second[i] / first[i];
	contrast.ratio = median_of(ratios, contrast.pairs);
	contrast.verdict = judge(&contrast.ratio);
	free(ratios);
	return contrast;
}
