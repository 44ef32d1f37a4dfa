/* SPDX-License-Identifier: MIT */
/* Allocators by name: which library each is, where it is installed, and which package has it. */
#ifndef PAGEGAP_ALLOCATORS_H
#define PAGEGAP_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>

/* All that are known by name, the one to compare with first. */
#define ALLOCATORS_KNOWN "glibc,pool,jemalloc,mimalloc,tcmalloc"

struct allocator {
	char *name;             /* fit to print; each only once in a list */
	char *path;             /* of the library to preload, absolute; NULL: none is, or it is missing */
	bool  missing;
	const char *package;    /* where to get one that is missing, in words */
};

struct allocators {
	struct allocator *list;
	size_t count;           /* of those that are there, which come first */
	size_t missing;         /* of those behind them */
};

/*
 * allocators_find - read a list of names and paths
 * @list: as of --alloc, separated by commas; what has a slash in it is a path
 *
 * False after a complaint: a name is not known, a path cannot be used, or nothing of the list is there.
 */
bool allocators_find(const char *list, struct allocators *allocators);

void allocators_free(struct allocators *allocators);

#endif
