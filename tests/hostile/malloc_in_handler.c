/* SPDX-License-Identifier: MIT */
/*
 * Allocates in signal handlers, legally: they interrupt async-signal-safe code only. An instrument that thinks a signal
 * can only arrive outside its wrappers finds itself entered twice: here within wait, sleep, kill and write.
 *
 * run: => exit 0; exit 1
 */
#include "hostile.h"

static volatile sig_atomic_t handled, whole;

static void handler(int number)
{
	int errno_kept = errno;

	handled++;
	whole += heap_work((unsigned)number) == 192;
	if (number == SIGUSR1)
		raise(SIGUSR2); /* nested: this one interrupts the kill of raise */
	errno = errno_kept;
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t blocked, none;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	raise(SIGUSR1);
	say("raised: %d handled, %d whole", (int)handled, (int)whole);

	alarm(1);
	say_result("pause", pause());
	say("pause: %d handled, %d whole", (int)handled, (int)whole);

	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	kill(getpid(), SIGUSR2);
	say_result("sigsuspend", sigsuspend(&none));
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	say("sigsuspend: %d handled, %d whole", (int)handled, (int)whole);

	/* A handler within waitpid: the child signals, then stays until it is let go. */
	int gate[2];
	if (pipe(gate))
		return 2;
	pid_t child = fork();
	if (!child) {
		char byte;
		close(gate[1]);
		usleep(100000);
		kill(getppid(), SIGUSR1);
		_exit(read(gate[0], &byte, 1) == 0 ? 1 : 2);
	}
	close(gate[0]);
	int status;
	say_result("waitpid", waitpid(child, &status, 0));
	say("waitpid: %d handled, %d whole", (int)handled, (int)whole);
	close(gate[1]);
	reap("child", child);
	return 0;
}
