/* SPDX-License-Identifier: MIT */
/*
 * User against system time. The processor's time of a process is split by who ran: the program itself, or the kernel
 * on its behalf. One child computes, which is user time; another asks the kernel for 4 GiB of zeros, 64 KiB at a time,
 * which is system time.
 *
 * In the report: the time of the two children, which they print themselves from getrusage(2).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void compute(void)
{
	volatile unsigned long sum = 0;

	for (unsigned long i = 0; i < 400000000; i++)
		sum += i;
}

static void ask_the_kernel(void)
{
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	static char piece[64 * 1024];

	for (size_t got = 0; got < 4UL << 30; got += sizeof(piece))
		if (read(zeros, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
			exit(1);
}

/* Runs the work in a child, which prints what the kernel says it cost. */
static void in_a_child(const char *name, void (*work)(void))
{
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child == 0) {
		work();
		getrusage(RUSAGE_SELF, &usage);
		printf("%s_pid %d\n", name, getpid());
		printf("%s_user_us %ld\n", name, usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec);
		printf("%s_system_us %ld\n", name, usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		exit(1);
}

int main(void)
{
	in_a_child("computing", compute);
	in_a_child("asking", ask_the_kernel);
	return 0;
}
