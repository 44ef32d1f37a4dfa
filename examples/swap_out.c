/* SPDX-License-Identifier: MIT */
/*
 * Swap space: memory that is not used may be written to disk and taken away; touching it brings it back, page by
 * page, with a major fault. The program writes 8 MiB, asks the kernel to take them away at once (MADV_PAGEOUT), and
 * reads half of them.
 *
 * In the report: the row anon ("own mappings") has 8 MiB resident, then in swap space, then 4 MiB of each; without
 * swap space, nothing moves.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "pagegap.h"

#define PAGE    4096UL
#define BYTES   (8UL * 1024 * 1024)
#define PAGEOUT 21 /* MADV_PAGEOUT, Linux 5.4: madvise(2) */

int main(void)
{
	volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise((void *)memory, BYTES, MADV_NOHUGEPAGE) != 0)
		return 1;
	for (size_t at = 0; at < BYTES; at++)
		memory[at] = (char)at;
	pagegap_mark("written");
	if (madvise((void *)memory, BYTES, PAGEOUT) != 0)
		return 1;
	pagegap_mark("paged out");
	for (size_t at = 0; at < BYTES / 2; at += PAGE)
		(void)memory[at];
	pagegap_mark("half read");
	printf("bytes %lu\n", BYTES);
	return 0;
}
