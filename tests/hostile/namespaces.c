/* SPDX-License-Identifier: MIT */
/*
 * Starts two processes in process namespaces of their own, where each is number 1, with a private mount table: an
 * instrument that names its files by getpid writes two processes into one, and one that asks by number asks about
 * another process.
 *
 * run: => exit 0; exit 66 x2, exit 67 x2
 * needs: root
 */
#include "hostile.h"

#include <sched.h>

static int inside(int which)
{
	say("pid %d, parent %d", getpid(), getppid());
	say_heap("in its namespace");
	pid_t child = fork();
	if (!child) {
		say("child is %d", getpid());
		say_heap("child");
		_exit(67);
	}
	reap("child", child);
	return which;
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		say_result("unshare", unshare(i ? CLONE_NEWPID | CLONE_NEWNS : CLONE_NEWPID) ? -1 : 0);
		pid_t child = fork();
		if (!child)
			exit(inside(66));
		reap("first of the namespace", child);
		if (i == 0) /* children go back to where we are */
			say_result("setns", setns(open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), CLONE_NEWPID));
	}
	return 0;
}
