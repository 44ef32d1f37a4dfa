/* SPDX-License-Identifier: MIT */
/*
 * ended FILE PROGRAM [ARGUMENT…]: runs a program in a session of its own and writes to FILE how it ended: "exit N" or
 * "signal N", which a shell cannot tell apart above 128. A program that has not ended after ten minutes is killed with
 * its process group: "hung".
 */
#include "../hostile.h"

#include <time.h>

int main(int argc, char **argv)
{
	enum { GUARD_SECONDS = 600 };
	sigset_t set, before;
	int status = 0;

	if (argc < 3)
		return 125;
	FILE *file = fopen(argv[1], "we");
	if (!file)
		return 125;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &before);
	pid_t child = fork();
	if (!child) {
		setsid();
		closefrom(3);
		for (int number = SIGHUP; number <= SIGQUIT; number++) /* a shell in the background ignores some */
			signal(number, SIG_DFL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	const struct timespec guard = { .tv_sec = GUARD_SECONDS };
	if (sigtimedwait(&set, NULL, &guard) == -1) {
		kill(-child, SIGKILL);
		fprintf(file, "hung\n");
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		fprintf(file, "signal %d\n", WTERMSIG(status));
	else
		fprintf(file, "exit %d\n", WEXITSTATUS(status));
	return fclose(file) ? 125 : 0;
}
