/* SPDX-License-Identifier: MIT */
/*
 * Does this kernel have the zero page? Nearly every kernel maps one shared page of zeros where anonymous memory is read
 * that was never written: such a page is present and no memory. A kernel without it gives a page of memory to a read as
 * it does to a write. Tests that only read a page ask here what they must expect of it.
 */
#ifndef PAGEGAP_TEST_ZERO_PAGE_H
#define PAGEGAP_TEST_ZERO_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

/*
 * Nothing that a test is about decides: a write to a page that was only read is one more fault of this thread where the
 * read got the zero page, and none where it got memory. Several pages, so that a stray fault says nothing.
 */
static inline bool zero_page_exists(void)
{
	const size_t page_bytes = 4096, bytes = 16 * page_bytes;
	volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage before, after;
	char seen = 0;

	if (p == MAP_FAILED)
		abort();
	madvise((void *)p, bytes, MADV_NOHUGEPAGE); /* fails where there are no huge pages */
	for (size_t at = 0; at < bytes; at += page_bytes)
		seen = (char)(seen | p[at]);
	if (seen || getrusage(RUSAGE_THREAD, &before))
		abort();
	for (size_t at = 0; at < bytes; at += page_bytes)
		p[at] = 1;
	if (getrusage(RUSAGE_THREAD, &after) || munmap((void *)p, bytes))
		abort();
	return after.ru_minflt - before.ru_minflt >= (long)(bytes / page_bytes);
}

#endif
