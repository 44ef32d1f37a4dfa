/* SPDX-License-Identifier: MIT */
/*
 * An invalid access. A store to an address that is not mapped is a page fault that the kernel cannot serve: it sends
 * SIGSEGV, which ends the program on the spot. The program takes 1,000 blocks, frees 400 of them, and stores through a
 * null pointer.
 *
 * In the report: a complete recording up to the last call, of a process that ended by signal 11.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pagegap.h"

#define BLOCKS 1000
#define FREED  400
#define BYTES  500

static void *blocks[BLOCKS];
static int *volatile nowhere;

int main(void)
{
	static char buffer[256];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));        /* else stdio would allocate one, and be counted */
	printf("block_bytes %d\n", BYTES);
	printf("allocations %d\n", BLOCKS);
	printf("frees %d\n", FREED);
	printf("live_bytes %d\n", (BLOCKS - FREED) * BYTES);
	fflush(stdout);
	pagegap_mark("before");
	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BYTES);
		if (!blocks[i])
			return 1;
	}
	for (int i = 0; i < FREED; i++)
		free(blocks[i]);
	*nowhere = 1;
	return 0;
}
