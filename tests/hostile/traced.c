/* SPDX-License-Identifier: MIT */
/*
 * Is a debugger: traces a child from before its exec, and prints each stop. An instrument that makes signals, traces
 * itself, or stops the child at its start shows up as a stop that should not be, or makes ptrace fail.
 *
 * run: => exit 0; exit 63, exit 64
 * untraced: a process has one tracer
 */
#include "hostile.h"

#include <sys/ptrace.h>

int main(int argc, char **argv)
{
	if (argc > 1) {
		say_heap("traced");
		raise(SIGUSR1);
		pid_t child = fork();
		if (!child)
			_exit(heap_work(14) == 192 ? 64 : 1);
		reap("child of the traced", child);
		return 63;
	}
	pid_t child = fork();
	if (!child) {
		say_result("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		execl("/proc/self/exe", argv[0], "traced", (char *)NULL);
		_exit(126);
	}
	int status;
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		say("stop: signal %d, event %d", WSTOPSIG(status), status >> 16);
		long pass = WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGUSR1 ? 0 : WSTOPSIG(status);
		if (ptrace(PTRACE_CONT, child, NULL, (void *)pass))
			break;
	}
	say("traced: exit %d", WEXITSTATUS(status));
	return 0;
}
