/* SPDX-License-Identifier: MIT */
/* Looks up every function that is called through `next`, once, before the first of them is forwarded. */
#include "next.h"

#include <string.h>
#include <gnu/lib-names.h>

#include "lookup.h"
#include "object.h"

struct next next;
extern void *next_syscall; /* process.c, for calls.S */
struct allocator allocator;

/* Weak, for a look-up that finds nothing would call malloc, for dlerror, before all is ready. */
extern size_t pagepool_statistics_1(void *statistics, size_t bytes) __attribute__((weak, visibility("default")));

/* True if a function lies in the same object as malloc. */
static bool beside_malloc(void *function)
{
	return (uint64_t)function >= allocator.start && (uint64_t)function < allocator.end;
}

static void find_allocator(void)
{
	struct object object;
	const char *slash;

	if (!object_of((void *)next.malloc, &object))
		return;
	allocator.path = object.path;
	allocator.start = object.start;
	allocator.end = object.end;
	slash = strrchr(object.path, '/');
	allocator.glibc = !strcmp(slash ? slash + 1 : object.path, LIBC_SO);
	allocator.usable_known = beside_malloc((void *)next.malloc_usable_size);
	if (allocator.glibc)
		return;
	allocator.operators = beside_malloc(lookup("_Znwm"));
	if (beside_malloc((void *)pagepool_statistics_1))
		allocator.statistics = pagepool_statistics_1;
}

void next_resolve(void)
{
#define NEXT_LOOKUP(name, returns, parameters) *(void **)&next.name = lookup(#name);
	NEXT_HEAP_TABLE(NEXT_LOOKUP)
	NEXT_OTHER_TABLE(NEXT_LOOKUP)
#undef NEXT_LOOKUP
	find_allocator();
	next_syscall = (void *)next.syscall;
}
