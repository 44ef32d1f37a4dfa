/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads with ranges known by construction: what a forked child inherits, writes, shares and unmaps,
 * what its parent keeps, and stacks of threads of a known size with their guards. The child says what its own report
 * must show.
 * usage: tree SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "oracle.h"

static char *map_anon(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

/* Waits for a child that must have ended with status 0. */
static void reap(pid_t child)
{
	int status;

	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void leave(void)
{
	oracle_flush();
	exit(0);
}

/* The child writes some inherited pages while its parent waits: those are its own, the rest is still shared. */
static void inherited(void)
{
	char *p = map_anon(8 * MIB);
	pid_t child;

	touch(p, 4 * MIB);
	pagegap_mark("before");
	expect_exact("mark:before", NULL, "anon mapped", 8 * MIB, "the parent has its mapping");
	expect_exact("mark:before", NULL, "anon resident", 4 * MIB, "with the pages it wrote");
	expect_exact("mark:before", NULL, "anon shared", 0, "which are its own");
	oracle_flush();
	child = fork();
	if (child == 0) {
		touch(p, MIB);
		pagegap_mark("child wrote");
		expect_exact("mark:child wrote", NULL, "anon mapped", 8 * MIB, "a child inherits the mapping");
		expect_exact("mark:child wrote", NULL, "anon resident", 4 * MIB, "and its pages");
		expect_exact("mark:child wrote", NULL, "anon shared", 3 * MIB, "all but the written ones still shared");
		REQUIRE(munmap(p + 2 * MIB, 2 * MIB) == 0);
		touch(p + 6 * MIB, MIB);
		pagegap_mark("child unmapped");
		expect_exact("mark:child unmapped", NULL, "anon mapped", 6 * MIB, "a child unmaps for itself");
		expect_exact("mark:child unmapped", NULL, "anon resident", 3 * MIB, "and touches for itself");
		expect_exact("mark:child unmapped", NULL, "unexplained_mapped_bytes", 0,
			     "nothing is unexplained in a child");
		leave();
	}
	reap(child);
	pagegap_mark("after");
	expect_exact("mark:after", NULL, "anon mapped", 8 * MIB, "the parent keeps what its child unmapped");
	expect_exact("mark:after", NULL, "anon resident", 4 * MIB, "and its pages");
	expect_exact("mark:after", NULL, "anon shared", 0, "which nobody shares any more");
}

/* Counts of the heap: a child begins with the parent's live blocks and counts its own calls alone. */
static void heap(void)
{
	static char *blocks[1000];
	pid_t child;

	for (size_t i = 0; i < 1000; i++)
		blocks[i] = opaque(malloc(100));
	pagegap_mark("before");
	oracle_flush();
	child = fork();
	if (child == 0) {
		for (size_t i = 0; i < 400; i++)
			free(blocks[i]);
		for (size_t i = 0; i < 50; i++)
			blocks[i] = opaque(malloc(30));
		pagegap_mark("child");
		expect_exact("process", NULL, "heap.allocations", 50, "a child counts its own allocations");
		expect_exact("process", NULL, "heap.frees", 400, "and its own frees, of inherited blocks too");
		expect_exact("process", NULL, "heap.requested_bytes", 50 * 30, "its own bytes asked for");
		expect_exact("process", NULL, "heap.freed_bytes", 400 * 100, "and freed");
		expect_exact("mark:child", NULL, "heap.live mapped", 600 * 100 + 50 * 30,
			     "its live bytes hold the inherited ones");
		expect_exact("process", NULL, "heap.live_requested_bytes", 600 * 100 + 50 * 30, "also as a count");
		oracle_flush();
		_exit(0);
	}
	reap(child);
	expect_exact("process", NULL, "heap.allocations", 1000, "the parent counts what it did");
	expect_exact("process", NULL, "heap.frees", 0, "and not what its child did");
	pagegap_mark("after");
	expect_exact("mark:after", "mark:before", "heap.live mapped", 0, "the parent's live bytes stand still");
}

/*
 * A child that no wrapper announces, by the bare system call: it must be found and must not write into its parent's
 * books.
 */
static void raw_fork(void)
{
	char *p = map_anon(2 * MIB);
	pid_t child;

	touch(p, MIB);
	pagegap_mark("before");
	oracle_flush();
	child = (pid_t)syscall(SYS_fork);
	if (child == 0) {
		for (size_t i = 0; i < 100; i++)
			opaque(malloc(50));
		REQUIRE(munmap(p, PAGE) == 0);
		pagegap_mark("child");
		expect_exact("process", NULL, "heap.allocations", 100,
			     "a child of the bare system call counts for itself");
		expect_exact("mark:child", NULL, "anon mapped", 2 * MIB - PAGE, "and maps for itself");
		expect_exact("mark:child", NULL, "unexplained_mapped_bytes", 0, "with nothing unexplained");
		oracle_flush();
		_exit(0);
	}
	reap(child);
	pagegap_mark("after");
	expect_exact("process", NULL, "heap.allocations", 0, "its parent counts none of that");
	expect_exact("mark:after", "mark:before", "anon mapped", 0, "and keeps its mapping");
}

static pthread_barrier_t barrier;

static void *stand(void *touched)
{
	char here[64 * KIB];

	touch(opaque(here), (size_t)touched);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* glibc maps a thread's stack with its guard below it in one piece: size for the stack, guard without access. */
static void stacks(void)
{
	static const struct { size_t stack, guard; } shapes[] = {
		{ MIB, 64 * KIB }, { 256 * KIB, PAGE }, { 8 * MIB, 16 * PAGE }, { 128 * KIB, 0 },
	};
	enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };
	size_t stack = 0, guard = 0;
	pthread_t threads[SHAPES];

	REQUIRE(pthread_barrier_init(&barrier, NULL, SHAPES + 1) == 0);
	pagegap_mark("before");
	for (size_t i = 0; i < SHAPES; i++) {
		pthread_attr_t attributes;

		REQUIRE(pthread_attr_init(&attributes) == 0);
		REQUIRE(pthread_attr_setstacksize(&attributes, shapes[i].stack) == 0);
		REQUIRE(pthread_attr_setguardsize(&attributes, shapes[i].guard) == 0);
		REQUIRE(pthread_create(&threads[i], &attributes, stand, (void *)(32 * KIB)) == 0);
		stack += shapes[i].stack;
		guard += shapes[i].guard;
	}
	pthread_barrier_wait(&barrier);
	pagegap_mark("standing");
	expect_exact("mark:standing", "mark:before", "stack mapped", stack, "threads' stacks are stack");
	expect("mark:standing", "mark:before", "stack resident", SHAPES * 32 * (int64_t)KIB, SHAPES * 96 * (int64_t)KIB,
	       "with the pages they touched");
	expect_exact("mark:standing", "mark:before", "reserve mapped", guard, "their guards are reserve");
	expect_exact("mark:standing", "mark:before", "anon mapped", 0, "and none of it is the program's own mapping");
	expect_exact("mark:standing", NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < SHAPES; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	/* Up to 40 MiB of stacks stay in glibc's cache for the next thread: still stacks, of nobody. */
	pagegap_mark("joined");
	expect_exact("mark:joined", "mark:before", "stack mapped", stack,
		     "stacks kept for later threads are still stack");
	expect_exact("mark:joined", NULL, "unexplained_mapped_bytes", 0, "and nothing is unexplained");
}

/* A stack that the program maps itself: its bytes are in one of two rows, and in one alone. */
static void own_stack(void)
{
	char *p = map_anon(4 * MIB);
	pthread_attr_t attributes;
	pthread_t thread;

	REQUIRE(pthread_barrier_init(&barrier, NULL, 2) == 0);
	pagegap_mark("before");
	REQUIRE(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, p + MIB, MIB) == 0);
	REQUIRE(pthread_create(&thread, &attributes, stand, (void *)(32 * KIB)) == 0);
	pthread_barrier_wait(&barrier);
	pagegap_mark("standing");
	expect("mark:standing", "mark:before", "stack mapped", 0, MIB, "a stack in an own mapping is stack or anon");
	expect("mark:standing", NULL, "anon mapped", 3 * MIB, 4 * MIB, "the rest of that mapping is anon");
	expect_exact("mark:standing", NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
	pthread_barrier_wait(&barrier);
	REQUIRE(pthread_join(thread, NULL) == 0);
	pagegap_mark("joined");
	expect_exact("mark:joined", NULL, "anon mapped", 4 * MIB, "and all of it is anon when the thread is gone");
	REQUIRE(munmap(p, 4 * MIB) == 0);
	pagegap_mark("unmapped");
	expect_exact("mark:unmapped", NULL, "anon mapped", 0, "and gone when it is unmapped");
	expect_exact("mark:unmapped", NULL, "unexplained_mapped_bytes", 0, "with nothing unexplained");
}

/* The main thread's stack grows by touching; the kernel maps what is below the stack pointer as it goes. */
__attribute__((noinline)) static void deep(size_t bytes)
{
	char here[16 * KIB];

	touch(opaque(here), sizeof(here));
	if (bytes > sizeof(here))
		deep(bytes - sizeof(here));
	else
		pagegap_mark("deep");
	opaque(here);
}

static void main_stack(void)
{
	pagegap_mark("before");
	deep(2 * MIB);
	expect("mark:deep", "mark:before", "stack resident", 2 * MIB - 32 * (int64_t)PAGE, 2 * MIB + 32 * (int64_t)PAGE,
	       "a deep call is resident in the stack row");
	expect_exact("mark:deep", NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "inherited", inherited }, { "heap", heap }, { "raw_fork", raw_fork }, { "stacks", stacks },
	{ "own_stack", own_stack }, { "main_stack", main_stack },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			scenarios[i].run();
	}
	oracle_flush();
	return 0;
}
