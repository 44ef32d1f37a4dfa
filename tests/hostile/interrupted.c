/* SPDX-License-Identifier: MIT */
/*
 * A timer fires every millisecond while it works, without SA_RESTART: calls that were interrupted say EINTR, others
 * never do, and sleep, wait, fork and exec keep their rules. An instrument that waits or retries inside a wrapper
 * changes who sees the interruption.
 *
 * run: => exit 0; exit 71 x10, exit 0
 */
#include "hostile.h"

#include <sys/time.h>

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

int main(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	int ends[2], right = 0, failed = 0, status;
	char byte;

	if (pipe(ends))
		return 1;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	say_result("read", read(ends[0], &byte, 1));
	for (int i = 0; i < 200; i++)
		right += heap_work((unsigned)i) == 192;
	for (int i = 0; i < 200; i++) {
		char *page = (char *)mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		failed += page == MAP_FAILED || mprotect(page, 4096, PROT_READ) ||
			  madvise(page, 1 << 20, MADV_DONTNEED) || munmap(page, 1 << 20);
	}
	say("heaps right: %d, maps failed: %d", right, failed);
	right = 0;
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		if (!child)
			_exit(heap_work(15) == 192 ? 71 : 1);
		while (waitpid(child, &status, 0) == -1 && errno == EINTR)
			;
		right += WIFEXITED(status) && WEXITSTATUS(status) == 71;
	}
	/* A timer does not pass to children by fork, but stays across exec: stopped for it. */
	setitimer(ITIMER_REAL, &never, NULL);
	say("children right: %d, signals: %s", right, signals > 5 ? "several" : "too few");
	say_result("system", system("true"));
	return 0;
}
