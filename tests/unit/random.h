/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for tests that compare with a model. Each such test runs with a fixed seed and with one of the moment;
 * the latter is printed, and SEED=number in the environment takes its place, to see a failure again.
 */
#ifndef PAGEGAP_TEST_RANDOM_H
#define PAGEGAP_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIXED_SEED 20240229

struct random {
	uint64_t state;
};

/* SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0 … limit - 1 */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_next(random) % limit;
}

/* True in @percent of 100 cases. */
static inline int random_percent(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

static inline struct random random_of_moment(const char *test)
{
	const char *given = getenv("SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
	printf("# %s: SEED=%llu\n", test, (unsigned long long)seed);
	fflush(stdout);
	return (struct random){ seed };
}

#endif
