/* SPDX-License-Identifier: MIT */
/*
 * Becomes a daemon: libc forks inside itself and the parent leaves by _exit, where no wrapper sees either. The daemon
 * must have its own capture. The first process waits for it through a pipe, so that the run ends when all is said.
 *
 * run: => exit 0; exit 0, exit 16
 */
#include "hostile.h"

int main(void)
{
	int ends[2];
	char byte;

	if (pipe(ends))
		return 1;
	say_heap("before");
	pid_t middle = fork();
	if (!middle) {
		close(ends[0]);
		say_result("daemon", daemon(1, 1));
		say("session is its own: %d, parent is another: %d", getsid(0) != getpid(), getppid() != getpgrp());
		say_heap("daemon");
		exit(16);
	}
	close(ends[1]);
	say_result("end of the daemon", read(ends[0], &byte, 1));
	reap("middle", middle);
	return 0;
}
