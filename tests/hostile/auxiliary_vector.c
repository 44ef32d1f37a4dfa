/* SPDX-License-Identifier: MIT */
/*
 * Finds the kernel's auxiliary vector as Go's runtime does, by walking from the arguments over the environment. An instrument that takes its
 * variables out of that array leaves a gap there. Executes itself with an environment of another length, twice.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <elf.h>
#include <sys/auxv.h>

int main(int argc, char **argv)
{
	char **environment = argv + argc + 1, **end = environment;
	static char *const shorter[] = { "A=1", NULL }, *const longer[] = { "A=1", "B=2", NULL };
	unsigned long pairs = 0, page = 0, random = 0;
	uint64_t *vector;

	while (*end)
		end++;
	say("%d variables", argc > 1 ? (int)(end - environment) : -1);
	for (vector = (uint64_t *)(end + 1); *vector != AT_NULL && pairs < 100; vector += 2, pairs++) {
		page = *vector == AT_PAGESZ ? vector[1] : page;
		random = *vector == AT_RANDOM ? vector[1] : random;
	}
	say("page size %lu, random bytes %s", page, random == getauxval(AT_RANDOM) ? "as libc has them" : "elsewhere");
	if (argc < 3)
		execve("/proc/self/exe", (char *[]){ argv[0], "again", argc > 1 ? "last" : NULL, NULL }, argc > 1 ? longer : shorter);
	return page != 4096;
}
