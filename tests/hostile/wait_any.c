/* SPDX-License-Identifier: MIT */
/*
 * Counts its children by wait for any child, and the SIGCHLD that arrive. An instrument that starts a process or a
 * helper thread of its own shows up here as a child that the program never had, and one that reaps takes a child away.
 *
 * run: => exit 0; exit 50, exit 51, exit 52, exit 53, signal 10, exit 0, exit 54
 * run: ignored => exit 0; exit 55 x3
 */
#include "hostile.h"

#include <dirent.h>
#include <sys/prctl.h>

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static int tasks(void)
{
	DIR *directory = opendir("/proc/self/task");
	int count = -2;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void none_left(const char *when)
{
	siginfo_t info;

	say("%s: threads %d", when, tasks());
	say_result("wait", wait(NULL));
	say_result("waitid", waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL));
	errno = 0;
	say_result("waitpid of the group", waitpid(0, NULL, WNOHANG));
}

int main(int argc, char **argv)
{
	(void)argv;
	int status, sum = 0, exited = 0, killed = 0;
	siginfo_t info = { 0 };

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans of an instrument come here too */
	signal(SIGCHLD, argc > 1 ? SIG_IGN : count_signal);
	none_left("at first");
	if (argc > 1) {
		for (int i = 0; i < 3; i++) {
			pid_t child = fork();
			if (!child)
				_exit(heap_work(11) == 192 ? 55 : 1);
			say_result("waitpid", waitpid(child, &status, 0)); /* waits until it is gone, then finds none */
		}
		none_left("at last");
		return 0;
	}
	for (int i = 0; i < 5; i++) {
		pid_t child = fork();
		if (!child) {
			signal(SIGUSR1, SIG_DFL);
			heap_work(12);
			if (i == 4)
				raise(SIGUSR1);
			exit(50 + i);
		}
		if (i == 0) {
			say_result("waitid without reaping", waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
			say("it says: %d, status %d", info.si_code == CLD_EXITED, info.si_status);
		}
		pid_t got = wait(&status);
		exited += got == child && WIFEXITED(status);
		killed += got == child && WIFSIGNALED(status);
		sum += WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	}
	say("exited %d, killed %d, sum %d, signals %d", exited, killed, sum, (int)signals);
	int seen = 0;
	pid_t middle = fork();
	if (!middle) {
		if (!fork())
			_exit(54); /* an orphan: it comes to us */
		_exit(0);
	}
	while (wait(&status) > 0)
		seen += 100 + WEXITSTATUS(status);
	say("middle and orphan: %d", seen);
	none_left("at last");
	return 0;
}
