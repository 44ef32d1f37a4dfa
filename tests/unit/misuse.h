/* SPDX-License-Identifier: MIT */
/* What the allocator says of a misuse that it does not let pass: in a child, which must end by SIGABRT after one line. */
#ifndef PAGEGAP_TESTS_MISUSE_H
#define PAGEGAP_TESTS_MISUSE_H

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void (*volatile run)(void);

/* The message of a child that misuses a block, which must end it. */
static inline const char *message_of(void (*misuse)(void))
{
	static char text[2000];
	int ends[2], status;
	ssize_t length;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		run = misuse;
		run();
		_exit(0);
	}
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[length > 0 ? length : 0] = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(strncmp(text, "pagepool: ", 10), 0);
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(strchr(text, '\n')[1], 0);
	return text;
}

#endif
