/* SPDX-License-Identifier: MIT */
/*
 * Blocks from known call sites. Prints nothing; each function's name says what tests/e2e/sites.sh has to find of it. The argument says how:
 * plain, threads, fork, raw_fork, signal, unload, many.
 *
 * build: -pthread -ldl
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEVER __attribute__((noinline, noclone))

static void *kept[4096];
static int kept_used;

static NEVER void *keep_1000_of_40(void)
{
	for (int i = 0; i < 1000; i++)
		kept[kept_used++ % 4096] = malloc(40);
	return kept;
}

static NEVER void half_of_600_of_100(void)
{
	void *blocks[600];

	for (int i = 0; i < 600; i++)
		blocks[i] = malloc(100);
	for (int i = 0; i < 600; i += 2)
		free(blocks[i]);
	kept[kept_used++ % 4096] = blocks[1];
}

static NEVER void temporary_5000_of_64(void)
{
	for (int i = 0; i < 5000; i++)
		free(calloc(4, 16));
}

static NEVER void grown_to_8000(void)
{
	char *block = NULL;

	for (size_t bytes = 1000; bytes <= 8000; bytes += 1000)
		block = realloc(block, bytes);
	kept[kept_used++ % 4096] = block;
}

static inline __attribute__((always_inline)) void *inlined_70_of_7(void)
{
	for (int i = 0; i < 70; i++)
		kept[kept_used++ % 4096] = malloc(7);
	return kept;
}

static NEVER void *calls_inlined(void)
{
	return inlined_70_of_7();
}

static NEVER int recursive_20_deep(int depth)
{
	if (!depth)
		kept[kept_used++ % 4096] = malloc(2000);
	else
		return recursive_20_deep(depth - 1) + 1;
	return 0;
}

static void plain(void)
{
	keep_1000_of_40();
	half_of_600_of_100();
	temporary_5000_of_64();
	grown_to_8000();
	calls_inlined();
	recursive_20_deep(20);
}

static NEVER void *thread_2000_of_48(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		void *block = malloc(48);

		if (i % 4)
			free(block);
	}
	return unused;
}

static void threads(void)
{
	pthread_t ids[4];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			pthread_create(&ids[i], NULL, thread_2000_of_48, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(ids[i], NULL);
	}
}

static NEVER void child_frees_250(void)
{
	for (int i = 0; i < 250; i++)
		free(kept[i]);
}

static void forks(bool raw)
{
	pid_t child;

	keep_1000_of_40();
	if (raw) /* unseen by all wrappers */
		__asm__ volatile("syscall" : "=a" (child) : "a" (SYS_fork) : "rcx", "r11", "memory");
	else
		child = fork();
	if (!child) {
		child_frees_250();
		half_of_600_of_100();
		exit(0);
	}
	waitpid(child, NULL, 0);
}

static NEVER void in_handler_30_of_200(int number)
{
	(void)number;
	for (int i = 0; i < 30; i++)
		kept[kept_used++ % 4096] = malloc(200);
}

static void signals(void)
{
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct sigaction action = { .sa_handler = in_handler_30_of_200, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

/* Two libraries, one after the other, perhaps at one place. */
static void unload(char **libraries)
{
	for (int round = 0; round < 6; round++) {
		void *library = dlopen(libraries[round % 2], RTLD_NOW);
		void *(*allocate)(void) = library ? (void *(*)(void))dlsym(library, "allocate") : NULL;

		if (!allocate)
			exit(1);
		kept[kept_used++ % 4096] = allocate();
		dlclose(library);
	}
}

/* More sites than there is room for: each way through so many calls is one. */
static NEVER void *either(unsigned way, int bits);
static NEVER void *left(unsigned way, int bits) { void *p = either(way >> 1, bits - 1); return p ? p : kept; }
static NEVER void *right(unsigned way, int bits) { void *p = either(way >> 1, bits - 1); return p ? p : kept + 1; }
static NEVER void *either(unsigned way, int bits)
{
	void *p;

	if (!bits)
		return malloc(16);
	p = way & 1 ? left(way, bits) : right(way, bits);
	return p ? p : kept + 2;
}

static void many(void)
{
	for (unsigned way = 0; way < 40000; way++)
		kept[way % 4096] = either(way, 16);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";

	if (!strcmp(how, "plain"))
		plain();
	else if (!strcmp(how, "threads"))
		threads();
	else if (!strcmp(how, "fork") || !strcmp(how, "raw_fork"))
		forks(how[0] == 'r');
	else if (!strcmp(how, "signal"))
		signals();
	else if (!strcmp(how, "unload") && argc > 3)
		unload(argv + 2);
	else if (!strcmp(how, "many"))
		many();
	else
		return 2;
	return 0;
}
