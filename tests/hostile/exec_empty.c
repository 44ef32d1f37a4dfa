/* SPDX-License-Identifier: MIT */
/*
 * Executes with an environment of its own making: empty, NULL, one variable. By every function that can. The new image
 * must see exactly what it was given, and must be recorded all the same.
 *
 * run: => exit 0; exit 0 x14
 */
#include "hostile.h"

#include <spawn.h>
#include <sys/syscall.h>

static char name_env[] = "env", path_env[] = "/usr/bin/env", one_variable[] = "ONE=1";
static char *const arguments[] = { name_env, NULL };
static char *const empty[] = { NULL };
static char *const one[] = { one_variable, NULL };

static void execute(int way)
{
	int fd = open(path_env, O_RDONLY | O_CLOEXEC);
	char *const *given = way % 2 ? one : empty;

	switch (way / 2) {
	case 0: execve(path_env, arguments, given); break;
	case 1: execle(path_env, name_env, (char *)NULL, given); break;
	case 2: execvpe(name_env, arguments, given); break;
	case 3: fexecve(fd, arguments, given); break;
	case 4: execveat(AT_FDCWD, path_env, arguments, given, 0); break;
	case 5: execveat(fd, "", arguments, given, AT_EMPTY_PATH); break;
	}
	_exit(126);
}

int main(void)
{
	for (int way = 0; way < 12; way++) {
		say("way %d", way);
		pid_t child = fork();
		if (!child)
			execute(way);
		reap("env", child);
	}
	pid_t child;
	int error = posix_spawn(&child, path_env, NULL, NULL, arguments, empty);
	reap("env", child);
	say("posix_spawn: %d", error);
	error = posix_spawnp(&child, name_env, NULL, NULL, arguments, one);
	reap("env", child);
	say("posix_spawnp: %d", error);
	return 0;
}
