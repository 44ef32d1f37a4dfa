/* SPDX-License-Identifier: MIT */
/*
 * Size classes: multiples of 16 up to 256 bytes, then eight steps per doubling up to 32 KiB, so that at most an eighth
 * of a block is slack (from 129 bytes on; below, 15 bytes). Larger blocks are runs of whole pages.
 */
#ifndef PAGEPOOL_SIZES_H
#define PAGEPOOL_SIZES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT   12
#define PAGE_SIZE    ((size_t)1 << PAGE_SHIFT)
#define SMALL_MAX    ((size_t)32 << 10)         /* largest size class */
#define RUN_MAX      ((size_t)1 << 20)          /* larger blocks are mappings of their own */
#define SIZE_CLASSES 72

/* The class whose blocks hold @size bytes; @size is at most SMALL_MAX. */
static inline unsigned size_class(size_t size)
{
	size_t last = size - (size != 0);
	unsigned log2;

	if (last < 256)
		return (unsigned)(last >> 4);
	log2 = 63 - (unsigned)__builtin_clzl(last);
	return 16 + (log2 - 8) * 8 + (unsigned)(last >> (log2 - 3) & 7);
}

/* Bytes of a block of this class. */
static inline size_t class_size(unsigned class)
{
	if (class < 16)
		return (class + 1) * 16UL;
	class -= 16;
	return (size_t)(9 + (class & 7)) << (5 + class / 8);
}

/*
 * Pages of a slab of this class. 64 KiB, but no more than 1,024 blocks; from 2 KiB on as many as 16, 8 or 4 blocks fill
 * exactly (such sizes are multiples of 256, 512 and 2,048 bytes).
 */
static inline size_t class_pages(unsigned class)
{
	size_t size = class_size(class);

	if (size <= 64)
		return size * 1024 / PAGE_SIZE;
	if (size <= 2048)
		return 16;
	return size * (size <= 4096 ? 16 : size <= 16384 ? 8 : 4) / PAGE_SIZE;
}

static inline size_t pages_of(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static inline size_t round_up(size_t bytes, size_t alignment)
{
	return (bytes + alignment - 1) & ~(alignment - 1);
}

#endif
