/* SPDX-License-Identifier: MIT */
/*
 * What runs of two allocators say about the difference between them. Runs are compared in pairs that lie next to each
 * other in time, so that a machine that gets slower slows both; of the ratios of the pairs, the median is the estimate.
 * Nothing is assumed of how times are distributed.
 */
#ifndef PAGEGAP_CONTRAST_H
#define PAGEGAP_CONTRAST_H

#include <stddef.h>

/*
 * How often an interval may miss. Two figures of an allocator are judged, its time and its peak of resident memory, so
 * that of one that makes no difference this is said in 98 of 100 comparisons; and of twenty of them in a row, one at most
 * goes wrong as a rule. With 1/40 it would be 95 of 100, and two of twenty too often.
 */
#define CONTRAST_MISS 0.01

/* A ratio that is printed as 1.00 is no difference, however surely it is not 1. */
#define CONTRAST_LEAST 0.005

/* Below it, no interval is narrow enough to be one: 2 / 2^PAIRS > CONTRAST_MISS. */
#define CONTRAST_PAIRS 8
#define CONTRAST_MOST 1000

enum verdict { VERDICT_UNKNOWN, VERDICT_SAME, VERDICT_LESS, VERDICT_MORE };

/* Of some values, and where it lies if they are a sample of many. */
struct median {
	double value;           /* NAN: there are none */
	double low, high;       /* NAN: there are too few to say */
};

/* Of the second to the first. */
struct contrast {
	size_t pairs;
	struct median ratio;    /* of the pairs' ratios */
	enum verdict verdict;
};

/* The middle one, or the mean of the two in the middle. Sorts them. */
struct median median_of(double *values, size_t count);

/*
 * interval_rank - which of the sorted values bounds the median
 *
 * Returns k: the median lies between the k-th smallest and the k-th largest of so many independent values but for
 * CONTRAST_MISS. 0: no two values are far enough apart for that. @count: at most CONTRAST_MOST.
 */
size_t interval_rank(size_t count);

/*
 * contrast_of - compare in pairs
 * @first, @second: of the same round each; a pair with a value that is not above zero is left out
 */
struct contrast contrast_of(const double *first, const double *second, size_t pairs);

#endif
