/* SPDX-License-Identifier: MIT */
/*
 * Time against the kernel's own accounts. At its end the program reads getrusage, its scheduler statistics and the
 * clock, and expects the report to say the same, give or take what starting and ending cost. None of it is a limit on
 * how fast anything must be: each figure is compared with another reading of the same thing.
 * usage: times SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "oracle.h"

#define MILLISECOND 1000000LL
#define EDGES       (30 * MILLISECOND)  /* before main and after the readings: loading, and the last ledger */

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	REQUIRE(clock_gettime(clock, &now) == 0);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

static void burn(int64_t ns)
{
	int64_t until = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ns;

	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < until)
		for (volatile int i = 0; i < 100000; i++)
			;
}

static void user(void)
{
	burn(300 * MILLISECOND);
}

/* Time in the kernel: it fills and zeroes pages that are thrown away again. */
static void kernel(void)
{
	int64_t until = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 300 * MILLISECOND;
	char *p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < until) {
		touch(p, 8 * MIB);
		REQUIRE(syscall(SYS_madvise, p, 8 * MIB, MADV_DONTNEED) == 0);
	}
}

static void asleep(void)
{
	struct timespec once = { .tv_nsec = 5 * MILLISECOND };

	for (int i = 0; i < 60; i++)
		nanosleep(&once, NULL);
}

/* Two processes that hand a byte to each other: each wait is a voluntary switch. */
static void switches(void)
{
	int there[2], back[2];
	char byte = 0;
	pid_t child;

	REQUIRE(pipe(there) == 0 && pipe(back) == 0);
	child = fork();
	REQUIRE(child >= 0);
	for (int i = 0; i < 2000; i++) {
		if (child == 0) {
			REQUIRE(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1);
		} else {
			REQUIRE(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
		}
	}
	if (child == 0)
		_exit(0);
	REQUIRE(waitpid(child, NULL, 0) == child);
}

static void compete(void)
{
	cpu_set_t one;
	pid_t child;

	CPU_ZERO(&one);
	REQUIRE(sched_getaffinity(0, sizeof(one), &one) == 0);
	for (size_t cpu = 0, found = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &one) && found++)
			CPU_CLR(cpu, &one);
	}
	REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
	child = fork();
	REQUIRE(child >= 0);
	burn(200 * MILLISECOND);
	if (child == 0)
		_exit(0);
	REQUIRE(waitpid(child, NULL, 0) == child);
}

static int64_t waited_for_a_processor_ns(void)
{
	static char text[256];
	char *next;

	proc_read("/proc/self/schedstat", text, sizeof(text));
	strtoull(text, &next, 10);
	return (int64_t)strtoull(next, NULL, 10);
}

static int64_t time_ns(struct timeval time)
{
	return time.tv_sec * 1000 * MILLISECOND + time.tv_usec * 1000;
}

/* @started_ns: the wall clock at the begin of main */
static void compare(int64_t started_ns)
{
	int64_t user_ns, system_ns, wall_ns, wait_ns = waited_for_a_processor_ns(), asleep_ns, slack;
	struct rusage usage;

	REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
	wall_ns = now_ns(CLOCK_MONOTONIC) - started_ns;
	user_ns = time_ns(usage.ru_utime);
	system_ns = time_ns(usage.ru_stime);
	/* The kernel splits the exact sum by sampled ticks of up to 10 ms: the split moves as more of them come in. */
	slack = EDGES + (user_ns + system_ns) / 20;
	expect("process", NULL, "time.user_ns", user_ns - slack, user_ns + slack, "user time is getrusage's");
	expect("process", NULL, "time.system_ns", system_ns - slack, system_ns + slack, "system time is getrusage's");
	expect("process", NULL, "time.wall_ns", wall_ns, INT64_MAX / 1024,
	       "wall time is no less than the program measured");
	expect("process", NULL, "time.runnable_wait_ns", wait_ns, INT64_MAX / 1024, "nor is the wait for a processor");
	expect("process", NULL, "time.voluntary_switches", usage.ru_nvcsw, usage.ru_nvcsw + 20,
	       "voluntary switches are getrusage's");
	expect("process", NULL, "time.involuntary_switches", usage.ru_nivcsw, usage.ru_nivcsw + 1000,
	       "and the involuntary ones");
	expect("process", NULL, "faults.minor", usage.ru_minflt, usage.ru_minflt + 2000,
	       "minor faults are getrusage's");
	expect("process", NULL, "faults.major", usage.ru_majflt, usage.ru_majflt + 50, "and the major ones");
	fact("wall_ns", (uint64_t)wall_ns);
	asleep_ns = wall_ns - user_ns - system_ns - wait_ns;
	fact("asleep_ns", asleep_ns > 0 ? (uint64_t)asleep_ns : 0);
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "user", user }, { "kernel", kernel }, { "asleep", asleep }, { "switches", switches }, { "compete", compete },
};

int main(int argc, char **argv)
{
	int64_t started_ns = now_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			scenarios[i].run();
	}
	if (argc > 1)
		compare(started_ns);
	oracle_flush();
	return 0;
}
