/* SPDX-License-Identifier: MIT */
/*
 * The program that is built as a static and as a 32-bit executable, neither of which a preloaded library reaches: it
 * works, prints its environment, and executes a program that can be reached. The loader must not complain, and no
 * variable of ours may show.
 */
#include "../hostile.h"

extern char **environ;

int main(int argc, char **argv)
{
	int count = 0;

	for (char **variable = environ; *variable; variable++, count++)
		if (!strncmp(*variable, "LD_", 3) || !strncmp(*variable, "PAGEGAP", 7))
			say("variable: %s", *variable);
	say("variables: %d", count);
	say_heap("still");
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		execl("/bin/sh", "sh", "-c", "env | grep -e ^LD_ -e ^PAGEGAP", (char *)NULL);
		_exit(126);
	}
	reap("child", child);
	return argc > 1 ? atoi(argv[1]) : 0;
}
