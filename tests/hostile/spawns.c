/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn with file actions and attributes, and its failures. libc forks inside itself and runs the child on a
 * stack of its own in the parent's memory; an instrument that replaces it by fork and exec loses the error code, or
 * runs handlers that must not run.
 *
 * run: => exit 0; exit 0 x4, exit 56, signal 10
 * traced: exit 127 x4
 */
#include "hostile.h"

#include <pthread.h>
#include <spawn.h>

extern char **environ;

static void at_fork(void)
{
	say("fork handler"); /* POSIX: posix_spawn need not run it; glibc does not */
}

static pid_t spawn(const char *what, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		   const char *command)
{
	char shell[] = "sh", option[] = "-c", text[256];
	char *const arguments[] = { shell, option, text, NULL };
	pid_t child = -1;

	snprintf(text, sizeof(text), "%s", command);
	errno = 777;
	int error = posix_spawn(&child, "/bin/sh", actions, attributes, arguments, environ);
	say("%s: %s, errno %d", what, error ? strerrorname_np(error) : "ok", errno);
	return child;
}

static void with_actions(void)
{
	posix_spawn_file_actions_t actions;
	char byte[6] = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 9, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 7);
	posix_spawn_file_actions_addclose(&actions, 0);
	posix_spawn_file_actions_addchdir_np(&actions, "/usr");
	posix_spawn_file_actions_addclosefrom_np(&actions, 10);
	pid_t child =
		spawn("actions", &actions, NULL, "cd -P . && echo $PWD >&7; exec ls /proc/self/fd | tr '\\n' ' ' ");
	reap("actions", child);
	say_result("read", read(ends[0], byte, 4));
	say("in %s", byte);
	posix_spawn_file_actions_addopen(&actions, 9, "/does/not/exist", O_RDWR, 0);
	spawn("actions that fail", &actions, NULL, "exit 1");
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	close(ends[1]);
}

static void with_attributes(void)
{
	posix_spawnattr_t attributes;
	sigset_t set;

	posix_spawnattr_init(&attributes);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	signal(SIGUSR1, SIG_IGN);
	posix_spawnattr_setsigmask(&attributes, &set);
	sigaddset(&set, SIGUSR1);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	reap("signals", spawn("signals", NULL, &attributes, "kill -USR2 $$; kill -USR1 $$; exit 1"));
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_RESETIDS);
	reap("session", spawn("session", NULL, &attributes,
			      "read a b c d pgrp sid x </proc/$$/stat; test $pgrp = $$ && test $sid = $$"));
	posix_spawnattr_destroy(&attributes);
}

int main(void)
{
	char name[] = "no-such-program", directory[] = "/";
	char *const arguments[] = { name, NULL };
	pid_t child;

	pthread_atfork(at_fork, at_fork, at_fork);
	reap("plain", spawn("plain", NULL, NULL, "exit 56"));
	with_actions();
	with_attributes();
	say("not found: %s", strerrorname_np(posix_spawn(&child, name, NULL, NULL, arguments, environ)));
	say("not found by path: %s", strerrorname_np(posix_spawnp(&child, name, NULL, NULL, arguments, environ)));
	say("a directory: %s", strerrorname_np(posix_spawn(&child, directory, NULL, NULL, arguments, environ)));
	say_result("children left", wait(NULL));
	return 0;
}
