/* SPDX-License-Identifier: MIT */
/*
 * Page faults that the program knows by construction: how many, and in whose memory. Huge pages are declined, so that
 * each page is one fault. What is exact is expected to the unit; where libc and the loader have faults of their own in
 * the same row, within those.
 * usage: faults SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
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

/* At least so many faults of a kind; what libc and the loader have of it comes on top. */
static void expect_kind(const char *kind, int64_t faults, int64_t more, const char *what)
{
	char figure[64];

	snprintf(figure, sizeof(figure), "faults.by_kind.%s", kind);
	expect("process", NULL, figure, faults, faults + more, what);
}

static void expect_churn(const char *row, int64_t pages, int64_t faults, int64_t more, const char *what)
{
	char figure[64];

	snprintf(figure, sizeof(figure), "faults.churn.%s.pages", row);
	expect("process", NULL, figure, pages, pages + more, what);
	snprintf(figure, sizeof(figure), "faults.churn.%s.faults", row);
	expect("process", NULL, figure, faults, faults + more, what);
	snprintf(figure, sizeof(figure), "faults.churn.%s.bytes", row);
	expect("process", NULL, figure, pages * (int64_t)PAGE, (pages + more) * (int64_t)PAGE, what);
}

/* The kernel's own count of the faults so far: some of what follows depends on the kernel and its file systems. */
static struct rusage usage_now(void)
{
	struct rusage usage;

	REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage;
}

static int64_t minor_since(struct rusage before)
{
	return usage_now().ru_minflt - before.ru_minflt;
}

static void first_touch(void)
{
	touch(fresh(PAGES), PAGES * PAGE);
	expect_kind("first_touch", PAGES, LIBC, "each first touch is one");
	expect_kind("copied_after_fork", 0, 0, "without a fork nothing is written after one");
	expect_kind("huge", 0, 0, "declined huge pages do not come");
	expect_churn("anon", 0, 0, 0, "nothing was given back");
	expect_minor("anon", PAGES, 0, "each first touch of an own mapping is one fault");
}

/*
 * A read maps the zero page, the write that follows is another fault. A kernel that has no zero page gives memory to the
 * read, and the write is none.
 */
static void zero_page(void)
{
	char *p = fresh(PAGES);
	struct rusage before;
	int64_t writes;

	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(((volatile char *)p)[page * PAGE] == 0);
	usage_now(); /* what counts this call for the first time has faults of its own */
	before = usage_now();
	touch(p, PAGES / 2 * PAGE);
	writes = minor_since(before);
	REQUIRE(writes == 0 || writes == PAGES / 2);
	expect_minor("anon", PAGES + writes, 0, "a read of fresh memory is a fault, and so is the write after it");
	expect_kind("zero_page", writes ? PAGES : 0, writes ? LIBC : 0, "reads get the zero page, where there is one");
	expect_kind("first_touch", writes ? writes : PAGES, LIBC, "memory comes with the first write, or with the read");
	expect_churn("anon", 0, 0, 0, "a write after a read is nothing that comes again");
}

/* One instruction that reads here and writes there. */
static void string_moves(void)
{
	char *to = fresh(PAGES), *from = fresh(PAGES);
	size_t bytes = PAGES * PAGE;
	int has_zero_page;

	touch(from, PAGES / 3 * PAGE);
	has_zero_page = ((volatile char *)from)[bytes - PAGE] == 0 && pages_present(from, bytes, 1) == PAGES / 3;
	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(bytes) : : "memory");
	expect_minor("anon", 2 * PAGES, 0, "each page of both is a fault");
	expect_kind("zero_page", has_zero_page ? PAGES - PAGES / 3 : 0, LIBC, "what was read of fresh memory");
	expect_kind("first_touch", PAGES / 3 + PAGES + (has_zero_page ? 0 : PAGES - PAGES / 3), LIBC, "what was written");
}

static void touched_again(void)
{
	char *p = fresh(PAGES);

	touch(p, PAGES * PAGE);
	REQUIRE(madvise(p, PAGES * PAGE, MADV_DONTNEED) == 0);
	touch(p, PAGES * PAGE);
	touch(p, PAGES * PAGE);
	expect_minor("anon", 2 * PAGES, 0, "memory that was given back faults once more, and only once");
	expect_kind("first_touch", 2 * PAGES, LIBC, "both times it is fresh");
	expect_churn("anon", PAGES, PAGES, 0, "memory that was given back comes again");
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
	expect_kind("private_file_write", PAGES, LIBC, "each of them copies the file's page");
}

/* Each page is written for the first time, and once more after it was written back, where the file system has to know of that. */
static void shared_file(void)
{
	char name[] = "faults.XXXXXX", *p;
	int fd = mkstemp(name);
	struct rusage before;
	int64_t first, second;

	REQUIRE(fd >= 0 && unlink(name) == 0);
	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(pwrite(fd, "x", 1, (off_t)(page * PAGE)) == 1);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED);
	usage_now(); /* what its first call touches is not counted */
	before = usage_now();
	touch(p, PAGES * PAGE);
	first = minor_since(before);
	REQUIRE(msync(p, PAGES * PAGE, MS_SYNC) == 0);
	before = usage_now();
	touch(p, PAGES * PAGE);
	second = minor_since(before);
	REQUIRE(first > 0 && first <= PAGES);
	expect_minor("file", first + second, 0, "a shared file's faults are the file's");
	expect_kind("file_touch", first, 2 * LIBC, "first touches of a file's pages");
	expect_kind("shared_file_write", second, 8, "writes to pages that have been written back");
	expect_kind("private_file_write", 0, LIBC, "none of a shared file's pages is copied");
}

/* Synced and dropped from the page cache, its pages must be read: a major fault each, as nothing is read ahead. */
static void cold_file(void)
{
	char name[] = "faults.XXXXXX", *p;
	int fd = mkstemp(name);
	struct rusage before;
	int64_t majors;
	char sum = 0;

	REQUIRE(fd >= 0 && unlink(name) == 0);
	for (size_t page = 0; page < PAGES / 10; page++)
		REQUIRE(pwrite(fd, "x", 1, (off_t)(page * PAGE)) == 1);
	REQUIRE(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	p = mmap(NULL, PAGES / 10 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED && madvise(p, PAGES / 10 * PAGE, MADV_RANDOM) == 0);
	before = usage_now();
	for (size_t page = 0; page < PAGES / 10; page++)
		sum = (char)(sum + ((volatile char *)p)[page * PAGE]);
	majors = usage_now().ru_majflt - before.ru_majflt;
	REQUIRE(sum == (char)(PAGES / 10 * 'x'));
	fact("cold_pages", (uint64_t)majors);
	if (!majors)
		return;
	expect("process", NULL, "faults.by_row.file.major", majors, majors, "a page that must be read is a major fault");
	expect_kind("major_file", majors, 8, "and comes from a file");
	expect_kind("major_swap", 0, 0, "not from swap space");
}

/* One fault for each huge page, where there are any. */
static void huge_pages(void)
{
	const size_t huge = 2 * MIB, count = 8;
	char *p = mmap(NULL, (count + 1) * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage before;
	int64_t faults;

	REQUIRE(p != MAP_FAILED);
	p = (char *)(((uintptr_t)p + huge - 1) / huge * huge);
	madvise(p, count * huge, MADV_HUGEPAGE);
	before = usage_now();
	touch(p, count * huge);
	faults = minor_since(before);
	fact("huge_faults", (uint64_t)faults);
	if (faults != (int64_t)count)
		return;
	REQUIRE(madvise(p, count / 2 * huge, MADV_DONTNEED) == 0);
	before = usage_now();
	touch(p, count / 2 * huge);
	REQUIRE(minor_since(before) == (int64_t)count / 2);
	expect_kind("huge", (int64_t)(count + count / 2), 0, "each huge page is one fault");
	expect_minor("anon", (int64_t)(count + count / 2), 0, "and nothing else");
	expect("process", NULL, "faults.churn.anon.faults", (int64_t)count / 2, (int64_t)count / 2, "one that comes again is one fault");
	expect("process", NULL, "faults.churn.anon.bytes", (int64_t)(count / 2 * huge), (int64_t)(count / 2 * huge),
	       "that brings all of it");
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
		expect_kind("copied_after_fork", PAGES / 3, LIBC, "they were shared with its parent");
		expect_churn("anon", 0, 0, 0, "and had not been given back");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(child > 0);
	wait_for(child);
	touch(p, PAGES / 2 * PAGE);
	expect_minor("anon", PAGES + PAGES / 2, 0, "the parent's are its first touches and the writes after the fork");
	expect_kind("first_touch", PAGES, LIBC, "its first touches");
	expect_kind("reused_after_fork", PAGES / 2, LIBC, "and its writes to what it had shared");
	expect_churn("anon", 0, 0, 0, "of which nothing had been given back");
}

/* A child that shares its parent's memory until it is another program leaves no page shared behind. */
static void spawned(void)
{
	char *p = fresh(PAGES), *arguments[] = { "/bin/true", NULL };
	pid_t child;

	touch(p, PAGES * PAGE);
	REQUIRE(posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ) == 0);
	wait_for(child);
	REQUIRE(madvise(p, PAGES * PAGE, MADV_DONTNEED) == 0);
	touch(p, PAGES * PAGE);
	expect_kind("copied_after_fork", 0, 0, "nothing is shared by a spawn");
	expect_kind("first_touch", 2 * PAGES, LIBC, "what was given back is fresh again");
	expect_churn("anon", PAGES, PAGES, 0, "and has come again");
}

/* A child's own new memory, in a mapping that its parent had made: nothing was shared of it. */
static void fresh_in_child(void)
{
	char *p = fresh(PAGES);
	pid_t child;

	oracle_flush();
	child = fork();
	if (!child) {
		touch(p, PAGES * PAGE);
		expect_minor("anon", PAGES, 0, "a forked child's first touches are its own");
		expect_kind("first_touch", PAGES, LIBC, "of memory that its parent never touched");
		expect_kind("copied_after_fork", 0, LIBC, "and that was never shared");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(child > 0);
	wait_for(child);
}

/* What a system call brought in has no sample, so that its parent's writes to it look like first touches: they are unknown. */
static void brought_by_the_kernel(void)
{
	char *p = fresh(PAGES);
	int fd = open("/dev/zero", O_RDONLY);
	pid_t child;

	REQUIRE(fd >= 0);
	for (size_t page = 0; page < PAGES; page++)
		REQUIRE(read(fd, p + page * PAGE, PAGE) == (ssize_t)PAGE);
	oracle_flush();
	child = fork();
	if (!child) {
		touch(p, PAGES * PAGE);
		expect_minor("anon", PAGES, 0, "a forked child writes what its parent had read");
		expect_kind("first_touch", 0, LIBC, "which is not called a first touch");
		expect_kind("unknown", PAGES, 2 * LIBC, "but unknown");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(child > 0);
	wait_for(child);
}

/* The heap's end is given back by each free, and taken again. */
static void trimmed(void)
{
	char *block[64];

	REQUIRE(mallopt(M_TRIM_THRESHOLD, 64 * KIB) == 1 && mallopt(M_TOP_PAD, 0) == 1);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 64; i++) {
			block[i] = opaque(malloc(64 * KIB));
			REQUIRE(block[i] != NULL);
			touch(block[i], 64 * KIB);
		}
		for (int i = 64; i--;)
			free(block[i]);
	}
	expect_churn("heap", 960, 9 * 960, 9 * LIBC, "what trimming gives back comes again");
	expect_churn("anon", 0, 0, 0, "and is the heap's");
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
	{ "threads", threads }, { "forked", forked }, { "short_lives", short_lives }, { "string_moves", string_moves },
	{ "shared_file", shared_file }, { "cold_file", cold_file }, { "huge_pages", huge_pages }, { "spawned", spawned },
	{ "fresh_in_child", fresh_in_child }, { "brought_by_the_kernel", brought_by_the_kernel }, { "trimmed", trimmed },
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
