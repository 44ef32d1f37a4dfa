/* SPDX-License-Identifier: MIT */
/*
 * The one difference in bytes between the same threaded program run with one preloaded library and with another: with
 * each thread the loader allocates a vector of 16 bytes for every loaded object that has thread-local storage (dtv_t,
 * elf/dl-tls.c). An observer's library that has some adds 16 bytes to each. Programs say on standard error how much of
 * their bytes that is.
 */
#ifndef PAGEGAP_TESTS_TLS_H
#define PAGEGAP_TESTS_TLS_H

#include <link.h>
#include <stdio.h>
#include <unistd.h>

static int tls_highest(struct dl_phdr_info *object, size_t size, void *highest)
{
	(void)size;
	if (object->dlpi_tls_modid > *(size_t *)highest)
		*(size_t *)highest = object->dlpi_tls_modid;
	return 0;
}

/* @threads: threads whose stacks were not taken over from threads before them */
static inline void tls_say(unsigned threads)
{
	char text[64];
	size_t objects = 0;
	int length;

	dl_iterate_phdr(tls_highest, &objects);
	length = snprintf(text, sizeof(text), "vectors %zu\n", 16 * threads * objects);
	if (length < 0 || write(2, text, (size_t)length) != length)
		_exit(1);
}

#endif
