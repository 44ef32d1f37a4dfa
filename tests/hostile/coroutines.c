/* SPDX-License-Identifier: MIT */
/*
 * Runs 100 coroutines on stacks of 16 KiB of its own, switched in turn, each allocating; then unwinds from one by
 * longjmp. An instrument that identifies a thread by its stack, or keeps state on it, is wrong here.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <ucontext.h>

enum { COROUTINES = 100, STACK = 16 << 10, TURNS = 10 };
static ucontext_t scheduler, coroutine[COROUTINES];
static unsigned right[COROUTINES];

static void run(int me)
{
	char *blocks[TURNS];

	for (int turn = 0; turn < TURNS; turn++) {
		size_t size = (size_t)(me * 13 + turn * 700 + 1);
		memset(blocks[turn] = (char *)kept(malloc(size)), me, size);
		swapcontext(&coroutine[me], &scheduler);
	}
	for (int turn = 0; turn < TURNS; turn++) {
		right[me] += blocks[turn][me * 13 + turn * 700] == (char)me;
		free(blocks[turn]);
	}
}

int main(void)
{
	static unsigned sum;

	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&coroutine[i]);
		coroutine[i].uc_stack.ss_sp = malloc(STACK);
		coroutine[i].uc_stack.ss_size = STACK;
		coroutine[i].uc_link = &scheduler;
		makecontext(&coroutine[i], (void (*)(void))run, 1, i);
	}
	for (int turn = 0; turn <= TURNS; turn++)
		for (int i = 0; i < COROUTINES; i++)
			swapcontext(&scheduler, &coroutine[i]);
	for (int i = 0; i < COROUTINES; i++) {
		sum += right[i];
		free(coroutine[i].uc_stack.ss_sp);
	}
	say("blocks right: %u of %d", sum, COROUTINES * TURNS);
	return 0;
}
