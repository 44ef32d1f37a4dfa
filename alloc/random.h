/* SPDX-License-Identifier: MIT */
/* Random numbers for slots whose order is not to be guessed: xorshift64* per thread, seeded by getrandom(2). */
#ifndef PAGEPOOL_RANDOM_H
#define PAGEPOOL_RANDOM_H

#include <stdint.h>

/* Any number, of getrandom(2) where the kernel has begun to give such. */
uint64_t random_secret(void);

/* 0 … limit - 1 */
uint64_t random_below(uint64_t limit);

#endif
