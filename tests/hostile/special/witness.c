/* SPDX-License-Identifier: MIT */
/*
 * witness FILE THREADS OPERATIONS: threads that allocate and free without end, each noting in a shared file, before and
 * after each call, that it begins and that it is done. Whoever kills it knows from the file, to one operation per
 * thread, what a recording must say. OPERATIONS 0: the threads are there and do nothing, for the counts that starting
 * takes. Says "ready" when all threads are at work.
 */
#include "../hostile.h"

#include <pthread.h>
#include <stdatomic.h>

/* Written by one thread each, read after its death: volatile keeps the stores in program order, and so does x86. */
struct witness {
	_Alignas(64) volatile uint64_t begun_allocations; /* a cache line for each thread */
	volatile uint64_t done_allocations, begun_frees, done_frees, begun_bytes, done_bytes;
};

static struct witness *witnesses;
static pthread_barrier_t at_work;
static int works;

static void *work(void *argument)
{
	enum { BLOCKS = 256 };
	static __thread void *blocks[BLOCKS];
	size_t me = (size_t)argument;
	struct witness *w = &witnesses[me];
	uint32_t state = (uint32_t)me * 2654435761u + 12345;

	pthread_barrier_wait(&at_work);
	while (!works)
		pause();
	for (;;) {
		state = state * 1664525u + 1013904223u;
		size_t slot = (state >> 8) % BLOCKS, size = (state >> 16) % (state % 97 ? 3000u : 200000u) + 1;
		if (blocks[slot]) {
			w->begun_frees++;
			free(blocks[slot]);
			w->done_frees++;
		}
		w->begun_bytes += size;
		w->begun_allocations++;
		blocks[slot] = malloc(size);
		w->done_allocations++;
		w->done_bytes += size;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 3 ? (unsigned)atoi(argv[2]) : 0;
	int fd = argc > 3 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0 || !threads || ftruncate(fd, (off_t)(threads * sizeof(struct witness))))
		return 1;
	witnesses = (struct witness *)mmap(NULL, threads * sizeof(struct witness), PROT_READ | PROT_WRITE, MAP_SHARED,
					   fd, 0);
	works = atoi(argv[3]) != 0;
	pthread_barrier_init(&at_work, NULL, threads + (threads > 1));
	for (size_t i = 0; threads > 1 && i < threads; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, work, (void *)i);
	}
	if (threads > 1)
		pthread_barrier_wait(&at_work);
	say("ready %d", getpid());
	if (threads == 1)
		work(NULL);
	for (;;)
		pause();
}
