/* SPDX-License-Identifier: MIT */
/*
 * vfork: the child runs in the parent's memory, on the parent's stack. A wrapper that is a C function returns twice
 * through a frame that the child has overwritten; a child that counts as itself writes into its parent's capture.
 *
 * run: => exit 0; exit 14 x30, exit 0 x30, exit 127 x30, exit 15
 */
#include "hostile.h"

__attribute__((noinline)) static pid_t vfork_and(int what, volatile int *seen)
{
	pid_t child = vfork();

	if (child)
		return child;
	*seen += 1; /* visible to the parent: that is how vfork works */
	if (what == 1) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(126);
	}
	if (what == 2) {
		execl("/does/not/exist", "nothing", (char *)NULL);
		_exit(127);
	}
	_exit(14);
}

int main(void)
{
	static const int wanted[3] = { 14, 0, 127 };
	volatile int seen = 0;
	int right[3] = { 0, 0, 0 };

	for (int i = 0; i < 90; i++) {
		char *block = (char *)kept(malloc((size_t)i + 1));
		int status = 0;
		pid_t child = vfork_and(i % 3, &seen);
		if (waitpid(child, &status, 0) == child && WIFEXITED(status))
			right[i % 3] += WEXITSTATUS(status) == wanted[i % 3];
		free(block);
	}
	say("seen %d; right: %d %d %d", seen, right[0], right[1], right[2]);
	say("pid still ours: %d", getpid() == (pid_t)strtol(realpath("/proc/self", NULL) + strlen("/proc/"), NULL, 10));
	/* A child of vfork that forks for good. */
	pid_t child = vfork();
	if (!child)
		_exit(15);
	reap("last", child);
	say_heap("after");
	return 0;
}
