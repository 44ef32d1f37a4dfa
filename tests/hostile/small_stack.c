/* SPDX-License-Identifier: MIT */
/*
 * Threads with the smallest stack the system allows, and with 64 KiB, allocate, map, fork, execute and end. An
 * instrument that puts a page of buffer on the stack, or walks it, overflows it. The first two threads say nothing on
 * their own: printf needs stack too.
 *
 * run: minimum => exit 0; exit 32
 * run: 65536 => exit 0; exit 32, exit 0
 */
#include "hostile.h"

#include <limits.h>
#include <pthread.h>
#include <spawn.h>

extern char **environ;
static char token[1];
static int blocks_right, map_right, forked, spawned = -1, executes;

static void *work(void *argument)
{
	static char *blocks[200];
	int status;

	for (size_t i = 0; i < 200; i++) {
		blocks[i] = (char *)malloc(i * 50 + 1);
		blocks[i][i * 50] = (char)i;
	}
	for (size_t i = 0; i < 200; i++) {
		blocks_right += blocks[i][i * 50] == (char)i;
		blocks[i] = (char *)realloc(blocks[i], i * 90 + 1);
		free(blocks[i]);
	}
	char *page = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_right = page != MAP_FAILED && !mprotect(page, 4096, PROT_READ) && !madvise(page, 8192, MADV_DONTNEED) &&
		    !munmap(page, 8192);
	pid_t child = fork();
	if (!child) {
		free(malloc(1000));
		_exit(32);
	}
	forked = waitpid(child, &status, 0) == child ? status : -1;
	if (executes) {
		static char name[] = "true", path[] = "/bin/true";
		static char *const arguments[] = { name, NULL };
		if (!posix_spawn(&child, path, NULL, NULL, arguments, environ) && waitpid(child, &status, 0) == child)
			spawned = status;
	}
	return argument;
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	executes = size != 0;
	pthread_attr_init(&attributes);
	say_result("stack size", pthread_attr_setstacksize(&attributes, size ? size : (size_t)PTHREAD_STACK_MIN));
	say_result("create", pthread_create(&thread, &attributes, work, token));
	say_result("join", pthread_join(thread, &result));
	say("result right: %d, blocks right: %d, map right: %d, forked: %x, spawned: %x", result == token, blocks_right,
	    map_right, (unsigned)forked, (unsigned)spawned);
	return 0;
}
