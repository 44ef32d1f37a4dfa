/* SPDX-License-Identifier: MIT */
/*
 * Exhaustion of virtual memory. RLIMIT_AS bounds the address space of a process; when it is used up, malloc returns
 * NULL although the machine has memory left. The program allows itself 64 MiB more than it has and takes 1 MiB blocks
 * until it gets no more.
 *
 * In the report: a complete recording, with exactly one failed allocation and the blocks that succeeded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "pagegap.h"

#define BLOCK (1024UL * 1024)

/* The size of the address space, in bytes: the first number of statm is pages, proc(5). */
static unsigned long mapped_now(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!statm || fscanf(statm, "%lu", &pages) != 1)
		exit(1);
	fclose(statm);
	return pages * 4096;
}

int main(void)
{
	struct rlimit limit;
	unsigned long blocks = 0;
	char *block;

	printf("block_bytes %lu\n", BLOCK);     /* the first printf allocates a buffer: before memory is short */
	limit.rlim_cur = limit.rlim_max = mapped_now() + 64 * BLOCK;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 1;
	while ((block = malloc(BLOCK))) {
		memset(block, 1, BLOCK);
		blocks++;
	}
	if (errno != ENOMEM)
		return 1;
	pagegap_mark("exhausted");
	printf("blocks %lu\n", blocks);
	printf("limit_bytes %lu\n", (unsigned long)limit.rlim_cur);
	return 0;
}
