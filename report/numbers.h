/* SPDX-License-Identifier: MIT */
/* Numbers for things that come again and again: 1, 2, 3, … in the order in which they came first. */
#ifndef PAGEGAP_NUMBERS_H
#define PAGEGAP_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct numbered {
	uint64_t key[3];
	uint64_t number;                /* 0: free */
};

/* A hash table with open addressing; begins as zeros. */
struct numbers {
	struct numbered *of;
	size_t used, room;
};

/* The number of what these three together stand for. @fresh: it has just got it. */
uint64_t numbers_get(struct numbers *numbers, uint64_t a, uint64_t b, uint64_t c, bool *fresh);
void numbers_free(struct numbers *numbers);

#endif
