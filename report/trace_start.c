/* SPDX-License-Identifier: MIT */
/*
 * The tracer and its program find each other: the runner forks the tracer before it starts the program; the child that will be the program
 * introduces itself and waits until it has been seized. The tracer keeps nothing of the runner's open: a reader of the program's
 * output must not wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"
#include "program.h"
#include "trace.h"

const char *trace_reason(const char *program)
{
	char *found = program_find(program), *real = NULL;
	enum capture_note note = found ? program_reach(found, &real) : NOTE_NONE;

	free(found);
	free(real);
	if (note == NOTE_STATIC)
		return "a static executable cannot be preloaded";
	if (note == NOTE_LIBC)
		return "it uses another C library, which does not load ours";
	/* Who may not trace it would take its privileges from it: execve(2). */
	return note == NOTE_SETUID && !geteuid() ? "a set-uid or set-gid executable is not preloaded" : NULL;
}

static long options(const struct trace_hello *hello)
{
	long all = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
		   PTRACE_O_TRACEEXIT;

	return hello->filtered ? all | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL : all;
}

static void be_the_tracer(int link, const struct trace_set *set) __attribute__((noreturn));
static void be_the_tracer(int link, const struct trace_set *set)
{
	struct trace_hello hello;
	int directory, error = 0, null;
	sigset_t every;

	sigfillset(&every);
	sigprocmask(SIG_SETMASK, &every, NULL);
	setsid();
	complain_fd = -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		if (fd != link && null >= 0)
			dup2(null, fd);
	if (link > 3)
		close_range(3, (unsigned)link - 1, 0);
	close_range((unsigned)link + 1, ~0U, 0);
	if (recv(link, &hello, sizeof(hello), MSG_WAITALL) != sizeof(hello))
		_exit(0);
	directory = open(hello.directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0 || ptrace(PTRACE_SEIZE, hello.pid, 0, options(&hello)))
		error = errno;
	if (chdir("/") || send(link, &error, sizeof(error), MSG_NOSIGNAL) < 0 || error)
		_exit(0);
	close(link);
	trace_follow(&hello, set, directory);
	_exit(0);
}

void trace_open(struct trace *trace)
{
	int pair[2] = { -1, -1 };

	trace->link = -1;
	if (!trace->why)
		return;
	if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		trace->tracer = fork();
	if (pair[0] < 0 || trace->tracer < 0) {
		complain("cannot trace: %s", strerror(errno));
		if (pair[0] >= 0)
			close(pair[0]), close(pair[1]);
		return;
	}
	if (!trace->tracer) {
		close(pair[0]);
		be_the_tracer(pair[1], &trace->set);
	}
	close(pair[1]);
	trace->link = pair[0];
	if (!trace->set.all)
		trace->filter = trace_filter(&trace->set, &trace->filter_used);
}

bool trace_join(const struct trace *trace, struct trace_hello *hello)
{
	int error = EPIPE;

	hello->pid = getpid();
	hello->filtered = trace->filter && trace_filter_allowed();
	prctl(PR_SET_PTRACER, trace->tracer, 0, 0, 0); /* Yama: only ancestors may, else */
	if (send(trace->link, hello, sizeof(*hello), MSG_NOSIGNAL) != sizeof(*hello) ||
	    recv(trace->link, &error, sizeof(error), MSG_WAITALL) != sizeof(error))
		error = EPIPE;
	if (!error && hello->filtered && (error = trace_filter_install(trace))) {
		complain("cannot trace: seccomp: %s", strerror(error));
		_exit(STATUS_FAILED); /* seized already */
	}
	if (error)
		complain("cannot trace: %s%s", strerror(error), error == EPERM ? " (somebody else does, or ptrace_scope forbids it)" : "");
	return !error;
}

void trace_close(struct trace *trace)
{
	if (trace->link >= 0)
		close(trace->link);
	trace->link = -1;
	free(trace->filter);
	trace->filter = NULL;
}
