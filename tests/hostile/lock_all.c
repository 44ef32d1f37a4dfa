/* SPDX-License-Identifier: MIT */
/*
 * Locks all its memory, now and for the future, as real-time programs do. What an instrument reserves generously
 * becomes resident at once, or exceeds the limit an ordinary user has, so that the call fails which succeeds bare.
 *
 * run: current => exit 0; exit 2
 * run: future => exit 0; exit 2
 * run: onfault => exit 0; exit 2
 */
#include "hostile.h"

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "current";
	int flags = !strcmp(way, "current")  ? MCL_CURRENT :
		    !strcmp(way, "onfault") ? MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT :
					      MCL_CURRENT | MCL_FUTURE;

	say_result("mlockall", mlockall(flags));
	say_heap("locked");
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say_pointer("mmap", page);
	say_result("munlock", munlock(page, 4096));
	say_result("mlock", mlock(page, 4096));
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		_exit(2);
	}
	reap("child", child);
	say_result("munlockall", munlockall());
	say_heap("unlocked");
	return 0;
}
