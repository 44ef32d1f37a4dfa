/* SPDX-License-Identifier: MIT */
/* Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016. */
#include "random.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "lock.h"

static THREAD_LOCAL uint64_t state;

uint64_t random_secret(void)
{
	int error = errno;
	uint64_t secret = 0;

	if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret) || !secret)
		secret = (uint64_t)(uintptr_t)&secret ^ (uint64_t)getpid() << 32 ^ 0x9e3779b97f4a7c15UL;
	errno = error;
	return secret;
}

uint64_t random_below(uint64_t limit)
{
	if (!state)
		state = random_secret();
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dUL >> 32) % limit;
}
