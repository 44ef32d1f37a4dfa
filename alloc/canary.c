/* SPDX-License-Identifier: MIT */
/* The cipher, and what is written and compared with it. */
#include "canary.h"

#include <stdint.h>
#include <string.h>

#include "random.h"

/*
 * An odd number and its inverse modulo 2^64: the size is multiplied with the one, so that a change of any byte of the
 * last word changes what is deciphered beyond what a size can be.
 */
#define SPREAD   0x9e3779b97f4a7c15UL
#define GATHER   0xf1de83e19937733dUL
_Static_assert(SPREAD * GATHER == 1, "the one undoes the other");

static uint64_t secret;

void canary_start(void)
{
	secret = random_secret();
}

/* What stands behind a block at this address (Steele, Lea and Flood, "Fast splittable pseudorandom number generators"). */
static uint64_t key_of(const void *block)
{
	uint64_t key = (uint64_t)(uintptr_t)block ^ secret;

	key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9UL;
	key = (key ^ key >> 27) * 0x94d049bb133111ebUL;
	return key ^ key >> 31;
}

static unsigned char byte_of(uint64_t key, size_t at)
{
	return (unsigned char)(key >> at % 8 * 8);
}

void canary_arm(void *block, size_t room, size_t bytes)
{
	unsigned char *at = block;
	uint64_t key = key_of(block), last = bytes * SPREAD ^ key;

	for (size_t i = bytes; i < room - CANARY_BYTES; i++)
		at[i] = byte_of(key, i);
	memcpy(at + room - CANARY_BYTES, &last, CANARY_BYTES);
}

bool canary_holds(const void *block, size_t room, size_t *bytes)
{
	const unsigned char *at = block;
	uint64_t key = key_of(block), last;

	memcpy(&last, at + room - CANARY_BYTES, CANARY_BYTES);
	*bytes = (last ^ key) * GATHER;
	if (*bytes > room - CANARY_BYTES)
		return false;
	for (size_t i = *bytes; i < room - CANARY_BYTES; i++)
		if (at[i] != byte_of(key, i))
			return false;
	return true;
}
