/* SPDX-License-Identifier: MIT */
/* How far an estimate from samples may be from the truth. */
#ifndef PAGEGAP_INTERVAL_H
#define PAGEGAP_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

struct interval {
	bool     known;                 /* there were samples */
	uint64_t low, high;
};

/*
 * interval_95 - bytes between which the truth lies in 95 of 100 cases
 * @samples: how many there were
 * @seen: bytes of these alone, below which it cannot be
 * @estimate: bytes that they stand for
 * @variance: of the estimate, in bytes^2
 * @mean: one sample in so many bytes
 *
 * Right for few samples too, where the truth can be much more than the estimate, but not much less.
 */
struct interval interval_95(uint64_t samples, uint64_t seen, uint64_t estimate, double variance, uint64_t mean);

/* The value below which a gamma distribution of scale 1 lies with a probability. */
double gamma_quantile(double shape, double probability);

#endif
