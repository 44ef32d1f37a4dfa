/* SPDX-License-Identifier: MIT */
/*
 * The allocation functions of C, POSIX and glibc under their own names: what is checked of the arguments, and errno.
 * Where standards leave a choice, glibc's is made, because that is what programs here were tested with.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "heap.h"
#include "lock.h"
#include "options.h"
#include "pagemap.h"
#include "sizes.h"

#define EXPORT __attribute__((visibility("default")))

/* C23, not in the headers of this glibc */
void free_sized(void *block, size_t bytes);
void free_aligned_sized(void *block, size_t align, size_t bytes);

static bool is_power_of_two(size_t number)
{
	return number && !(number & (number - 1));
}

static void *refuse(int error)
{
	errno = error;
	return NULL;
}

EXPORT void *malloc(size_t bytes)
{
	return heap_allocate(bytes);
}

EXPORT void *calloc(size_t count, size_t bytes)
{
	return heap_allocate_zeroed(count, bytes);
}

/* A block resized to nothing is freed. */
EXPORT void *realloc(void *block, size_t bytes)
{
	if (block && !bytes) {
		heap_free(block);
		return NULL;
	}
	return heap_resize(block, bytes);
}

EXPORT void *reallocarray(void *block, size_t count, size_t bytes)
{
	if (__builtin_mul_overflow(count, bytes, &bytes))
		return refuse(ENOMEM);
	return realloc(block, bytes); /* by its name: valgrind, and others who stand in front of realloc, may not know of this one */
}

EXPORT void free(void *block)
{
	heap_free(block);
}

/* The sizes are the caller's word; the slab knows better. */
EXPORT void free_sized(void *block, size_t bytes)
{
	(void)bytes;
	free(block);
}

EXPORT void free_aligned_sized(void *block, size_t align, size_t bytes)
{
	(void)align;
	(void)bytes;
	free(block);
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
	return is_power_of_two(align) ? heap_allocate_aligned(align, bytes) : refuse(EINVAL);
}

/* Any alignment is rounded up to a power of two. */
EXPORT void *memalign(size_t align, size_t bytes)
{
	if (align > SIZE_MAX / 2 + 1)
		return refuse(EINVAL);
	while (!is_power_of_two(align))
		align = align ? (align | (align - 1)) + 1 : 1;
	return heap_allocate_aligned(align, bytes);
}

/* errno says it, too, when there is no memory. */
EXPORT int posix_memalign(void **block, size_t align, size_t bytes)
{
	void *allocated;

	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	allocated = heap_allocate_aligned(align, bytes);
	if (!allocated)
		return ENOMEM;
	*block = allocated;
	return 0;
}

EXPORT void *valloc(size_t bytes)
{
	return heap_allocate_aligned(PAGE_SIZE, bytes);
}

EXPORT void *pvalloc(size_t bytes)
{
	if (bytes > PTRDIFF_MAX)
		return refuse(ENOMEM);
	return valloc(round_up(bytes ? bytes : 1, PAGE_SIZE));
}

EXPORT size_t malloc_usable_size(void *block)
{
	return heap_usable(block);
}

EXPORT int malloc_trim(size_t pad)
{
	int error = errno;
	bool any = heap_trim();

	(void)pad;
	errno = error;
	return any;
}

/* M_PERTURB clears blocks when they are freed. The other parameters belong to another design: without effect here. */
EXPORT int mallopt(int parameter, int value)
{
	if (parameter == M_PERTURB)
		heap_clear_freed(value != 0);
	return parameter >= M_ARENA_MAX && parameter <= M_MXFAST;
}

__attribute__((constructor(101))) static void start(void)
{
	heap_start();
	pagemap_prepare_next();
}
