/* SPDX-License-Identifier: MIT */
/*
 * Intervals of estimates from samples by bytes (preload/sampling.h). What the samples did not see is, for blocks of one size, distributed as a negative
 * binomial given the samples that fell; a gamma distribution of its mean and variance stands for it here, and for blocks of mixed sizes. The upper end is
 * that of one sample more, of the smallest blocks: a site whose large blocks are all known may have small ones of which none was a sample. For
 * small blocks this is Garwood's exact interval of a Poisson count (Biometrika 28, 1936), and for mixed ones that of Fay and Feuer (Statistics in
 * Medicine 16, 1997), with the greatest weight there can be.
 */
#include "interval.h"

#include <math.h>

/* The part of a gamma distribution below @x: its series, or a continued fraction (Lentz) where that converges faster. */
static double gamma_below(double shape, double x)
{
	int sign;
	double front, sum, term, b, c, d;

	if (x <= 0)
		return 0;
	front = exp(shape * log(x) - x - lgamma_r(shape, &sign));
	if (x < shape + 1) {
		sum = term = 1 / shape;
		for (int i = 1; i < 100000 && term > sum * 1e-12; i++)
			sum += term *= x / (shape + i);
		return front * sum;
	}
	b = x + 1 - shape;
	c = 1e300;
	d = sum = 1 / b;
	for (int i = 1; i < 100000; i++) {
		double a = i * (shape - i), step;

		b += 2;
		d = 1 / (a * d + b);
		c = b + a / c;
		step = c * d;
		sum *= step;
		if (fabs(step - 1) < 1e-12)
			break;
	}
	return 1 - front * sum;
}

double gamma_quantile(double shape, double probability)
{
	double low = 0, high = shape + 10 * sqrt(shape) + 50;

	for (int i = 0; i < 100 && high - low > high * 1e-9; i++) {
		double middle = (low + high) / 2;

		*(gamma_below(shape, middle) < probability ? &low : &high) = middle;
	}
	return (low + high) / 2;
}

struct interval interval_95(uint64_t samples, uint64_t seen, uint64_t estimate, double variance, uint64_t mean)
{
	struct interval interval = { .known = samples > 0, .low = estimate, .high = estimate };
	double unseen = estimate > seen ? (double)(estimate - seen) : 0, more = unseen + (double)mean, more_variance = variance + (double)mean * (double)mean;

	if (!samples)
		return interval;
	if (unseen > 0 && variance > 0)
		interval.low = seen + (uint64_t)(variance / unseen * gamma_quantile(unseen * unseen / variance, 0.025));
	interval.high = seen + (uint64_t)ceil(more_variance / more * gamma_quantile(more * more / more_variance, 0.975));
	return interval;
}
