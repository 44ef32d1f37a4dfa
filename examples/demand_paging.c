/* SPDX-License-Identifier: MIT */
/*
 * Demand paging: memory is mapped when it is asked for and resident when it is touched, page by page. 64 MiB are
 * mapped; half is written; of the rest a quarter is only read, which the kernel serves from one shared page of zeros;
 * then the written half is given back with MADV_DONTNEED, which keeps the addresses.
 *
 * In the report: the row anon ("own mappings") is 64 MiB mapped throughout; resident goes 0, 32 MiB, 32 MiB, 0.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "pagegap.h"

#define PAGE  4096UL
#define BYTES (64UL * 1024 * 1024)

int main(void)
{
	volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char sum = 0;

	if (memory == MAP_FAILED)
		return 1;
	pagegap_mark("mapped");
	for (size_t at = 0; at < BYTES / 2; at += PAGE)
		memory[at] = 1;
	pagegap_mark("written");
	for (size_t at = BYTES / 2; at < BYTES / 4 * 3; at += PAGE)
		sum = (char)(sum + memory[at]);
	pagegap_mark("read");
	if (madvise((void *)memory, BYTES / 2, MADV_DONTNEED) != 0)
		return 1;
	pagegap_mark("given back");
	printf("mapped_bytes %lu\n", BYTES);
	printf("written_bytes %lu\n", BYTES / 2);
	printf("sum_of_zeros %d\n", sum);
	return 0;
}
