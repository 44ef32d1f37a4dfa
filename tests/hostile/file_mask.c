/* SPDX-License-Identifier: MIT */
/*
 * Sets its file mask to 0777, so that what is created has no permission at all, leaves its directory, which is removed,
 * and then forks and executes. An instrument whose files depend on the mask or on the current directory cannot read or
 * find them.
 *
 * run: => exit 0; exit 62, exit 0
 */
#include "hostile.h"

#include <sys/stat.h>

int main(void)
{
	char place[] = "gone.XXXXXX";

	say_pointer("mkdtemp", mkdtemp(place));
	say_result("chdir", chdir(place));
	say_result("rmdir", rmdir("../gone.XXXXXX") == -1 ? 0 : 1);
	char back[64];
	snprintf(back, sizeof(back), "../%s", place);
	say_result("rmdir", rmdir(back));
	say_pointer("getcwd", getcwd(NULL, 0));
	umask(0777);
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		exit(62);
	}
	reap("child", child);
	child = fork();
	if (!child) {
		execl("/bin/echo", "echo", "executed", (char *)NULL);
		_exit(127);
	}
	reap("executed", child);
	say("mask: %o", umask(022));
	return 0;
}
