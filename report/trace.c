/* SPDX-License-Identifier: MIT */
/*
 * The tracer: one loop over what wait(2) reports, ptrace(2). Every stop is answered at once, with what the program would have seen without
 * us: signals are delivered, group stops stay stops (PTRACE_LISTEN). A call is counted when it ends: as its exit stop says, or
 * without a result when its thread leaves inside it. What is started before the program itself has been executed counts for nothing.
 */
#include "trace.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figures.h"
#include "memory.h"
#include "syscalls.h"
#include "trace_births.h"
#include "trace_tracees.h"

/* <sys/ptrace.h> and <linux/ptrace.h> do not go together. */
extern long ptrace(int request, ...);

static const struct trace_hello *hello;
static const struct trace_set *set;
static int recording;                   /* its directory */

static void resume(struct tracee *t, int number)
{
	bool by_filter = hello->filtered && !t->process->refuses && !t->in_call;

	if (t->in_call && !t->begun_ns)
		t->begun_ns = now_ns();
	ptrace(by_filter || t->leaving ? PTRACE_CONT : PTRACE_SYSCALL, t->tid, 0, (long)number); /* ESRCH: killed meanwhile */
}

/* Calls that say how many bytes there would be, when they are asked with no room. */
static bool asks_size(unsigned number, const uint64_t *arguments)
{
	if (number >= SYS_getxattr && number <= SYS_fgetxattr)
		return !arguments[3];
	return number >= SYS_listxattr && number <= SYS_flistxattr && !arguments[2];
}

static void call_begins(struct tracee *t, uint32_t architecture, uint64_t number, const uint64_t *arguments)
{
	bool ours = architecture == AUDIT_ARCH_X86_64 && number < CAPTURE_NUMBERS;

	t->number = ours ? (uint16_t)number : CAPTURE_NUMBERS - 1;
	t->begun_ns = 0;
	t->in_call = set->wanted[t->number];
	t->sizes_only = ours && asks_size(t->number, arguments);
	memcpy(t->arguments, arguments, sizeof(t->arguments));
	t->log.record = NULL;
	if (t->in_call && t->process->image)
		trace_log_call(&t->log, &(struct trace_log_thread){ t->process->pid, t->tid, t->process->number }, t->number, arguments);
	if ((t->number == SYS_prctl && arguments[0] == PR_SET_SECCOMP) || (t->number == SYS_seccomp && arguments[0] <= 1))
		t->process->refuses = true;
	if ((t->number == SYS_execve || t->number == SYS_execveat) && t->process->image && !t->process->borrows)
		trace_image_ledger(t->process->image, t->tid, WHY_EXEC);
}

static void call_ends(struct tracee *t, int64_t result, uint64_t now)
{
	const struct syscall_row *row = &syscall_rows[t->number];
	bool fails = row->result != RESULT_NONE && result < 0 && result >= -4095; /* a filter makes what never fails fail */
	bool moves = row->result >= RESULT_BYTES_IN && row->result <= RESULT_BYTES_MOVED && !t->sizes_only && result > 0;

	t->in_call = false;
	trace_log_result(&t->log, &(struct trace_log_thread){ t->process->pid, t->tid, t->process->number }, t->number, t->arguments, result);
	if (!t->process->image)
		return;
	trace_image_count(t->process->image, t->number, fails ? (unsigned)-result : 0, moves ? (uint64_t)result : 0,
			  t->begun_ns && now > t->begun_ns ? now - t->begun_ns : 1);
	if (t->number == SYS_ptrace && fails && result == -EPERM)
		trace_image_note(t->process->image, NOTE_NO_TRACING, EPERM);
}

/* A stop at a call, by either means. */
static void call_stop(struct tracee *t, uint64_t now)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		call_begins(t, info.arch, info.entry.nr, (const uint64_t *)info.entry.args);
	else if (info.op == PTRACE_SYSCALL_INFO_SECCOMP && !t->process->refuses)
		call_begins(t, info.arch, info.seccomp.nr, (const uint64_t *)info.seccomp.args);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->in_call)
		call_ends(t, info.exit.rval, now);
}

static long message(struct tracee *t)
{
	unsigned long value = 0;

	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &value);
	return (long)value;
}

static enum capture_ended kind_of_end(int status, int *code)
{
	*code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return WIFSIGNALED(status) ? ENDED_SIGNAL : ENDED_EXIT;
}

static void end_image(struct traced *process, int status)
{
	int code;
	enum capture_ended kind = kind_of_end(status, &code);

	if (!process->image)
		return;
	trace_image_end(process->image, kind, code);
	process->image = NULL;
	process->ended = true;
	process->status = status;
}

/* The last thread leaves, and the process with it. */
static void last_leaves(struct tracee *t, int status)
{
	struct traced *process = t->process;

	if (!process->image)
		return;
	if (!process->borrows)
		trace_image_ledger(process->image, t->tid, WHY_EXIT);
	trace_image_usage(process->image, t->tid);
	end_image(process, status);
}

/* Where all threads left one by one, whose status it is depends on the kernel: the last one's, and before Linux 5.18 the first one's. */
static void correct_end(const struct traced *process, int status)
{
	int code;
	enum capture_ended kind = kind_of_end(status, &code);

	if (process->ended && (process->status & 0xff7f) != (status & 0xff7f)) /* but for the dumped core */
		trace_image_correct(recording, process->pid, process->number, kind, code);
}

static void leaves(struct tracee *t)
{
	struct traced *process = t->process;
	int status = (int)message(t);

	if (t->in_call && process->image)
		trace_image_count(process->image, t->number, 0, 0, 0);
	t->in_call = false;
	t->leaving = true;
	if (!--process->living)
		last_leaves(t, status);
}

/* Waited for: it is no more. */
static void gone(struct tracee *t, int status)
{
	struct traced *process = t->process;

	if (!process) {
		t->dead = true;
		t->status = status;
		return;
	}
	if (!t->leaving)
		process->living--;
	if (t->tid == process->pid)
		correct_end(process, status);
	if (!process->living)
		end_image(process, status);
	trace_log_leave(&t->log, t->tid);
	tracee_drop(t);
}

/* The thread that executes is the first one from now on, and the only one. */
static struct tracee *succeed(struct tracee *t, pid_t former)
{
	struct tracee *was = former != t->tid ? tracee_find(former) : NULL;
	pid_t tid = t->tid;

	if (!was)
		return t;
	trace_log_leave(&t->log, t->tid);
	tracee_drop(t);
	tracee_rename(was, tid);
	return was;
}

static struct trace_image *begin(const struct traced *process, enum capture_born how)
{
	struct trace_image *image = trace_image_begin(recording, process->pid, process->number, how);

	if (!set->all)
		trace_image_note(image, NOTE_SOME_CALLS, 0);
	return image;
}

static struct tracee *executed(struct tracee *t, uint64_t now)
{
	struct traced *process;
	enum capture_born born = BORN_EXEC;

	t = succeed(t, (pid_t)message(t));
	process = t->process;
	process->living = 1;
	if (t->in_call)
		call_ends(t, 0, now);
	if (process->image) {
		trace_image_usage(process->image, t->tid);
		trace_birth_follow(process->image, t->tid);
		trace_image_end(process->image, ENDED_EXEC, 0);
		process->number++;
		trace_log_leave(&t->log, t->tid);
	} else {
		born = BORN_START;
	}
	process->borrows = false;
	process->image = begin(process, born);
	if (born == BORN_START) {
		process->image->capture->start_ns = hello->start_ns;
		process->image->capture->start_realtime_ns = hello->start_realtime_ns;
	}
	return t;
}

/* A thread or a process; the kernel says which it is not, but /proc does. */
static void born(struct tracee *parent, int event)
{
	pid_t tid = (pid_t)message(parent), pid;
	struct tracee *t = tracee_find(tid);
	struct traced *process = parent->process;
	bool waits = t != NULL;

	if (tid <= 0)
		return;
	pid = trace_birth_process(tid);
	if (!t)
		t = tracee_new(tid, NULL);
	if (pid && pid != process->pid) {
		process = memory_get(sizeof(*process));
		process->pid = pid;
		process->borrows = event == PTRACE_EVENT_VFORK;
		process->refuses = parent->process->refuses;
		if (parent->process->image)
			process->image = begin(process, event == PTRACE_EVENT_VFORK ? BORN_VFORK : BORN_FORK);
	}
	process->threads++;
	process->living++;
	t->process = process;
	if (waits && t->dead)
		gone(t, t->status);
	else if (waits)
		resume(t, 0);
}

static bool stops(int number)
{
	return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

static int deliver(struct tracee *t, int number)
{
	siginfo_t info;

	if (t->process->image && !ptrace(PTRACE_GETSIGINFO, t->tid, 0, &info))
		trace_log_signal(&t->log, &(struct trace_log_thread){ t->process->pid, t->tid, t->process->number }, number, &info, sizeof(info));
	return number;
}

static void stopped(struct tracee *t, int status, uint64_t now)
{
	int number = WSTOPSIG(status), pass = 0;

	switch (status >> 16) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		born(t, status >> 16);
		break;
	case PTRACE_EVENT_EXEC:
		t = executed(t, now);
		break;
	case PTRACE_EVENT_EXIT:
		leaves(t);
		break;
	case PTRACE_EVENT_SECCOMP:
		call_stop(t, now);
		break;
	case PTRACE_EVENT_STOP:
		if (stops(number)) {
			ptrace(PTRACE_LISTEN, t->tid, 0, 0);
			return;
		}
		break;
	case 0:
		if (number == (SIGTRAP | 0x80))
			call_stop(t, now);
		else
			pass = deliver(t, number);
		break;
	default: /* PTRACE_EVENT_VFORK_DONE is not asked for */
		break;
	}
	resume(t, pass);
}

void trace_follow(const struct trace_hello *from, const struct trace_set *calls, int directory)
{
	struct traced *first = memory_get(sizeof(*first));
	pid_t tid;
	int status;

	hello = from;
	set = calls;
	recording = directory;
	first->pid = hello->pid;
	first->threads = first->living = 1;
	tracee_new(hello->pid, first);
	if (hello->log)
		trace_log_open(directory);
	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		uint64_t now = now_ns();
		struct tracee *t = tid > 0 ? tracee_find(tid) : NULL;

		if (tid <= 0)
			continue;
		if (!t)
			t = tracee_new(tid, NULL);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			gone(t, status);
		else if (t->process)
			stopped(t, status, now);
	}
}
