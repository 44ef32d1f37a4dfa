/* SPDX-License-Identifier: MIT */
/*
 * 1,000 threads live at once; each allocates, and frees what its neighbour allocated. An instrument with a table per
 * thread runs out of entries, or of address space, or deadlocks at the barrier.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <pthread.h>

enum { THREADS = 1000 };
static pthread_barrier_t all_here;
static char *handed[THREADS];

static void *work(void *argument)
{
	size_t me = (size_t)argument;

	memset(handed[me] = (char *)kept(malloc(me + 1)), (int)(me & 127), me + 1);
	pthread_barrier_wait(&all_here);
	size_t other = (me + 1) % THREADS;
	size_t right = handed[other][other] == (char)(other & 127);
	free(handed[other]);
	return (void *)right;
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t attributes;
	size_t right = 0, started = 0;
	void *result;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	pthread_barrier_init(&all_here, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		started += !pthread_create(&threads[i], &attributes, work, (void *)i);
	for (size_t i = 0; i < started; i++) {
		pthread_join(threads[i], &result);
		right += (size_t)result;
	}
	pthread_attr_destroy(&attributes);
	say("%zu threads, %zu right", started, right);
	return 0;
}
