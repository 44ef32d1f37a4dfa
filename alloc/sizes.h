/* SPDX-License-Identifier: MIT */
/*
 * Size classes: multiples of 16 up to 512 bytes, then nine per doubling up to 16 KiB: eight even steps, and one a 32nd
 * above the power of two, for what programs like best, a power of two and a header. At most an eighth of a block is
 * slack (from 129 bytes on; below, 15 bytes). Larger blocks are runs of whole pages.
 */
#ifndef PAGEPOOL_SIZES_H
#define PAGEPOOL_SIZES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT   12
#define PAGE_SIZE    ((size_t)1 << PAGE_SHIFT)
#define SMALL_MAX    ((size_t)16 << 10)         /* largest size class */
#define RUN_MAX      ((size_t)1 << 20)          /* larger blocks are mappings of their own */
#define SIZE_CLASSES 77

/* The class whose blocks hold @size bytes; @size is at most SMALL_MAX. */
static inline unsigned size_class(size_t size)
{
	size_t last = size - (size != 0);
	unsigned log2;

	if (last < 512)
		return (unsigned)(last >> 4);
	log2 = 63 - (unsigned)__builtin_clzl(last);
	return 32 + (log2 - 9) * 9 + (unsigned)(last >> (log2 - 3) & 7) + (last >> (log2 - 5) & 31 ? 1 : 0);
}

/* Bytes of a block of this class. */
static inline size_t class_size(unsigned class)
{
	if (class < 32)
		return (class + 1) * 16UL;
	class -= 32;
	return class % 9 ? (size_t)(8 + class % 9) << (6 + class / 9) : (size_t)33 << (4 + class / 9);
}

/*
 * Pages of a slab of this class: as few as will do, because each class in use leaves half of one empty. At least four
 * pages and four blocks, and at most a sixty-fourth behind the last one.
 */
static inline size_t class_pages(unsigned class)
{
	size_t size = class_size(class), bytes = size > PAGE_SIZE ? size * 4 : PAGE_SIZE * 4;

	bytes = (bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	while (bytes % size * 64 > bytes)
		bytes += PAGE_SIZE;
	return bytes / PAGE_SIZE;
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
