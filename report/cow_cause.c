/* SPDX-License-Identifier: MIT */
#include "cow_cause.h"

#include <stdio.h>
#include <string.h>

#define LEAST_PAGES 64 /* copied: of fewer nobody asks why */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* These write the address of the next free block into each; jemalloc, for one, has a bitmap elsewhere. */
static bool threads_lists_through_blocks(const char *allocator)
{
	static const char *const names[] = { "glibc", "libmimalloc", "libtcmalloc" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(base_name(allocator), names[i], strlen(names[i])))
			return true;
	return false;
}

/* "python3", "python3.11": the names that CPython installs itself by. */
static bool is_cpython(const char *exe)
{
	unsigned major;

	return sscanf(base_name(exe), "python%u", &major) == 1;
}

static bool is_most(uint64_t part, uint64_t whole)
{
	return part != CAPTURE_UNKNOWN && part >= LEAST_PAGES && part > whole / 2;
}

enum cow_cause cow_cause(const struct recording *recording, const struct cow_fork *fork, const char *allocator,
			 const char *exe)
{
	uint64_t freed = recording->images[fork->child].frees, heap_free = fork->rows[ROW_HEAP_FREE].copied;
	uint64_t objects = figure_sum(fork->rows[ROW_HEAP_LIVE].copied, fork->rows[ROW_ANON].copied);

	if (!fork->side_child || !fork->watched || fork->sum.copied == CAPTURE_UNKNOWN || !fork->heap_split)
		return CAUSE_UNKNOWN;
	if (is_most(heap_free, fork->sum.copied) && threads_lists_through_blocks(allocator) && freed != CAPTURE_UNKNOWN &&
	    freed >= heap_free)
		return CAUSE_FREE_LISTS;
	return is_cpython(exe) && is_most(objects, fork->sum.copied) ? CAUSE_REFERENCE_COUNTS : CAUSE_UNKNOWN;
}

const char *cow_cause_key(enum cow_cause cause)
{
	static const char *const keys[] = { [CAUSE_FREE_LISTS] = "free_lists", [CAUSE_REFERENCE_COUNTS] = "reference_counts" };

	return keys[cause];
}
