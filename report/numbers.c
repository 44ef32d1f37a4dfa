/* SPDX-License-Identifier: MIT */
/* Numbering by a hash table. */
#include "numbers.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static struct numbered *slot_of(const struct numbers *numbers, const uint64_t key[3])
{
	uint64_t hash = (key[0] ^ key[1] << 21 ^ key[2] << 42 ^ key[2] >> 22) * 0x9e3779b97f4a7c15; /* as in site_profile.c */
	size_t at = (size_t)(hash >> 32) & (numbers->room - 1);

	while (numbers->of[at].number && memcmp(numbers->of[at].key, key, sizeof(numbers->of[at].key)))
		at = (at + 1) & (numbers->room - 1);
	return &numbers->of[at];
}

uint64_t numbers_get(struct numbers *numbers, uint64_t a, uint64_t b, uint64_t c, bool *fresh)
{
	const uint64_t key[3] = { a, b, c };
	struct numbered *slot;

	if (numbers->used * 2 >= numbers->room) {
		struct numbers old = *numbers;

		numbers->room = old.room ? old.room * 2 : 1024;
		numbers->of = memory_get(numbers->room * sizeof(numbers->of[0]));
		for (size_t i = 0; i < old.room; i++)
			if (old.of[i].number)
				*slot_of(numbers, old.of[i].key) = old.of[i];
		free(old.of);
	}
	slot = slot_of(numbers, key);
	*fresh = !slot->number;
	if (*fresh) {
		memcpy(slot->key, key, sizeof(slot->key));
		slot->number = ++numbers->used;
	}
	return slot->number;
}

void numbers_free(struct numbers *numbers)
{
	free(numbers->of);
	*numbers = (struct numbers){ 0 };
}
