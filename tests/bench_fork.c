/* SPDX-License-Identifier: MIT */
/*
 * bench_fork fork|exit MIB: forks with so much resident memory, again and again, and prints "wall_ns" and the median of the
 * times that fork took in the parent, or that a child which has touched nothing took to end, until it was reaped.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS 9

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The child ends when it is told to, so that its end and the parent's return from fork do not overlap. */
static int fork_once(long long *fork_ns, long long *exit_ns)
{
	int go[2], status;
	char byte = 0;
	pid_t child;

	if (pipe(go))
		return -1;
	*fork_ns = now_ns();
	child = fork();
	if (!child)
		_exit(read(go[0], &byte, 1) != 1);
	*fork_ns = now_ns() - *fork_ns;
	usleep(20000); /* what the child does at its birth is over */
	*exit_ns = now_ns();
	if (child < 0 || write(go[1], &byte, 1) != 1 || waitpid(child, &status, 0) != child || status)
		return -1;
	*exit_ns = now_ns() - *exit_ns;
	close(go[0]);
	close(go[1]);
	return 0;
}

static int ascending(const void *a, const void *b)
{
	long long one = *(const long long *)a, other = *(const long long *)b;

	return one < other ? -1 : one > other;
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 3 ? strtoul(argv[2], NULL, 10) << 20 : 0;
	long long times[2][FORKS];
	char *memory;

	if (!bytes || (strcmp(argv[1], "fork") && strcmp(argv[1], "exit"))) {
		fprintf(stderr, "usage: bench_fork fork|exit MIB\n");
		return 125;
	}
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 125;
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 1, bytes);
	for (size_t i = 0; i < FORKS; i++)
		if (fork_once(&times[0][i], &times[1][i]))
			return 125;
	for (size_t i = 0; i < 2; i++)
		qsort(times[i], FORKS, sizeof(times[i][0]), ascending);
	printf("wall_ns %lld\n", times[!strcmp(argv[1], "exit")][FORKS / 2]);
	return 0;
}
