/* SPDX-License-Identifier: MIT */
/*
 * malloc and its relatives, under names of their own: api.c gives them the standard ones, and tests call these, so that
 * they can be built together with another malloc.
 */
#ifndef PAGEPOOL_HEAP_H
#define PAGEPOOL_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Each as in malloc(3): NULL and errno without memory; a block of no bytes is a block. */
void *heap_allocate(size_t bytes);
void *heap_allocate_zeroed(size_t count, size_t bytes);
void *heap_resize(void *block, size_t bytes);

/* @align is a power of two. */
void *heap_allocate_aligned(size_t align, size_t bytes);

/* Leaves errno alone. */
void heap_free(void *block);

/* Usable bytes; 0 of NULL. */
size_t heap_usable(void *block);

/* Gives all that is free back to the kernel, as far as whole pages are; whether there was any. */
bool heap_trim(void);

/* From now on, blocks are cleared when they are freed, or no longer. */
void heap_clear_freed(bool clear);

/* Reads the options and registers the handlers, once. */
void heap_start(void);

#endif
