/* SPDX-License-Identifier: MIT */
/*
 * Page faults that the program knows by construction: how many, and in whose memory. Huge pages are declined, so that
 * each page is one fault. What is exact is expected to the unit; where libc and the loader have faults of their own in
 * the same row, within those.
 * usage: faults SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "oracle.h"

#define PAGES 3000
#define LIBC  64 /* pages that libc, the loader and the instrument touch in a row of the program's */

static char *fresh(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED && madvise(p, pages * PAGE, MADV_NOHUGEPAGE) == 0);
	return p;
}

/* What every scenario must find: the sum of the parts is the kernel's count, and nothing was lost. */
static void expect_minor(const char *row, int64_t pages, int64_t more, const char *what)
{
	char figure[64];

	snprintf(figure, sizeof(figure), "faults.by_row.%s.minor", row);
	expect("process", NULL, figure, pages, pages + more, what);
	expect("process", NULL, "faults.lost", 0, 0, "no sample is lost");
}

static void first_touch(void)
{
	touch(fresh(PAGES), PAGES * PAGE);
	expect_minor("anon", PAGES, 0, "each first touch of an own mapping is one fault");
}

/* A read maps the zero page, the write that follows is another fault. */
static void zero_page(void)
{
	char *p = fresh(PAGES);

	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(((volatile char *)p)[page * PAGE] == 0);
	touch(p, PAGES / 2 * PAGE);
	expect_minor("anon", PAGES + PAGES / 2, 0, "a read of fresh memory is a fault, and so is the write after it");
}

static void touched_again(void)
{
	char *p = fresh(PAGES);

	touch(p, PAGES * PAGE);
	REQUIRE(madvise(p, PAGES * PAGE, MADV_DONTNEED) == 0);
	touch(p, PAGES * PAGE);
	touch(p, PAGES * PAGE);
	expect_minor("anon", 2 * PAGES, 0, "memory that was given back faults once more, and only once");
}

static void blocks(void)
{
	char *block = opaque(malloc(PAGES * PAGE));

	REQUIRE(block != NULL);
	touch(block, PAGES * PAGE);
	expect_minor("heap", PAGES, LIBC, "the pages of a block are the heap's faults");
}

/* Its pages are in the page cache, so that each write copies one of them: a fault of the file's, and no major one. */
static void private_file(void)
{
	char name[] = "faults.XXXXXX", *p, byte;
	int fd = mkstemp(name);

	REQUIRE(fd >= 0 && unlink(name) == 0 && ftruncate(fd, PAGES * PAGE) == 0);
	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(pread(fd, &byte, 1, (off_t)(page * PAGE)) == 1);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	for (size_t page = 0; page < PAGES; page++)
		p[page * PAGE] = 1;
	expect_minor("file", PAGES, 0, "each write to a private file's page is a fault of the file's");
	expect_minor("anon", 0, 0, "and none of anonymous memory's");
}

/* The kernel itself takes these, inside read(2): no sample tells where. */
static void by_the_kernel(void)
{
	char *p = fresh(PAGES);
	int fd = open("/dev/zero", O_RDONLY);

	REQUIRE(fd >= 0);
	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(read(fd, p + page * PAGE, PAGE) == (ssize_t)PAGE);
	expect("process", NULL, "faults.in_kernel", PAGES, PAGES + LIBC, "faults inside system calls are told apart");
	expect_minor("anon", 0, 0, "none of them is counted as the program's own");
}

static void *touch_some(void *pages)
{
	touch(pages, PAGES / 4 * PAGE);
	return NULL;
}

static void threads(void)
{
	char *p = fresh(PAGES);
	pthread_t thread[4];

	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_create(&thread[i], NULL, touch_some, p + i * (PAGES / 4) * PAGE) == 0);
	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	expect_minor("anon", PAGES, 0, "the faults of all threads are the process's");
}

static void wait_for(pid_t child)
{
	int status;

	REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

/* The child copies what it writes; when it is gone, its parent writes on its own pages again: a fault each, no copy. */
static void forked(void)
{
	char *p = fresh(PAGES);
	pid_t child;

	touch(p, PAGES * PAGE);
	oracle_flush();
	child = fork();
	if (!child) {
		touch(p, PAGES / 3 * PAGE);
		expect_minor("anon", PAGES / 3, 0, "a forked child's faults are those pages that it wrote");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(child > 0);
	wait_for(child);
	touch(p, PAGES / 2 * PAGE);
	expect_minor("anon", PAGES + PAGES / 2, 0, "the parent's are its first touches and the writes after the fork");
}

/* Gone before anybody looks at them: their last ledger tells whose memory it was. */
static void short_lives(void)
{
	for (size_t i = 1; i <= 20; i++) {
		pid_t child;

		oracle_flush();
		child = fork();
		REQUIRE(child >= 0);
		if (!child) {
			touch(fresh(50 * i), 50 * i * PAGE);
			expect_minor("anon", (int64_t)(50 * i), 0, "a short-lived child's faults are its own");
			oracle_flush();
			_exit(0);
		}
		wait_for(child);
	}
	expect_minor("anon", 0, 0, "and not its parent's");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "first_touch", first_touch }, { "zero_page", zero_page }, { "touched_again", touched_again },
	{ "blocks", blocks }, { "private_file", private_file }, { "by_the_kernel", by_the_kernel },
	{ "threads", threads }, { "forked", forked }, { "short_lives", short_lives },
};

int main(int argc, char **argv)
{
	struct rusage usage;

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			scenarios[i].run();
	}
	if (argc > 1) {
		REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
		expect("process", NULL, "faults.minor", usage.ru_minflt, usage.ru_minflt + LIBC,
		       "minor faults are what getrusage says, and those of the last ledger");
		expect("process", NULL, "faults.major", usage.ru_majflt, usage.ru_majflt + 4,
		       "major faults are what getrusage says");
	}
	oracle_flush();
	return 0;
}
