/* SPDX-License-Identifier: MIT */
/*
 * Executes with arguments at the edge of what the kernel takes: no argument list, an empty one, no environment,
 * addresses that are not mapped, too much of everything, files that cannot be executed. An instrument that reads them
 * first crashes where the kernel says EFAULT. This program is the one that it executes.
 *
 * run: => exit 0; exit 38 x6, exit 0 x2
 */
#include "hostile.h"

#include <sys/stat.h>

extern char **environ;

static void self(const char *what, char *const *arguments, char *const *environment)
{
	pid_t child = fork();
	if (!child) {
		execve("/proc/self/exe", arguments, environment);
		_exit(126);
	}
	reap(what, child);
}

static void fails(const char *what, int result)
{
	say_result(what, result);
	errno = 0;
}

static void refused(void)
{
	static char name[] = "name";
	static volatile uintptr_t one = 1; /* an address that is never mapped, which the compiler must not know */
	char *const arguments[] = { name, NULL }, *const bad_list[] = { name, (char *)one, NULL };
	char *const *nowhere = (char *const *)one;
	const size_t much = 1 << 20;

	fails("no file", execve("/does/not/exist", arguments, environ));
	fails("no file by path", execlp("there-is-no-such-program", "x", (char *)NULL));
	fails("empty name", execvp("", arguments));
	fails("a directory", execv("/", arguments));
	fails("no permission", execv("/etc/passwd", arguments));
	fails("not a directory", execv("/etc/passwd/x", arguments));
	fails("bad address of the path", execve((const char *)one, arguments, environ));
	fails("bad address of the arguments", execve("/bin/true", nowhere, environ));
	fails("bad address of the environment", execve("/bin/true", arguments, nowhere));
	fails("bad address in the arguments", execve("/bin/true", bad_list, environ));
	fails("bad address in the environment", execve("/bin/true", arguments, bad_list));
	fails("bad descriptor", fexecve(-1, arguments, environ));
	fails("bad descriptor of a directory", execveat(-1, "true", arguments, environ, 0));
	fails("bad flags", execveat(AT_FDCWD, "/bin/true", arguments, environ, 1 << 30));
	char *long_one = (char *)malloc(much);
	memset(long_one, 'x', much - 1);
	long_one[much - 1] = 0;
	char *const too_long[] = { long_one, NULL };
	fails("too long an argument", execve("/bin/true", too_long, environ));
	fails("too long a variable", execve("/bin/true", arguments, too_long));
	long_one[5000] = 0;
	fails("too long a name", execv(long_one, arguments));
	free(long_one);
}

int main(int argc, char **argv)
{
	static char name[] = "again", text[] = "A=B", no_equals[] = "WITHOUT", twice[] = "A=C", nothing[] = "";
	char *const arguments[] = { name, NULL }, *const none[] = { NULL };
	char *const odd[] = { text, no_equals, twice, nothing, NULL };

	if (argc < 1 || !argv[0][0] || !strcmp(argv[0], name)) {
		say("executed with %d arguments, the first '%s'", argc, argv[0]);
		for (char **variable = environ; *variable; variable++)
			say("variable '%s'", *variable);
		return 38;
	}
	refused();
	self("no argument list", NULL, none);
	self("empty argument list", none, none);
	self("neither list", NULL, NULL);
	self("no environment", arguments, NULL);
	self("empty environment", arguments, none);
	self("odd environment", arguments, odd);
	/* A file without a format: execlp runs it by the shell, execl says ENOEXEC. */
	char script[] = "script.XXXXXX", path[64];
	int fd = mkstemp(script);
	say_result("write", write(fd, "echo from a script\n", 19));
	fchmod(fd, 0700);
	close(fd);
	snprintf(path, sizeof(path), "./%s", script);
	fails("no format", execl(path, path, (char *)NULL));
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();
		if (!child) {
			if (i)
				execvp(path, (char *const[]){ path, NULL });
			execlp(path, path, (char *)NULL);
			_exit(126);
		}
		reap("by the shell", child);
	}
	unlink(script);
	return 0;
}
