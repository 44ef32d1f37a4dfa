/* SPDX-License-Identifier: MIT */
/* Most kernels serve reads of fresh anonymous memory from one shared page of zeros; some are told not to have it. */
#ifndef ZERO_PAGE_H
#define ZERO_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A page that was only read faults again when it is written, if what was read was the shared one. */
static inline bool zero_page_exists(void)
{
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage before, after;
	char seen;

	if (page == MAP_FAILED)
		return false;
	madvise((void *)page, 4096, MADV_NOHUGEPAGE);
	seen = *page;
	getrusage(RUSAGE_SELF, &before);
	getrusage(RUSAGE_SELF, &before); /* what the first call touched is there now */
	*page = (char)(seen + 1);
	getrusage(RUSAGE_SELF, &after);
	munmap((void *)page, 4096);
	return after.ru_minflt != before.ru_minflt;
}

#endif
