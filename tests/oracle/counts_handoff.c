/* SPDX-License-Identifier: MIT */
/*
 * Blocks that one thread allocates and another frees, and blocks that destructors of thread-specific data free when a
 * thread is already ending, for the comparison of counts with valgrind. The hand-over is a ring with two semaphores:
 * it never depends on time how many blocks there are.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls.h"

#define RING   64
#define BLOCKS 30000

static void *ring[RING];
static sem_t full, empty;
static pthread_key_t key;

static void at_the_end(void *block)
{
	free(realloc(block, 64));
	free(malloc(10));
}

static void *produce(void *nothing)
{
	if (pthread_setspecific(key, malloc(1000)) != 0)
		exit(1);
	for (size_t i = 0; i < BLOCKS; i++) {
		sem_wait(&empty);
		ring[i % RING] = malloc(i * 17 % 1200);
		sem_post(&full);
	}
	return nothing;
}

static void *consume(void *nothing)
{
	if (pthread_setspecific(key, malloc(2000)) != 0)
		exit(1);
	for (size_t i = 0; i < BLOCKS; i++) {
		sem_wait(&full);
		if (i % 7 == 0)
			free(realloc(ring[i % RING], 300));
		else
			free(ring[i % RING]);
		sem_post(&empty);
	}
	return nothing;
}

int main(void)
{
	pthread_t producer, consumer;

	if (sem_init(&full, 0, 0) != 0 || sem_init(&empty, 0, RING) != 0 || pthread_key_create(&key, at_the_end) != 0)
		return 1;
	if (pthread_create(&producer, NULL, produce, NULL) != 0 || pthread_create(&consumer, NULL, consume, NULL) != 0)
		return 1;
	if (pthread_join(producer, NULL) != 0 || pthread_join(consumer, NULL) != 0)
		return 1;
	tls_say(2);
	puts("handoff");
	return 0;
}
