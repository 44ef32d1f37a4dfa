/* SPDX-License-Identifier: MIT */
/*
 * Closes every descriptor it did not open, as daemons and shells do, then goes on working, forks, and opens a file.
 * An instrument that keeps a descriptor loses it, writes into the program's next file, or makes the numbers differ.
 *
 * run: loop => exit 0; exit 4
 * run: closefrom => exit 0; exit 4
 * run: close_range => exit 0; exit 4
 * run: cloexec => exit 0; exit 4
 * run: unshare => exit 0; exit 4
 * run: standard => exit 40; exit 4
 */
#include "hostile.h"

#include <linux/close_range.h>

static void close_by(const char *way, int first)
{
	if (!strcmp(way, "closefrom"))
		closefrom(first);
	else if (!strcmp(way, "close_range"))
		say_result("close_range", close_range((unsigned)first, ~0u, 0));
	else if (!strcmp(way, "cloexec"))
		say_result("close_range", close_range((unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC));
	else if (!strcmp(way, "unshare"))
		say_result("close_range", close_range((unsigned)first, ~0u, CLOSE_RANGE_UNSHARE));
	else {
		int closed = 0;
		for (int fd = first; fd < 20000; fd++)
			closed += !close(fd);
		if (first)
			say("descriptors that could be closed: %d", closed);
	}
}

int main(int argc, char **argv)
{
	int standard = argc > 1 && !strcmp(argv[1], "standard");

	if (!standard)
		say_heap("before");
	close_by(argc > 1 ? argv[1] : "loop", standard ? 0 : 3);

	int wrong = heap_work(2) != 192;
	pid_t child = fork();
	if (!child)
		_exit(heap_work(3) == 192 ? 4 : 1);
	int status;
	wrong |= waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 4;
	/* Without the three standard ones the next descriptor is 0, and only the exit status can still say it. */
	int fd = open("/dev/null", O_RDWR);
	if (standard)
		return wrong ? 1 : 40 + fd;
	say("next descriptor: %d, wrong: %d", fd, wrong);
	say_heap("after");
	return wrong;
}
