/* SPDX-License-Identifier: MIT */
/*
 * Executes itself 50 times in a row, from the main thread and from another one, always as the same process; then forks
 * 50 generations deep. An instrument whose environment grows a little at each step, or which leaks a mapping or a
 * descriptor, shows it here.
 *
 * run: => exit 0; exit 0 x50
 */
#include "hostile.h"

#include <pthread.h>

extern char **environ;
static char *arguments[4];

static void *execute(void *unused)
{
	execv("/proc/self/exe", arguments);
	return unused;
}

int main(int argc, char **argv)
{
	enum { TIMES = 50 };
	int generation = argc > 1 ? atoi(argv[1]) : 0;
	static char text[16], size[32];
	size_t length = 0;

	for (char **variable = environ; *variable; variable++)
		length += strlen(*variable) + 1;
	if (argc > 2 && strtoul(argv[2], NULL, 10) != length)
		say("generation %d: the environment changed", generation);
	if (generation < TIMES) {
		snprintf(text, sizeof(text), "%d", generation + 1);
		snprintf(size, sizeof(size), "%zu", length);
		arguments[0] = argv[0];
		arguments[1] = text;
		arguments[2] = size;
		if (generation % 2) {
			pthread_t thread;
			pthread_create(&thread, NULL, execute, NULL);
			pthread_join(thread, NULL);
		}
		execute(NULL);
		return 1;
	}
	say_heap("last image");
	for (int depth = 1; depth <= TIMES; depth++) {
		pid_t child = fork();
		if (child) {
			int status = 0;
			if (waitpid(child, &status, 0) != child || status)
				say("generation %d: status %x", depth, (unsigned)status);
			if (depth == 1)
				say("all generations gone");
			return heap_work((unsigned)depth) != 192;
		}
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) != 2 + depth)
			say("generation %d: another descriptor", depth);
	}
	say("youngest");
	return 0;
}
