/* SPDX-License-Identifier: MIT */
/*
 * Aborts and survives by jumping out of the handler of SIGABRT, more than once; or aborts while the signal is blocked
 * or ignored, which ends the process all the same. An instrument that writes "ended by abort" at the call, or does its
 * last work once, is wrong.
 *
 * run: caught => exit 39; signal 6 x3
 * run: plain => signal 6|lost
 * ledger: none
 */
#include "hostile.h"

#include <setjmp.h>

static sigjmp_buf back;

static void jump(int number)
{
	siglongjmp(back, number);
}

static void child_aborts(const char *what)
{
	pid_t child = fork();
	if (!child) {
		sigset_t only;
		sigemptyset(&only);
		sigaddset(&only, SIGABRT);
		if (!strcmp(what, "blocked"))
			sigprocmask(SIG_BLOCK, &only, NULL);
		if (!strcmp(what, "ignored"))
			signal(SIGABRT, SIG_IGN);
		abort();
	}
	reap(what, child);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "plain")) {
		say_heap("before");
		abort();
	}
	signal(SIGABRT, jump);
	for (volatile int i = 0; i < 3; i++) {
		int number = sigsetjmp(back, 1);
		if (!number)
			abort();
		say("aborted by %d and back", number);
		say_heap("back");
	}
	signal(SIGABRT, SIG_DFL);
	child_aborts("default");
	child_aborts("blocked");
	child_aborts("ignored");
	return 39;
}
