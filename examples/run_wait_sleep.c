/* SPDX-License-Identifier: MIT */
/*
 * Running against waiting against sleeping. A process that is not running either waits for a processor, though it
 * could run, or sleeps until something happens. Two busy processes are pinned to one processor, where each gets half
 * of it; a third one sleeps.
 *
 * In the report: the busy ones run about half of the wall time and wait for a processor the other half
 * (runnable_wait), the sleeper neither runs nor waits.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOLD_NS 600000000L      /* wall time that each of the three takes */

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void be_busy(void)
{
	long until = now_ns() + HOLD_NS;

	while (now_ns() < until)
		;
}

static void be_asleep(void)
{
	struct timespec left = { .tv_nsec = HOLD_NS };

	while (nanosleep(&left, &left) != 0)
		;
}

/* The three inherit this: the first processor that the program may use. */
static int pin_to_one_processor(void)
{
	cpu_set_t allowed, one;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return -1;
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one);
}

static pid_t in_a_child(void (*work)(void))
{
	pid_t child = fork();

	if (child == 0) {
		work();
		_exit(0);
	}
	if (child < 0)
		exit(1);
	return child;
}

int main(void)
{
	pid_t busy[2], sleeper;

	if (pin_to_one_processor() != 0)
		return 1;
	busy[0] = in_a_child(be_busy);
	busy[1] = in_a_child(be_busy);
	sleeper = in_a_child(be_asleep);
	for (int i = 0; i < 3; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			return 1;
	}
	printf("hold_ns %ld\n", HOLD_NS);
	printf("busy_pid %d\n", busy[0]);
	printf("busy2_pid %d\n", busy[1]);
	printf("sleeper_pid %d\n", sleeper);
	return 0;
}
