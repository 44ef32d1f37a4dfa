/* SPDX-License-Identifier: MIT */
/*
 * Forks from a signal handler: fork is async-signal-safe, so the handler may interrupt anything, malloc included, as
 * long as the child of that case only calls _exit. An instrument that is in the middle of its own bookkeeping then
 * starts a child in that state.
 *
 * run: computing => exit 0; exit 13 x20
 * run: allocating => exit 0; exit 13 x20
 * run: _Fork => exit 0; exit 13 x20
 * ledger: torn
 */
#include "hostile.h"

#include <sys/time.h>

static volatile sig_atomic_t forks, right, child_allocates, by_underscore;

static void handler(int number)
{
	(void)number;
	int errno_kept = errno, status = 0;

	if (forks >= 20)
		return;
	forks++;
	pid_t child = by_underscore ? _Fork() : fork();
	if (!child)
		_exit(child_allocates && heap_work(6) != 192 ? 1 : 13);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		;
	right += WIFEXITED(status) && WEXITSTATUS(status) == 13;
	errno = errno_kept;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "computing";
	struct sigaction action = { .sa_handler = handler };
	struct itimerval often = { { 0, 700 }, { 0, 700 } }, never = { { 0, 0 }, { 0, 0 } };

	child_allocates = !strcmp(way, "computing");
	by_underscore = !strcmp(way, "_Fork");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	volatile unsigned long spin = 0;
	while (forks < 20) {
		spin++;
		if (!child_allocates)
			heap_work((unsigned)spin);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	say("forks %d, right %d", (int)forks, (int)right);
	say_heap("after");
	return 0;
}
