/* SPDX-License-Identifier: MIT */
/*
 * Uses everything that catching system calls by SIGSYS needs for itself, or could damage: a handler of SIGSYS, that signal blocked and pending,
 * a filter that traps, handlers with every signal blocked that make calls, an alternate stack, calls that change the mask while they wait, leaving
 * a handler by longjmp in the middle of a call, code made at run time, raw clones, and an exec with SIGSYS blocked.
 *
 * run: => exit 0; exit 7, exit 8, exit 9, exit 0
 * ledger: none
 * says: preloaded alone, that the report cannot be printed from behind the filter
 */
#include "hostile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t seen, code_seen;
static sigjmp_buf out;
static char alternate[64 << 10];

static void on_sigsys(int signal, siginfo_t *info, void *pointer)
{
	ucontext_t *context = pointer;

	(void)signal;
	seen++;
	code_seen = info->si_code;
	if (info->si_code == 1 /* SYS_SECCOMP */)
		context->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void on_usr1(int signal)
{
	int on_stack;
	stack_t now;

	(void)signal;
	sigaltstack(NULL, &now);
	on_stack = now.ss_flags == SS_ONSTACK;
	seen += 1 + 100 * (syscall(SYS_getppid) == getppid()) + 10000 * on_stack;
}

static void leave(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static void catch(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigfillset(&action.sa_mask);
	say_result("sigaction", sigaction(signal, &action, NULL));
}

static void its_own_signal(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO }, before;
	sigset_t set, old;

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	say_result("sigaction", sigaction(SIGSYS, &action, NULL));
	say_result("and back", sigaction(SIGSYS, NULL, &before));
	say("the same: %d, %d", before.sa_sigaction == on_sigsys, sigismember(&before.sa_mask, SIGUSR2));
	raise(SIGSYS);
	say("raised: seen %d, code %d", seen, code_seen);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	say_result("block", sigprocmask(SIG_BLOCK, &set, &old));
	say("was blocked: %d", sigismember(&old, SIGSYS));
	raise(SIGSYS);
	sigpending(&old);
	say("blocked: seen %d, pending %d", seen, sigismember(&old, SIGSYS));
	say_result("ask", sigprocmask(SIG_SETMASK, NULL, &old));
	say("is blocked: %d", sigismember(&old, SIGSYS));
	say_result("unblock", sigprocmask(SIG_UNBLOCK, &set, NULL));
	say("unblocked: seen %d", seen);
}

static void handlers(void)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) }, now;
	const struct timespec none = { 0, 0 }, long_time = { 10, 0 };
	sigset_t set, old;

	seen = 0;
	catch(SIGUSR1, on_usr1, 0);
	raise(SIGUSR1);
	say("every signal blocked: seen %d", seen);
	say_result("sigaltstack", sigaltstack(&stack, NULL));
	say_result("asked", sigaltstack(NULL, &now));
	say("the same: %d, %zu, %d", now.ss_sp == alternate, now.ss_size, now.ss_flags);
	catch(SIGUSR1, on_usr1, SA_ONSTACK);
	raise(SIGUSR1);
	say("on its own stack: seen %d", seen);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	say_result("sigsuspend", sigsuspend(&set));
	say("after it: seen %d", seen);
	raise(SIGUSR1);
	say_result("ppoll", ppoll(NULL, 0, &long_time, &set));
	raise(SIGUSR1);
	say_result("pselect", pselect(0, NULL, NULL, NULL, &long_time, &set));
	say("after both: seen %d", seen);
	sigprocmask(SIG_SETMASK, NULL, &set);
	say("still blocked: %d, and SIGSYS %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGSYS));
	sigprocmask(SIG_SETMASK, &old, NULL);
	(void)none;
}

static void leaving(void)
{
	volatile int times = 0;
	int pipes[2];
	char byte;

	catch(SIGALRM, leave, 0);
	if (pipe(pipes))
		return;
	while (times < 3)
		if (!sigsetjmp(out, 1)) {
			ualarm(2000, 0);
			say_result("read", read(pipes[0], &byte, 1)); /* never returns */
		} else {
			times++;
		}
	say_result("write", write(pipes[1], "x", 1));
	say_result("read", read(pipes[0], &byte, 1));
	close(pipes[0]);
	close(pipes[1]);
}

/* mov $number, %eax; syscall; ret */
static void made_code(void)
{
	unsigned char code[] = { 0xb8, SYS_getppid, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int right = 0;

	for (int round = 0; round < 2; round++) {
		long expected = round ? getpid() : getppid();

		mprotect(page, 4096, PROT_READ | PROT_WRITE);
		code[1] = (unsigned char)(round ? SYS_getpid : SYS_getppid);
		memcpy(page + 64 * round, code, sizeof(code));
		say_result("executable", mprotect(page, 4096, PROT_READ | PROT_EXEC));
		for (int i = 0; i < 200; i++)
			right += ((long (*)(void))(void *)(page + 64 * round))() == expected;
	}
	say("made code was right %d times", right);
	munmap(page, 4096);
}

static int in_clone(void *argument)
{
	syscall(SYS_exit_group, *(int *)argument);
	return 0;
}

static void births(char *self)
{
	static char stack[64 << 10] __attribute__((aligned(16)));
	char *arguments[] = { self, "mask", NULL };
	int status = 8;
	sigset_t set;
	pid_t child;

	child = (pid_t)syscall(SYS_fork);
	if (!child)
		_exit(7);
	reap("raw fork", child);
	child = clone(in_clone, stack + sizeof(stack), SIGCHLD, &status);
	reap("clone", child);
	child = vfork();
	if (!child)
		_exit(9);
	reap("vfork", child);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child = fork();
	if (!child) {
		execv(self, arguments);
		_exit(1);
	}
	reap("exec", child);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void trapped(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };
	int right = 0;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	say_result("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	seen = 0;
	for (int i = 0; i < 100; i++)
		right += getppid() == 4242;
	say("trapped: seen %d, right %d", seen, right);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		sigset_t set;

		sigprocmask(SIG_SETMASK, NULL, &set);
		say("executed: SIGSYS blocked: %d", sigismember(&set, SIGSYS));
		return 0;
	}
	its_own_signal();
	handlers();
	leaving();
	made_code();
	births(argv[0]);
	trapped();
	return 0;
}
