/* SPDX-License-Identifier: MIT */
/*
 * A program that takes refusals: random blocks of all sizes, filled and looked at, while mappings fail or an
 * address-space limit (its first argument, MiB) holds. Prints "good" when every refusal said ENOMEM, no block was
 * damaged, and memory was there again after all was freed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define BLOCKS 2000

static struct {
	unsigned char *at;
	size_t bytes;
} blocks[BLOCKS];
static uint64_t seed = 88172645463325252UL;

static uint64_t random_below(uint64_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % limit;
}

static int bad(const char *what)
{
	puts(what);
	return 1;
}

static int release(size_t i)
{
	unsigned char *at = blocks[i].at;

	blocks[i].at = NULL;
	if (at && (at[0] != i % 251 || at[blocks[i].bytes - 1] != i % 251))
		return 1;
	free(at);
	return 0;
}

int main(int argc, char **argv)
{
	size_t refused = 0;

	if (argc > 1) {
		rlim_t limit = strtoul(argv[1], NULL, 10) << 20;

		setrlimit(RLIMIT_AS, &(struct rlimit){ limit, limit });
	}
	for (int i = 0; i < 20000; i++) {
		size_t most = random_below(10) ? 2000 : random_below(10) ? 100000 : 4 << 20;
		size_t at = random_below(BLOCKS), bytes = 1 + random_below(most);
		unsigned char *block;

		if (blocks[at].at && random_below(2) && release(at))
			return bad("damaged");
		errno = 0;
		block = realloc(blocks[at].at, bytes);
		if (!block) {
			if (errno != ENOMEM)
				return bad("a refusal without ENOMEM");
			refused++;
			continue;
		}
		blocks[at].at = block;
		blocks[at].bytes = bytes;
		block[0] = block[bytes - 1] = (unsigned char)(at % 251);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		if (release(i))
			return bad("damaged");
	for (int tries = 0; tries < 20; tries++) {
		void *block = malloc(8 << 20);

		free(block);
		if (block) {
			puts("good");
			return argc > 1 && !refused;
		}
	}
	return bad("no memory after all was freed");
}
