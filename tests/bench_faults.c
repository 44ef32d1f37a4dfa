/* SPDX-License-Identifier: MIT */
/* bench_faults ROUNDS: maps 64 MiB, writes to each page and unmaps them, so many times. Page faults and nothing else. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE  4096UL
#define BYTES (64UL << 20)

int main(int argc, char **argv)
{
	long rounds = argc == 2 ? atol(argv[1]) : 0;

	if (rounds < 1) {
		fprintf(stderr, "usage: bench_faults ROUNDS\n");
		return 125;
	}
	while (rounds--) {
		volatile char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return 125;
		madvise((void *)memory, BYTES, MADV_NOHUGEPAGE);
		for (size_t at = 0; at < BYTES; at += PAGE)
			memory[at] = 1;
		munmap((void *)memory, BYTES);
	}
	return 0;
}
