/* SPDX-License-Identifier: MIT */
/* A library that the user already preloads: replaces getppid, and counts the calls of malloc that it hands on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static unsigned long calls;

PUBLIC unsigned long other_preload_calls(void);
PUBLIC unsigned long other_preload_calls(void) { return calls; }
PUBLIC pid_t getppid(void) { return 4242; }

PUBLIC void *malloc(size_t size)
{
	static void *(*next)(size_t);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	calls++;
	return next(size);
}
