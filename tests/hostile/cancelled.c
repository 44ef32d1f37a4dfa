/* SPDX-License-Identifier: MIT */
/*
 * Threads are cancelled while they allocate. malloc, free, mmap and fork are no cancellation points: a request that is
 * pending must wait for the program's own. An instrument that calls open, write or close inside a wrapper makes them
 * such points and leaks its state.
 *
 * run: => exit 0; exit 37
 */
#include "hostile.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int passed, cleaned, running;

static void clean(void *block)
{
	free(block);
	free(kept(malloc(500)));
	cleaned++;
}

/* Asks for its own cancellation, then does all that must not act on it. */
static void *pending(void *unused)
{
	char *block = (char *)malloc(100);

	pthread_cleanup_push(clean, block);
	pthread_cancel(pthread_self());
	passed += heap_work(9) == 192;
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	passed += !mprotect(page, 4096, PROT_NONE);
	passed += !munmap(page, 4096);
	pid_t child = fork();
	if (!child)
		_exit(37);
	passed += child > 0;
	atomic_store(&running, child);
	pthread_testcancel();
	passed += 1000;
	pthread_cleanup_pop(0);
	return unused;
}

static void *loop(void *unused)
{
	void *block = malloc(64);

	pthread_cleanup_push(clean, block);
	running++;
	for (;;) {
		heap_work(10);
		pthread_testcancel();
	}
	pthread_cleanup_pop(0);
	return unused;
}

int main(void)
{
	pthread_t threads[8];
	void *result;
	int cancelled_count = 0;

	pthread_create(&threads[0], NULL, pending, NULL);
	pthread_join(threads[0], &result);
	say("cancelled: %d, passed %d, cleaned %d", result == PTHREAD_CANCELED, passed, cleaned);
	reap("child", (pid_t)running);
	running = 0;
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, loop, NULL);
	while (running < 8)
		usleep(1000);
	for (int i = 0; i < 8; i++)
		pthread_cancel(threads[i]);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		cancelled_count += result == PTHREAD_CANCELED;
	}
	say("cancelled: %d, cleaned %d", cancelled_count, cleaned);
	say_heap("after");
	return 0;
}
