/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of samples by bytes. Points fall on the bytes that a program asks for, at random, one in so many on average (a Poisson process),
 * and a block that one falls into is a sample: with the probability 1 - exp(-bytes / mean), so that it stands for 1 / (1 - exp(-bytes / mean))
 * blocks like it (Horvitz and Thompson 1952). In whole numbers: floating point inside an allocator would change what a program
 * reads with fetestexcept(3), or raise what it asked for with feenableexcept(3).
 */
#ifndef PAGEGAP_SAMPLING_H
#define PAGEGAP_SAMPLING_H

#include "capture_sites.h"

/* Weights have so many bits behind the point. */
#define WEIGHT_SHIFT 20

typedef unsigned __int128 sampling_wide;

/* An xorshift generator (Marsaglia 2003) with a multiplied output; the state is never 0. */
static inline uint64_t sampling_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* A state from a number: of neighbouring numbers, unlike ones (splitmix64, Steele and others 2014). */
static inline uint64_t sampling_seed(uint64_t number)
{
	number += 0x9e3779b97f4a7c15ULL;
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
	number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
	number ^= number >> 31;
	return number ? number : 1;
}

/* Whole bytes until the next point: mean * -ln(u), u = @random / 2^64. The logarithm to base 2 bit by bit, by squaring. */
static inline uint64_t sampling_gap(uint64_t mean, uint64_t random)
{
	uint64_t zeros, mantissa, bits, ln2 = 0xb17217f7d1cf79abULL; /* 2^64 ln 2 */

	random |= 1;
	zeros = (uint64_t)__builtin_clzll(random);
	mantissa = random << zeros;
	bits = 63 - zeros;
	for (int i = 0; i < 32; i++) {
		sampling_wide square = (sampling_wide)mantissa * mantissa;
		uint64_t bit = (uint64_t)(square >> 127);

		mantissa = (uint64_t)(square >> (63 + bit));
		bits = bits << 1 | bit;
	}
	bits = (64ULL << 32) - bits;
	bits = (uint64_t)((sampling_wide)bits * ln2 >> 64);
	return (uint64_t)((sampling_wide)bits * mean >> 32);
}

/*
 * sampling_weight - blocks that a sample of so many bytes stands for
 * @bytes: not 0; @mean: SITES_MEAN_LEAST to SITES_MEAN_MOST
 *
 * 1 / (1 - exp(-x)) = (1 + coth(x/2)) / 2. The series of coth is good below 1/2; beyond, coth(2h) = (coth h + 1 / coth h) / 2.
 */
static inline uint64_t sampling_weight(uint64_t bytes, uint64_t mean)
{
	const uint64_t one = 1ULL << 30;
	uint64_t half, square, coth, doublings = 0, divisor = 2 * mean;

	if (bytes / 32 >= mean)
		return 1ULL << WEIGHT_SHIFT;
	for (; bytes > divisor / 2; doublings++)
		divisor *= 2;
	half = (uint64_t)(((sampling_wide)bytes << 40) / divisor);
	square = (uint64_t)((sampling_wide)half * half >> 40);
	coth = (uint64_t)(((sampling_wide)divisor << 30) / bytes);
	coth += (half / 3) >> 10;
	half = (uint64_t)((sampling_wide)half * square >> 40);
	coth -= (half / 45) >> 10;
	half = (uint64_t)((sampling_wide)half * square >> 40);
	coth += (half * 2 / 945) >> 10;
	half = (uint64_t)((sampling_wide)half * square >> 40);
	coth -= (half / 4725) >> 10;
	while (doublings--)
		coth = (coth + (1ULL << 60) / coth) / 2;
	return (one + coth + (1 << (30 - WEIGHT_SHIFT))) >> (31 - WEIGHT_SHIFT);
}

/* What a sample of a block of @requested bytes adds to the estimates of its site. */
struct sampling_share {
	uint64_t blocks;                /* in 1 / 1024 */
	uint64_t bytes;
	uint64_t variance;              /* of bytes, in mean^2 / 2^20 */
};

static inline struct sampling_share sampling_share(uint64_t requested, uint64_t weight, uint64_t mean)
{
	struct sampling_share share;
	sampling_wide variance;

	share.blocks = (weight + (1 << (WEIGHT_SHIFT - 11))) >> (WEIGHT_SHIFT - 10);
	share.bytes = (uint64_t)(((sampling_wide)requested * weight + (1 << (WEIGHT_SHIFT - 1))) >> WEIGHT_SHIFT);
	variance = (sampling_wide)share.bytes * (share.bytes - requested);
	share.variance = (uint64_t)((variance << 20) / ((sampling_wide)mean * mean));
	return share;
}

#endif
