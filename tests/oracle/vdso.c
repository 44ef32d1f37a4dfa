/* SPDX-License-Identifier: MIT */
/*
 * Calls that the vDSO answers, so and so many of each, by two threads; and as many for a clock of processor time, which is a system call.
 * usage: vdso
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

static void *ask(void *unused)
{
	struct timespec now;
	struct timeval of_day;
	unsigned processor, node;

	for (int i = 0; i < 1000; i++)
		clock_gettime(i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME_COARSE, &now);
	for (int i = 0; i < 300; i++)
		gettimeofday(&of_day, NULL);
	for (int i = 0; i < 20; i++)
		time(NULL);
	for (int i = 0; i < 7; i++)
		getcpu(&processor, &node);
	for (int i = 0; i < 5; i++)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return unused;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, ask, NULL))
		return 1;
	ask(NULL);
	return pthread_join(thread, NULL);
}
