/* SPDX-License-Identifier: MIT */
/*
 * A program that fills its address space to within so many KiB (its argument) before it allocates for the first time,
 * and then wants some small blocks, twice. Prints "good" when it got them, and all it wants once the limit is lifted.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCKS ((size_t)20000)
#define REST   ((size_t)64 << 20)
/* Each of these that the kernel maps in wants 2 MiB of the pool's page map, more than is left. */
#define GIB    ((uintptr_t)1 << 30)

static unsigned char *blocks[BLOCKS];

/* statm's first figure, without stdio, which allocates. */
static size_t mapped_now(void)
{
	char line[200] = "";
	int file = open("/proc/self/statm", O_RDONLY);

	if (file < 0 || read(file, line, sizeof(line) - 1) <= 0)
		return 0;
	close(file);
	return strtoul(line, NULL, 10) * (size_t)getpagesize();
}

static int says(const char *what)
{
	dprintf(1, "%s\n", what);
	return strcmp(what, "good") != 0;
}

/* Blocks of 100 bytes, each with a mark of its own; then freed. How many were right. */
static size_t use(size_t count)
{
	size_t got = 0, right = 0;

	while (got < count && (blocks[got] = malloc(100))) {
		memset(blocks[got], (int)(got % 251), 100);
		got++;
	}
	for (size_t i = 0; i < got; i++) {
		right += blocks[i][0] == i % 251 && blocks[i][99] == i % 251;
		free(blocks[i]);
	}
	return right;
}

/* Whether all that is mapped next, from above down, lies in the GiB that the pool has prepared for. */
static bool in_one_gib(void)
{
	void *next = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return next != MAP_FAILED && !munmap(next, 1) && (uintptr_t)next % GIB > 2 * REST;
}

int main(int argc, char **argv)
{
	size_t left = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 10, before = mapped_now(), wanted = left / 600;
	struct rlimit limit = { before + REST, RLIM_INFINITY };
	void *large;

	if (!in_one_gib()) {
		execv("/proc/self/exe", argv); /* the kernel draws another place */
		return says("no other place");
	}
	if (!before || setrlimit(RLIMIT_AS, &limit) ||
	    mmap(NULL, REST - left, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return says("no limit");
	if (wanted > BLOCKS)
		wanted = BLOCKS;
	if (use(wanted) < wanted || use(wanted) < wanted)
		return says("refused, or damaged");
	large = malloc(REST);
	if (large)
		return says("more than there is");
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_AS, &limit))
		return says("no limit");
	large = malloc(REST);
	if (!large || use(BLOCKS) < BLOCKS)
		return says("refused, or damaged, after the limit was lifted");
	free(large);
	return says("good");
}
