/* SPDX-License-Identifier: MIT */
/*
 * The main thread ends by pthread_exit; the process goes on, works, forks, and ends from another thread.
 * /proc/self/task has a dead leader then, and /proc/self/stat speaks of it.
 *
 * run: return => exit 0; exit 35
 * run: exit => exit 36; exit 35
 * run: executed => exit 0; exit 35
 */
#include "hostile.h"

#include <pthread.h>

static pthread_t leader;

static void *go_on(void *argument)
{
	const char *way = (const char *)argument;

	say_result("join of main", pthread_join(leader, NULL));
	say_heap("without main");
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		exit(35);
	}
	reap("child", child);
	if (!strcmp(way, "exit"))
		exit(36);
	if (!strcmp(way, "executed"))
		execl("/bin/echo", "echo", "executed from a thread", (char *)NULL);
	return NULL; /* the last thread: the process ends with status 0 */
}

int main(int argc, char **argv)
{
	static char fallback[] = "return";
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, NULL, go_on, argc > 1 ? argv[1] : fallback);
	pthread_exit(NULL);
}
