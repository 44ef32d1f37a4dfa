/* SPDX-License-Identifier: MIT */
/*
 * Gives up root for good, as servers do, then forks and executes as the new user, who may not write where root's
 * recording lies. An instrument that creates files late fails there; it must not gain or keep anything either.
 *
 * run: setuid => exit 0; exit 8, exit 0
 * run: setreuid => exit 0; exit 8, exit 0
 * run: setresuid => exit 0; exit 8, exit 0
 * needs: root
 * says: preloaded alone, that it may not read the recording any more
 */
#include "hostile.h"

#include <grp.h>

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "setuid";
	const uid_t nobody = 65534;

	say_heap("as root");
	say_result("setgroups", setgroups(0, NULL));
	say_result("setgid", setgid(nobody));
	if (!strcmp(way, "setreuid"))
		say_result("setreuid", setreuid(nobody, nobody));
	else if (!strcmp(way, "setresuid"))
		say_result("setresuid", setresuid(nobody, nobody, nobody));
	else
		say_result("setuid", setuid(nobody));
	say("uid %u %u, gid %u %u", getuid(), geteuid(), getgid(), getegid());
	say_result("setuid back", setuid(0));
	say_heap("as nobody");

	pid_t child = fork();
	if (!child) {
		say_heap("forked as nobody");
		_exit(8);
	}
	reap("forked", child);
	child = fork();
	if (!child) {
		execl("/bin/echo", "echo", "executed as nobody", (char *)NULL);
		_exit(127);
	}
	reap("executed", child);
	return 0;
}
