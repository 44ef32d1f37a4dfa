/* SPDX-License-Identifier: MIT */
/*
 * Threads fork while others allocate without pause; the children allocate too, and fork handlers do. An instrument with
 * a lock is copied in the locked state into a child where nobody will ever unlock it.
 *
 * run: => exit 0; exit 12 x40
 * ledger: torn
 */
#include "hostile.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int stop, right, prepared, in_parent;

static void before(void) { free(kept(malloc(100))); prepared++; }
static void in_the_parent(void) { free(kept(malloc(200))); in_parent++; }
static void in_the_child(void) { free(kept(malloc(300))); }

static void *allocate(void *argument)
{
	while (!stop)
		heap_work((unsigned)(size_t)argument);
	return NULL;
}

static void *fork_often(void *argument)
{
	(void)argument;
	for (int i = 0; i < 10; i++) {
		int status = 0;
		pid_t child = fork();
		if (!child)
			_exit(heap_work(5) == 192 ? 12 : 1);
		if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 12)
			right++;
	}
	return NULL;
}

int main(void)
{
	pthread_t busy[2], forking[4];

	pthread_atfork(before, in_the_parent, in_the_child);
	for (size_t i = 0; i < 2; i++)
		pthread_create(&busy[i], NULL, allocate, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_create(&forking[i], NULL, fork_often, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(forking[i], NULL);
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(busy[i], NULL);
	say("children right: %d, fork handlers: %d before, %d after", right, prepared, in_parent);
	return 0;
}
