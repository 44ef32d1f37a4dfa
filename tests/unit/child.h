/* SPDX-License-Identifier: MIT */
/*
 * Tests that need a process of their own: fresh globals, limits that cannot be lifted again, another process to look
 * at. cmocka's assertions must not be used in there, they would go on with the next test: `must` says what is wrong and
 * ends the child.
 */
#ifndef PAGEGAP_TEST_CHILD_H
#define PAGEGAP_TEST_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define must(condition) do { \
	if (!(condition)) { \
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
		_exit(1); \
	} \
} while (0)

/* The wait status of a child that does this work; 0: all was as it must be. */
static inline int status_of_child(void (*work)(void))
{
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		/* cmocka would go on with the next test */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		work();
		_exit(0);
	}
	return child < 0 || waitpid(child, &status, 0) != child ? -1 : status;
}

#endif
