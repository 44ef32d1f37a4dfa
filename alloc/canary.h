/* SPDX-License-Identifier: MIT */
/*
 * Canaries (option canaries=1): behind the bytes that were asked for, up to the end of the block, stands what depends on
 * a secret of the process and on the address; the last word says, in the same cipher, how many bytes were asked for.
 * What a program writes beyond its block, it writes over that, and it is noticed when the block is freed or resized.
 */
#ifndef PAGEPOOL_CANARY_H
#define PAGEPOOL_CANARY_H

#include <stdbool.h>
#include <stddef.h>

#define CANARY_BYTES 8  /* at least, behind each block */

/* Once, before the first block is armed. */
void canary_start(void);

/* @room: bytes of the block, at least @bytes and CANARY_BYTES together */
void canary_arm(void *block, size_t room, size_t bytes);

/* Whether nobody wrote behind the block; *bytes is set to what it was armed with. */
bool canary_holds(const void *block, size_t room, size_t *bytes);

#endif
