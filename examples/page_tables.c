/* SPDX-License-Identifier: MIT */
/*
 * Page tables: the kernel needs a page of table for each 2 MiB of address space that has anything in it. The same 512 pages
 * cost one table when they lie side by side, and 512 tables, as much memory again, when each lies in 2 MiB of its own.
 *
 * In the report: page tables ("below the line") grow by about 2 MiB for 2 MiB of memory at `sparse`, and by hardly anything
 * at `dense`.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "pagegap.h"

#define PAGE  4096UL
#define TABLE (2UL * 1024 * 1024)       /* of address space to a page of table */
#define PAGES 512UL

static volatile char *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, bytes, MADV_NOHUGEPAGE) != 0)
		return NULL;
	return memory;
}

int main(void)
{
	volatile char *dense = map(PAGES * PAGE), *sparse = map(PAGES * TABLE);

	if (!dense || !sparse)
		return 1;
	pagegap_mark("empty");
	for (size_t page = 0; page < PAGES; page++)
		dense[page * PAGE] = 1;
	pagegap_mark("dense");
	for (size_t page = 0; page < PAGES; page++)
		sparse[page * TABLE] = 1;
	pagegap_mark("sparse");
	printf("touched_bytes %lu\n", PAGES * PAGE);
	printf("table_bytes %lu\n", PAGES * PAGE);
	return 0;
}
