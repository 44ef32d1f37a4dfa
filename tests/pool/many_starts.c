/* SPDX-License-Identifier: MIT */
/*
 * Eight threads that begin to allocate at the same moment, in a process that has hardly allocated: what the
 * allocator sets up on first use, it sets up under their eyes. Each frees what the one before it allocated. Prints
 * "good".
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define BLOCKS  20000

static pthread_barrier_t start, allocated;
static unsigned char **blocks[THREADS];
static int bad;

static void *work(void *argument)
{
	size_t number = (size_t)(uintptr_t)argument, before = (number + THREADS - 1) % THREADS;

	pthread_barrier_wait(&start);
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[number][i] = malloc(16 + i % 700);
		if (!blocks[number][i])
			abort();
		blocks[number][i][0] = (unsigned char)number;
		if (i % 3 == 0)
			free(malloc(1 + i));
	}
	pthread_barrier_wait(&allocated);
	for (size_t i = 0; i < BLOCKS; i++) {
		if (blocks[before][i][0] != before)
			bad = 1;
		free(blocks[before][i]);
	}
	return NULL;
}

int main(void)
{
	static unsigned char *tables[THREADS][BLOCKS];
	pthread_t threads[THREADS];

	pthread_barrier_init(&start, NULL, THREADS);
	pthread_barrier_init(&allocated, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		blocks[i] = tables[i];
		if (pthread_create(&threads[i], NULL, work, (void *)i))
			return 125;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts(bad ? "bad" : "good");
	return bad;
}
