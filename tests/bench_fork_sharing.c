/* SPDX-License-Identifier: MIT */
/*
 * bench_fork_sharing reads|frees|allocates|swaps child|parent: 2,000,000 blocks of 16–165 bytes, a fork, and then, in
 * the child or in the parent while the child lives, each block is read, one in ten is freed, as many new ones are
 * allocated, or one in ten is freed and another one allocated. Prints the pages that were copied or newly touched.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 2000000

static char **blocks;
static uint64_t seed = 88172645463325252UL;

static uint64_t random_below(uint64_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % limit;
}

static char *block(void)
{
	size_t bytes = 16 + random_below(150);
	char *at = malloc(bytes);

	if (!at)
		abort();
	return memset(at, 1, bytes);
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void work(char kind)
{
	volatile char sum = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		if (kind == 'r')
			sum = (char)(sum + blocks[i][0]);
		else if (kind == 'a' && i % 10 == 0)
			block();
		else if (kind != 'a' && random_below(10) == 0) {
			free(blocks[i]);
			blocks[i] = kind == 'f' ? NULL : block();
		}
	}
}

static void measure(char kind)
{
	long before = faults();

	work(kind);
	printf("%ld\n", faults() - before);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int ends[2];
	char byte;

	if (argc != 3 || pipe(ends))
		return 125;
	blocks = malloc(BLOCKS * sizeof(*blocks));
	for (size_t i = 0; blocks && i < BLOCKS; i++)
		blocks[i] = block();
	if (fork()) {
		close(ends[0]);
		if (*argv[2] == 'p')
			measure(*argv[1]);
		close(ends[1]);
		wait(NULL);
	} else {
		close(ends[1]);
		if (*argv[2] == 'c')
			measure(*argv[1]);
		_exit((int)read(ends[0], &byte, 1));
	}
	return 0;
}
