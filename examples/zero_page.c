/* SPDX-License-Identifier: MIT */
/*
 * The zero page: a read of memory that was never written is a page fault, but needs no memory, for the kernel maps one
 * page of zeros for all such reads. The first write to it is another fault, and brings a page of its own. 1,000 pages are
 * read, then 400 of them written.
 *
 * In the report: 1,400 faults of the row anon ("own mappings"), of which 400 pages are resident.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "pagegap.h"

#define PAGE    4096UL
#define READ    1000UL
#define WRITTEN 400UL

int main(void)
{
	volatile char *memory = mmap(NULL, READ * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char sum = 0;

	if (memory == MAP_FAILED || madvise((void *)memory, READ * PAGE, MADV_NOHUGEPAGE) != 0)
		return 1;
	for (size_t page = 0; page < READ; page++)
		sum = (char)(sum + memory[page * PAGE]);
	pagegap_mark("read");
	for (size_t page = 0; page < WRITTEN; page++)
		memory[page * PAGE] = 1;
	pagegap_mark("written");
	printf("read_bytes %lu\n", READ * PAGE);
	printf("written_bytes %lu\n", WRITTEN * PAGE);
	return sum;
}
