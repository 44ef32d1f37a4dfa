/* SPDX-License-Identifier: MIT */
/*
 * Four threads that each allocate and free a fixed number of blocks of their own, for the comparison of counts with
 * valgrind. All of them live at once, so that the number of stacks, and of the vectors that the loader allocates with
 * them, does not depend on time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls.h"

#define THREADS 4

static pthread_barrier_t started;
static void *volatile sink[THREADS];

static void *work(void *number)
{
	size_t which = (size_t)number;
	void *blocks[200] = { 0 };

	pthread_barrier_wait(&started);
	for (size_t i = 0; i < 20000; i++) {
		size_t slot = i * 31 % 200;

		free(blocks[slot]);
		blocks[slot] = i % 5 ? malloc(i * 13 % 700) : calloc(which + 1, 24);
		if (i % 11 == 0)
			blocks[slot] = realloc(blocks[slot], 1 + i % 3000);
		sink[which] = blocks[slot];
	}
	for (size_t i = 0; i < 200; i += 2)
		free(blocks[i]);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	if (pthread_barrier_init(&started, NULL, THREADS) != 0)
		return 1;
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			return 1;
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_join(threads[i], NULL) != 0)
			return 1;
	tls_say(THREADS);
	puts("threads");
	return 0;
}
