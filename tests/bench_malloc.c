/* SPDX-License-Identifier: MIT */
/* bench_malloc THREADS COUNT: each thread calls malloc(64) and free COUNT times. The hot path and nothing else. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static long count;

static void *loop(void *unused)
{
	for (long i = 0; i < count; i++) {
		char *block = malloc(64);

		if (!block)
			abort();
		*(volatile char *)block = 1;
		free(block);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc == 3 ? atoi(argv[1]) : 0;

	if (n < 1 || n > 64) {
		fprintf(stderr, "usage: bench_malloc THREADS(1-64) COUNT\n");
		return 125;
	}
	count = atol(argv[2]);
	for (int i = 1; i < n; i++)
		if (pthread_create(&threads[i], NULL, loop, NULL))
			return 125;
	loop(NULL);
	for (int i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
