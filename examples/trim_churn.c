/* SPDX-License-Identifier: MIT */
/*
 * Churn: memory that is given back to the kernel and faulted in again right away. 20 times, 16 MiB of heap are filled in blocks of
 * 64 KiB and freed again, the last one first: each time, the end of the heap becomes free, glibc gives it back, for it is more than
 * M_TRIM_THRESHOLD (mallopt(3)), and the next round's first touches bring it in again, page by page.
 *
 * In the report: 4,096 pages of `heap` came again, by 77,824 faults, and the setting that keeps the heap. With it in its environment,
 * the program has these faults no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PAGE   4096UL
#define BLOCK  (64UL * 1024)
#define BLOCKS 256UL
#define ROUNDS 20UL

static char *block[BLOCKS];

int main(void)
{
	struct rusage usage;

	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < BLOCKS; i++) {
			block[i] = malloc(BLOCK);
			if (!block[i])
				return 1;
			memset(block[i], 1, BLOCK);
		}
		for (size_t i = BLOCKS; i--;)
			free(block[i]);
	}
	if (getrusage(RUSAGE_SELF, &usage) != 0)
		return 1;
	printf("pages %lu\n", BLOCKS * BLOCK / PAGE);
	printf("again %lu\n", (ROUNDS - 1) * BLOCKS * BLOCK / PAGE);
	printf("minor_faults %ld\n", usage.ru_minflt);
	return 0;
}
