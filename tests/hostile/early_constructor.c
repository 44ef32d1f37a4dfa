/* SPDX-License-Identifier: MIT */
/*
 * Allocates, forks and maps from .preinit_array: before any library's constructor has run, that of an instrument
 * included. One that prepares itself in its constructor is called unprepared. The preinit function frees nothing: main
 * does.
 *
 * run: => exit 0; exit 17
 */
#include "hostile.h"

static char *early[100];
static int early_child;

static void preinit(int argc, char **argv, char **environment)
{
	(void)argc, (void)argv, (void)environment;
	for (size_t i = 0; i < 100; i++)
		memset(early[i] = (char *)malloc(i * 100 + 1), (int)i, i * 100 + 1);
	pid_t child = fork();
	if (!child)
		_exit(heap_work(7) == 192 ? 17 : 1);
	int status;
	early_child = waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(int, char **, char **) = preinit;

int main(void)
{
	int right = 0;

	for (int i = 0; i < 100; i++) {
		right += early[i][i * 100] == (char)i;
		free(early[i]);
	}
	say("early blocks right: %d, early child: exit %d", right, early_child);
	say_heap("main");
	return 0;
}
