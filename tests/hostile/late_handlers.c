/* SPDX-License-Identifier: MIT */
/*
 * Allocates, forks and says so in everything that runs late: exit handlers, quick exit handlers, destructors, the
 * destructors of thread keys, of the main thread too. An instrument that took its last look before them, or gave up its
 * memory, is still called.
 *
 * run: exit => exit 18; exit 19 x3
 * run: quick_exit => exit 19; exit 19
 * run: thread => exit 18; exit 19 x4
 * run: exit_in_handler => exit 20; exit 19
 */
#include "hostile.h"

#include <pthread.h>

static pthread_key_t key;

static void work(const char *where)
{
	say_heap(where);
	pid_t child = fork();
	if (!child)
		_exit(heap_work(8) == 192 ? 19 : 1);
	reap(where, child);
}

static void at_exit(void) { work("atexit handler"); }
static void at_exit_leaving(void) { work("atexit handler"); exit(20); }
static void at_quick_exit_handler(void) { work("at_quick_exit handler"); }

static void on_exit_handler(int status, void *argument)
{
	say("on_exit handler: %d", status);
	work((const char *)argument);
}

static void key_gone(void *value)
{
	static __thread int times;

	say("key destructor %d", ++times);
	work("key destructor");
	free(value);
	if (times < 2) /* asks for another round of destructors */
		pthread_setspecific(key, malloc(77));
}

__attribute__((destructor)) static void destructor(void)
{
	if (pthread_getspecific(key) != (void *)1)
		work("destructor");
}

static void *thread(void *argument)
{
	pthread_setspecific(key, malloc(66));
	return argument;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "exit";

	pthread_key_create(&key, key_gone);
	if (!strcmp(way, "exit_in_handler")) {
		pthread_setspecific(key, (void *)1);
		atexit(at_exit_leaving);
		return 1;
	}
	if (!strcmp(way, "quick_exit")) {
		at_quick_exit(at_quick_exit_handler);
		atexit(at_exit);
		quick_exit(19);
	}
	if (!strcmp(way, "thread")) {
		pthread_t one;
		pthread_create(&one, NULL, thread, NULL);
		pthread_join(one, NULL);
		atexit(at_exit);
		return 18;
	}
	static char argument[] = "on_exit handler";
	atexit(at_exit);
	on_exit(on_exit_handler, argument);
	exit(18);
}
