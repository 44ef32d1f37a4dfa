/* SPDX-License-Identifier: MIT */
/*
 * Overflows its stack, catches that on an alternate one, allocates, maps and forks there, and jumps out of the handler.
 * An instrument that needs much stack overflows the small one; one that knows "the" stack by its bounds is misled.
 *
 * run: => exit 0; exit 33 x3
 */
#include "hostile.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile sig_atomic_t whole, forked;
static volatile int never = 1;

static void handler(int number)
{
	static char *blocks[100];
	int status;
	(void)number;

	for (size_t i = 0; i < 100; i++)
		blocks[i] = (char *)malloc(i * 30 + 1);
	for (int i = 0; i < 100; i++) {
		whole += blocks[i] != NULL;
		free(blocks[i]);
	}
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page, 4096);
	pid_t child = fork();
	if (!child)
		_exit(33);
	forked += waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 33;
	siglongjmp(back, 1);
}

/* Recurses until the guard page; touches each frame, allocates nothing. */
__attribute__((noinline)) static int overflow(volatile char *before)
{
	volatile char frame[512];

	frame[0] = before[0];
	return never ? overflow(frame) + frame[0] : 0;
}

int main(void)
{
	long size = sysconf(_SC_MINSIGSTKSZ) + 6144;
	stack_t alternate = { .ss_sp = malloc((size_t)size), .ss_size = (size_t)size }, now;
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	char start[1] = { 0 };

	say_result("sigaltstack", sigaltstack(&alternate, NULL));
	sigaction(SIGSEGV, &action, NULL);
	for (volatile int i = 0; i < 3; i++)
		if (!sigsetjmp(back, 1))
			overflow(start);
	say("blocks: %d, forks right: %d", (int)whole, (int)forked);
	sigaltstack(NULL, &now);
	say("alternate stack as set: %d, flags %d", now.ss_sp == alternate.ss_sp && now.ss_size == alternate.ss_size,
	    now.ss_flags);
	say_heap("after");
	return 0;
}
