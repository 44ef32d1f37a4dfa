/* SPDX-License-Identifier: MIT */
/*
 * May have three descriptors, those it has. An instrument that needs one more for a moment, at a fork or at the end,
 * gets EMFILE; with room for one more it must leave that one to the program.
 *
 * run: 3 => exit 0; exit 3
 * run: 4 => exit 0; exit 3, exit 0
 * ledger: none
 * says: no descriptor is left for the report
 */
#include "hostile.h"

#include <sys/resource.h>

int main(int argc, char **argv)
{
	rlim_t most = argc > 1 ? (rlim_t)atoi(argv[1]) : 3;
	struct rlimit limit = { most, most };

	say_result("setrlimit", setrlimit(RLIMIT_NOFILE, &limit));
	say_result("open", open("/dev/null", O_RDONLY | O_CLOEXEC));
	say_result("open", open("/dev/null", O_RDONLY));
	say_heap("limited");
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		say_result("open", open("/dev/null", O_RDONLY));
		_exit(3);
	}
	reap("child", child);
	if (most == 3)
		return 0; /* not even the loader could open a library */
	child = vfork();
	if (!child) {
		execl("/bin/echo", "echo", "executed", (char *)NULL);
		_exit(127);
	}
	reap("executed", child);
	return 0;
}
