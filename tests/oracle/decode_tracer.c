/* SPDX-License-Identifier: MIT */
/*
 * Runs a program and prints its calls as strace would: the judge lays the two side by side. It is the smallest tracer there can be around
 * log_take and decode, so that what they make of a call is seen alone: nothing is written to a log and nothing is left out. The whole tree of
 * processes is traced, each line after its process; a call is printed when it returns.
 *   decode_tracer OUTPUT PROGRAM [ARG…]
 * links: report/decode*.c report/log_call.c report/log_take.c report/log_argument.c report/log_reach.c report/syscalls.c
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../report/decode.h"
#include "../../report/log_take.h"

#define THREADS 256
#define STRING_BYTES 32

struct thread {
	int tid;
	bool inside, fresh;
	struct log_call call;
	unsigned char before[LOG_RECORD_BYTES], after[LOG_RECORD_BYTES];
};

static struct thread threads[THREADS];
static FILE *output;

static struct thread *thread_of(int tid)
{
	struct thread *unused = NULL;

	for (int i = 0; i < THREADS; i++) {
		if (threads[i].tid == tid)
			return &threads[i];
		if (!threads[i].tid && !unused)
			unused = &threads[i];
	}
	if (!unused) {
		fputs("decode_tracer: too many threads\n", stderr);
		exit(1);
	}
	memset(unused, 0, sizeof(*unused));
	unused->tid = tid;
	unused->fresh = true;
	return unused;
}

static void print(struct thread *t)
{
	struct decode_options options = { .string_bytes = STRING_BYTES };
	char *words = decode_call(&t->call, &options);

	fprintf(output, "%d %s\n", t->tid, words);
	free(words);
}

static const uint8_t *kinds_of(unsigned number)
{
	static const uint8_t none[SYSCALL_ARGUMENTS];

	return number < SYSCALL_NUMBERS ? syscall_rows[number].kinds : none;
}

static void enter(struct thread *t, const struct user_regs_struct *regs)
{
	struct log_room room = { t->before, t->before + sizeof(t->before) };
	uint64_t arguments[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };

	t->call = (struct log_call){ .kind = LOG_CALL, .number = (uint16_t)regs->orig_rax, .pid = (uint32_t)t->tid, .tid = (uint32_t)t->tid, .begun_ns = 1 };
	memcpy(t->call.arguments, arguments, sizeof(arguments));
	log_take_before(t->tid, kinds_of(t->call.number), arguments, STRING_BYTES, &room);
	t->call.before = (struct log_memory){ t->before, (size_t)(room.at - t->before) };
	t->inside = true;
}

static void leave(struct thread *t, const struct user_regs_struct *regs)
{
	struct log_room room = { t->after, t->after + sizeof(t->after) };

	t->call.ended_ns = 2;
	t->call.result_known = true;
	t->call.result = (int64_t)regs->rax;
	log_take_after(t->tid, kinds_of(t->call.number), t->call.number < SYSCALL_NUMBERS ? syscall_rows[t->call.number].result : RESULT_PLAIN,
		       t->call.arguments, (long)regs->rax, STRING_BYTES, &room);
	t->call.after = (struct log_memory){ t->after, (size_t)(room.at - t->after) };
	t->inside = false;
	print(t);
}

static void signalled(struct thread *t, int number)
{
	struct { struct log_piece piece; siginfo_t info; } bytes = { .piece = { .address = LOG_SIGINFO, .bytes = sizeof(siginfo_t) } };
	struct log_call call = { .kind = LOG_SIGNAL, .number = (uint16_t)number, .begun_ns = 1, .before = { (unsigned char *)&bytes, sizeof(bytes) } };
	char *words;

	if (ptrace(PTRACE_GETSIGINFO, t->tid, 0, &bytes.info))
		return;
	words = decode_signal(&call);
	fprintf(output, "%d --- %s ---\n", t->tid, words);
	free(words);
}

static void ended(struct thread *t, int status)
{
	/* What exit was given is in its arguments; strace prints it when it begins. */
	if (t->inside)
		print(t);
	if (WIFSIGNALED(status))
		fprintf(output, "%d +++ killed by SIG%s%s +++\n", t->tid, sigabbrev_np(WTERMSIG(status)), WCOREDUMP(status) ? " (core dumped)" : "");
	else
		fprintf(output, "%d +++ exited with %d +++\n", t->tid, WEXITSTATUS(status));
	t->tid = 0;
}

/* What the thread is to be given when it goes on: a signal, or none. */
static int stopped(struct thread *t, int status)
{
	int number = WSTOPSIG(status);
	struct user_regs_struct regs;

	if (number == (SIGTRAP | 0x80)) {
		if (ptrace(PTRACE_GETREGS, t->tid, 0, &regs))
			return 0;
		if (t->inside)
			leave(t, &regs);
		else
			enter(t, &regs);
		return 0;
	}
	if (status >> 16 == PTRACE_EVENT_EXEC) {
		unsigned long former;

		/* Another thread than the first has exec'd and is now called as that one: its call returns under the new name. */
		if (!ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &former) && (int)former != t->tid) {
			struct thread *other = thread_of((int)former);

			t->call = other->call;
			t->inside = other->inside;
			other->tid = 0;
		}
		return 0;
	}
	if (status >> 16)
		return 0;
	if (t->fresh && number == SIGSTOP) {
		t->fresh = false;
		return 0;
	}
	signalled(t, number);
	return number;
}

int main(int argc, char **argv)
{
	int status, tid, first;

	if (argc < 3 || !(output = fopen(argv[1], "we")))
		return 125;
	first = fork();
	if (!first) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(first, &status, 0);
	ptrace(PTRACE_SETOPTIONS, first, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
	thread_of(first)->fresh = false;
	ptrace(PTRACE_SYSCALL, first, 0, 0);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		struct thread *t = thread_of(tid);

		if (WIFSTOPPED(status)) {
			int number = stopped(t, status);

			ptrace(PTRACE_SYSCALL, tid, 0, number);
		} else
			ended(t, status);
	}
	return fclose(output) ? 125 : 0;
}
