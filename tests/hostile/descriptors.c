/* SPDX-License-Identifier: MIT */
/*
 * After a fork, when an instrument may keep a descriptor to watch by: closes every descriptor there could be, one by one, in ranges and
 * from a number on, and puts its own at every number. It must find none that it did not open, close all that it did, and
 * get the numbers that it wants.
 *
 * run: close => exit 0; exit 4
 * run: range => exit 0; exit 4
 * run: from => exit 0; exit 4
 * run: dup2 => exit 0; exit 4
 * run: dup3 => exit 0; exit 4
 */
#include "hostile.h"

#include <sys/resource.h>

#define MOST 1100

static int closed_one_by_one(void)
{
	int closed = 0;

	for (int fd = 3; fd < MOST; fd++)
		closed += !close(fd);
	return closed;
}

static void work(const char *who, const char *way)
{
	int fd = open("/dev/null", O_RDONLY), other = open("/dev/null", O_RDONLY), good = 0;

	say("%s: opened %d and %d", who, fd, other);
	if (!strcmp(way, "close")) {
		say("%s: closed %d", who, closed_one_by_one());
	} else if (!strcmp(way, "range")) {
		say_result("close_range", close_range(3, ~0U, 0));
		say("%s: left %d", who, closed_one_by_one());
	} else if (!strcmp(way, "from")) {
		closefrom(3);
		say("%s: left %d", who, closed_one_by_one());
	} else {
		for (int to = 10; to < MOST - 100; to++)
			good += (!strcmp(way, "dup2") ? dup2(fd, to) : dup3(fd, to, O_CLOEXEC)) == to;
		say("%s: %d of %d numbers", who, good, MOST - 110);
		say("%s: closed %d", who, closed_one_by_one());
	}
	fd = open("/dev/null", O_RDONLY);
	say("%s: then %d", who, fd);
	close(fd);
	say_heap(who);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "close";
	struct rlimit limit = { 1024, 1024 };
	pid_t child;

	setrlimit(RLIMIT_NOFILE, &limit);
	closed_one_by_one();
	child = fork();
	if (!child) {
		work("child", way);
		_exit(4);
	}
	reap("child", child);
	work("parent", way);
	return 0;
}
