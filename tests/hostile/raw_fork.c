/* SPDX-License-Identifier: MIT */
/*
 * Forks without any libc function that could be wrapped: syscall(SYS_fork), clone and clone3 as system calls, and
 * libc's clone with several flags. The child allocates. An instrument that does not notice counts for two processes in
 * one capture.
 *
 * run: => exit 0; exit 21, exit 22, exit 23, exit 24, exit 25, exit 26, exit 27
 */
#include "hostile.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>

static _Alignas(16) char stack[256 << 10];

static int clone_child(void *argument)
{
	int code = (int)(intptr_t)argument;

	if (heap_work((unsigned)code) != 192)
		return 1;
	_exit(code);
}

static void raw(const char *what, long pid, int code)
{
	if (!pid) {
		say_heap(what);
		_exit(code);
	}
	if (pid < 0)
		say_result(what, -1);
	else
		reap(what, (pid_t)pid);
}

int main(void)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD };

	say_heap("before");
	raw("SYS_fork", syscall(SYS_fork), 21);
	raw("SYS_clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), 22);
	raw("SYS_clone3", syscall(SYS_clone3, &arguments, sizeof(arguments)), 23);
	reap("clone", clone(clone_child, stack + sizeof(stack), SIGCHLD, (void *)(intptr_t)24));
	reap("clone of the vfork kind",
	     clone(clone_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)(intptr_t)25));
	reap("clone with the descriptors", clone(clone_child, stack + sizeof(stack), CLONE_FILES | CLONE_FS | SIGCHLD,
						 (void *)(intptr_t)26));
	say_result("next descriptor", open("/dev/null", O_RDONLY));
	/* Leaves and is waited for by system calls too. */
	long child = syscall(SYS_fork);
	if (!child) {
		free(kept(malloc(10)));
		syscall(SYS_exit_group, 27);
	}
	int status = 0;
	syscall(SYS_wait4, child, &status, 0, NULL);
	say("all by system calls: exit %d", WEXITSTATUS(status));
	say_heap("after");
	return 0;
}
