/* SPDX-License-Identifier: MIT */
/*
 * bench_run FILE PROGRAM [ARG…]: runs a program and appends one line to FILE: wall, user and system time in ns, peak
 * resident KiB of its largest process, exit status (128 + signal), minor faults. Times start before the fork and end
 * when the program is reaped, so that nothing of the shell around it is measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long in_ns(struct timeval time)
{
	return time.tv_sec * 1000000000LL + time.tv_usec * 1000LL;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	long long start_ns, wall_ns;
	int status, code, written;
	pid_t child;
	FILE *file;

	if (argc < 3) {
		fprintf(stderr, "usage: bench_run FILE PROGRAM [ARG...]\n");
		return 125;
	}
	start_ns = now_ns();
	child = vfork();
	if (child < 0) {
		perror("bench_run: vfork");
		return 125;
	}
	if (!child) {
		execvp(argv[2], argv + 2);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 125;
	wall_ns = now_ns() - start_ns;
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	file = fopen(argv[1], "a");
	if (!file) {
		perror(argv[1]);
		return 125;
	}
	written = fprintf(file, "%lld %lld %lld %ld %d %ld\n", wall_ns, in_ns(usage.ru_utime), in_ns(usage.ru_stime),
			  usage.ru_maxrss, code, usage.ru_minflt);
	return fclose(file) || written < 0 ? 125 : code;
}
