/* SPDX-License-Identifier: MIT */
/*
 * Moves into an empty root directory, then allocates, forks and executes there: no /proc, no library, no recording in
 * sight. An instrument that opens its files by name fails, and one that complains loudly changes the output.
 *
 * run: child => exit 0; exit 6, exit 7
 * run: self => exit 6; exit 7
 * needs: root
 * ledger: none
 */
#include "hostile.h"

#include <dirent.h>
#include <sys/stat.h>

static int inside(const char *root)
{
	say_result("chroot", chroot(root));
	say_result("chdir", chdir("/"));
	say_heap("inside");
	say_result("open /proc/self/maps", open("/proc/self/maps", O_RDONLY));
	pid_t child = fork();
	if (!child) {
		say_heap("forked inside");
		execl("/bin/true", "true", (char *)NULL);
		say_result("exec", -1);
		_exit(7);
	}
	reap("child of the inside", child);

	int entries = 0;
	DIR *directory = opendir("/");
	while (directory && readdir(directory))
		entries++;
	say("entries of the root: %d", entries);
	return 6;
}

int main(int argc, char **argv)
{
	char root[] = "root.XXXXXX";

	say_pointer("mkdtemp", mkdtemp(root));
	if (argc > 1 && !strcmp(argv[1], "self"))
		return inside(root);
	pid_t child = fork();
	if (!child)
		exit(inside(root));
	reap("the inside", child);
	say_result("rmdir", rmdir(root));
	return 0;
}
