/* SPDX-License-Identifier: MIT */
/*
 * What threads do with their lives, by construction: one sleeps in a call, one waits for a lock inside libc, where no wrapper sees it, one computes, one
 * reads from a pipe that stays empty for a while. The report must tell of all of it, thread by thread and together.
 * usage: lives SCENARIO [all]: the calls of libc itself are seen too; without arguments it lists them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "oracle.h"

#define MILLISECOND 1000000LL
#define FOR         (200 * MILLISECOND)
#define EDGES       (40 * MILLISECOND)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];
static int inner_calls_seen;
static pthread_barrier_t all_there;     /* a thread that begins late would get the counters of one that has ended */

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	REQUIRE(clock_gettime(clock, &now) == 0);
	return now.tv_sec * 1000 * MILLISECOND + now.tv_nsec;
}

static _Atomic int64_t waited_ns; /* for a processor, all threads that are gone */

static int64_t own_wait_ns(void)
{
	char text[256] = "", *next;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY);

	REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && close(fd) == 0);
	strtoull(text, &next, 10);
	return (int64_t)strtoull(next, NULL, 10);
}

/* What may have been taken for time awake in calls. */
static int64_t awake_ns(void)
{
	struct rusage usage;

	REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
	return waited_ns + own_wait_ns() + usage.ru_stime.tv_sec * 1000 * MILLISECOND + usage.ru_stime.tv_usec * 1000 + EDGES / 4;
}

static void named(const char *name)
{
	REQUIRE(pthread_setname_np(pthread_self(), name) == 0);
}

static void *sleeps(void *unused)
{
	struct timespec once = { .tv_nsec = FOR / 10 };

	named("sleeper");
	if (unused)
		pthread_barrier_wait(&all_there);
	for (int i = 0; i < 10; i++)
		nanosleep(&once, NULL);
	waited_ns += unused ? own_wait_ns() : 0;
	return unused;
}

static void *waits(void *unused)
{
	named("waiter");
	if (unused)
		pthread_barrier_wait(&all_there);
	REQUIRE(pthread_mutex_lock(&lock) == 0 && pthread_mutex_unlock(&lock) == 0);
	waited_ns += unused ? own_wait_ns() : 0;
	return unused;
}

static void *waits_and_asks(void *unused)
{
	waits(unused);
	getppid();
	return unused;
}

static void *computes(void *unused)
{
	int64_t until;

	named("computer");
	if (unused)
		pthread_barrier_wait(&all_there);
	until = now_ns(CLOCK_THREAD_CPUTIME_ID) + FOR;
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		for (volatile int i = 0; i < 1000000; i++)
			;
	waited_ns += unused ? own_wait_ns() : 0;
	return unused;
}

static void *reads(void *unused)
{
	char byte;

	named("reader");
	if (unused)
		pthread_barrier_wait(&all_there);
	for (int i = 0; i < 7; i++)
		REQUIRE(read(ends[0], &byte, 1) == 1);
	waited_ns += unused ? own_wait_ns() : 0;
	return unused;
}

static void expect_time(const char *field, int64_t from, int64_t to, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "time.accounting.%s", field);
	expect("process", NULL, path, from, to, what);
}

static void one_thread(void)
{
	int64_t begun = now_ns(CLOCK_MONOTONIC), lived;

	sleeps(NULL);
	computes(NULL);
	lived = now_ns(CLOCK_MONOTONIC) - begun;
	expect_time("threads", 1, 1, "there is one thread");
	expect_time("lived_ns", lived, lived + EDGES, "it lives as long as the process");
	expect_time("asleep_ns", FOR, lived - FOR + EDGES, "what it slept is sleep");
	expect_time("asleep_in_calls_least_ns", FOR - EDGES / 4 - awake_ns(), lived, "it slept in calls, at least so long");
	expect_time("asleep_in_calls_most_ns", FOR - EDGES / 4, lived, "and at most");
	expect_time("bound_ns", 0, EDGES, "the sum is nearly right");
}

/* The others live side by side, the first one waits for them in pthread_join, which is no call that is seen. */
static void four_threads(void)
{
	static void *(*const all[])(void *) = { sleeps, waits, computes, reads };
	int64_t begun = now_ns(CLOCK_MONOTONIC), lived = 0;
	pthread_t threads[4];

	REQUIRE(pipe(ends) == 0 && pthread_barrier_init(&all_there, NULL, 4) == 0);
	REQUIRE(pthread_mutex_lock(&lock) == 0);
	for (int i = 0; i < 4; i++)
		REQUIRE(pthread_create(&threads[i], NULL, all[i], threads) == 0);
	REQUIRE(pthread_join(threads[0], NULL) == 0);
	REQUIRE(pthread_mutex_unlock(&lock) == 0);
	REQUIRE(write(ends[1], "1234567", 7) == 7);
	for (int i = 1; i < 4; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	lived = now_ns(CLOCK_MONOTONIC) - begun;
	expect_time("threads", 5, 5, "all threads are known");
	expect_time("lived_ns", lived + 4 * FOR, 5 * (lived + EDGES), "their lives are added up");
	expect_time("asleep_ns", 3 * FOR, 5 * lived - FOR, "three of them slept beside each other");
	if (inner_calls_seen) {
		expect_time("asleep_in_calls_least_ns", 3 * FOR - EDGES - awake_ns(), 5 * lived, "all of them in calls");
		expect_time("asleep_in_calls_most_ns", 3 * FOR, 5 * lived - FOR, "at most");
	} else {
		expect_time("asleep_in_calls_least_ns", 2 * FOR - EDGES - awake_ns(), 2 * lived, "two of them in calls that were seen");
		expect_time("asleep_in_calls_most_ns", 2 * (FOR - EDGES / 4), 2 * lived + EDGES, "and the others where no call was seen");
	}
	expect_time("user_ns", FOR / 2, lived + EDGES, "the one that computes is there");
	expect_time("bound_ns", 0, EDGES, "the sum is nearly right");
}

static void *asks(void *times)
{
	named("asker");
	for (int i = 0; i < *(int *)times; i++)
		getppid();
	usleep(6000); /* one that is shorter is not asked */
	return NULL;
}

/* One after the other, so that each has the counters of the one before. */
static void in_turn(void)
{
	int times = 100;

	for (int i = 0; i < 6; i++) {
		pthread_t thread;

		REQUIRE(pthread_create(&thread, NULL, asks, &times) == 0 && pthread_join(thread, NULL) == 0);
	}
	expect_time("threads", 7, 7, "all threads are known");
}

/* More than there are counters for, all of them at once. */
static void too_many(void)
{
	enum { MANY = 200 };
	pthread_t threads[MANY];

	REQUIRE(pthread_mutex_lock(&lock) == 0);
	for (int i = 0; i < MANY; i++)
		REQUIRE(pthread_create(&threads[i], NULL, waits_and_asks, NULL) == 0);
	usleep(50000);
	REQUIRE(pthread_mutex_unlock(&lock) == 0);
	for (int i = 0; i < MANY; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	expect_time("threads", MANY + 1, MANY + 1, "all threads are known");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "one", one_thread }, { "four", four_threads }, { "turns", in_turn }, { "many", too_many },
};

int main(int argc, char **argv)
{
	inner_calls_seen = argc > 2;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (!strcmp(argv[1], scenarios[i].name))
			scenarios[i].run();
	}
	oracle_flush();
	return 0;
}
