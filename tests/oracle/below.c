/* SPDX-License-Identifier: MIT */
/*
 * What stands below the line of the ledger, as the program knows it by construction or by the kernel's own books:
 * page tables and what a fork copies of them, huge pages of both sorts, locked memory, memory that is asked for with
 * its pages, mapped files, swap. What this machine or this user may not do is a fact "skipped".
 * usage: below SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <time.h>

#include "oracle.h"

#define HUGE   (2 * MIB)                /* also the addresses that a page of table covers */
#define TABLES 300UL

static void skipped(void)
{
	fact("skipped", 1);
}

static char *fresh(size_t bytes, int flags)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static char *fresh_small(size_t bytes)
{
	char *p = fresh(bytes, 0);

	REQUIRE(p && madvise(p, bytes, MADV_NOHUGEPAGE) == 0);
	return p;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void page_tables(void)
{
	char *p = fresh_small(TABLES * HUGE);

	pagegap_mark("before");
	for (size_t i = 0; i < TABLES; i++)
		p[i * HUGE] = 1;
	pagegap_mark("after");
	expect("mark:after", "mark:before", "page_table_bytes", TABLES * PAGE, (TABLES + 4) * PAGE,
	       "a page of table for each touched part");
	expect("mark:after", "mark:before", "anon resident", TABLES * PAGE, TABLES * PAGE, "as much as is touched");
}

/*
 * Page tables in use before and after a fork, as the child itself reads them; and the time, which the report cannot
 * exceed.
 */
static void fork_and_look(void)
{
	uint64_t before = status_bytes("\nVmPTE:"), start, spent;
	uint64_t *child_tables = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int status;

	REQUIRE(child_tables != MAP_FAILED);
	oracle_flush();
	start = now_ns();
	child = fork();
	if (!child) {
		*child_tables = status_bytes("\nVmPTE:");
		expect("process", NULL, "fork.page_table_bytes", (int64_t)*child_tables - (int64_t)(16 * PAGE),
		       (int64_t)*child_tables, "a child is born with the page tables that it finds");
		oracle_flush();
		_exit(0);
	}
	spent = now_ns() - start;
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	oracle_print(
		"{\"pid\":%d,\"at\":\"process\",\"since\":null,\"figure\":\"fork.fork_ns\",\"low\":%d,\"high\":%llu,"
		"\"what\":\"a fork takes no longer than its caller sees\"}\n",
		child, 1000, (unsigned long long)spent);
	fact("parent_tables", before);
	fact("child_tables", *child_tables);
}

static void forked_sparse(void)
{
	char *p = fresh_small(TABLES * HUGE);

	for (size_t i = 0; i < TABLES; i++)
		p[i * HUGE] = 1;
	fork_and_look();
}

/* The kernel keeps a page table in reserve for each huge page, so that a fork copies as many either way. */
static void forked_huge(void)
{
	char *p = fresh((64 + 1) * HUGE, 0);

	REQUIRE(p);
	p = (char *)(((uintptr_t)p + HUGE - 1) / HUGE * HUGE);
	madvise(p, 64 * HUGE, MADV_HUGEPAGE);
	touch(p, 64 * HUGE);
	fork_and_look();
}

static void transparent_huge(void)
{
	char *p = fresh(9 * HUGE, 0);
	uint64_t before, after;

	REQUIRE(p);
	p = (char *)(((uintptr_t)p + HUGE - 1) / HUGE * HUGE);
	pagegap_mark("before");
	before = smaps_sum_bytes("\nAnonHugePages:");
	if (madvise(p, 8 * HUGE, MADV_HUGEPAGE) != 0) {
		skipped();
		return;
	}
	touch(p, 5 * HUGE);
	after = smaps_sum_bytes("\nAnonHugePages:");
	pagegap_mark("after");
	if (after == before)
		skipped();
	expect_exact("mark:after", "mark:before", "anon huge", after - before,
		     "transparent huge pages are those of smaps");
	if (after - before == 5 * HUGE)
		expect("mark:after", NULL, "huge_eligible_bytes", 8 * HUGE, INT32_MAX, "and more could be");
}

static void explicit_huge(void)
{
	char *p = fresh(4 * HUGE, MAP_HUGETLB);

	if (!p) {
		skipped();
		return;
	}
	pagegap_mark("before");
	touch(p, 3 * HUGE);
	pagegap_mark("after");
	expect_exact("mark:after", NULL, "hugetlb_mapped_bytes", 4 * HUGE, "explicit huge pages that are mapped");
	expect_exact("mark:after", "mark:before", "hugetlb_bytes", 3 * HUGE, "and those that were touched");
	expect_exact("mark:after", "mark:before", "anon resident", 0, "which the kernel does not count as resident");
}

static void locked(void)
{
	char *p = fresh_small(5 * MIB);

	pagegap_mark("before");
	if (mlock(p, 3 * MIB) != 0) {
		skipped();
		return;
	}
	pagegap_mark("after");
	expect_exact("mark:after", "mark:before", "locked_bytes", 3 * MIB, "what is locked");
	expect_exact("mark:after", "mark:before", "locked_resident_bytes", 3 * MIB, "is in memory");
	expect_exact("mark:after", "mark:before", "anon resident", 3 * MIB, "without having been touched");
	REQUIRE(munlock(p, MIB) == 0);
	pagegap_mark("less");
	expect_exact("mark:less", "mark:before", "locked_bytes", 2 * MIB, "what is unlocked counts no more");
	expect_exact("mark:less", "mark:before", "anon resident", 3 * MIB, "and stays");
}

static void populated(void)
{
	char *p;

	pagegap_mark("before");
	REQUIRE(fresh(2 * MIB, MAP_POPULATE) && fresh(3 * MIB, MAP_POPULATE));
	p = fresh_small(4 * MIB);
	if (madvise(p, MIB, 23 /* MADV_POPULATE_WRITE, Linux 5.14 */) != 0)
		p = NULL;
	pagegap_mark("after");
	expect_exact("process", NULL, "populated.calls", p ? 3 : 2, "calls that ask for pages at once");
	expect_exact("process", NULL, "populated.bytes", (p ? 6 : 5) * MIB, "and the bytes of that");
	expect_exact("mark:after", "mark:before", "anon resident", (p ? 6 : 5) * MIB, "which are there, untouched");
}

/* Whose pages are read, written, and mapped by a child too. */
static void mapped_file(void)
{
	char name[] = "below.XXXXXX", *p, byte;
	int fd = mkstemp(name), ready[2];
	pid_t child;

	REQUIRE(fd >= 0 && pipe(ready) == 0);
	for (size_t page = 0; page < 64; page++)
		REQUIRE(pwrite(fd, "x", 1, (off_t)(page * PAGE)) == 1);
	REQUIRE(fsync(fd) == 0);
	p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(p != MAP_FAILED && madvise(p, 64 * PAGE, MADV_RANDOM) == 0);
	child = fork();
	if (!child) {
		touch(p, 8 * PAGE); /* a read would bring in the pages around it too */
		close(ready[0]);
		_exit(write(ready[1], "x", 1) == 1 && pause() ? 0 : 1);
	}
	REQUIRE(child > 0 && read(ready[0], &byte, 1) == 1);
	for (size_t page = 0; page < 64; page++)
		p[page * PAGE]++;
	pagegap_mark("after");
	oracle_print("{\"fact\":\"file\",\"value\":\"%s\"}\n", name);
	expect_exact("mark:after", NULL, "file mapped", 64 * PAGE, "a mapped file");
	expect_exact("mark:after", NULL, "file resident", 64 * PAGE, "is resident");
	expect_exact("mark:after", NULL, "file dirty", 64 * PAGE, "what was written is dirty");
	expect_exact("mark:after", NULL, "file shared", 8 * PAGE, "what the child has mapped too is shared");
	kill(child, 9);
	REQUIRE(waitpid(child, NULL, 0) == child);
}

static void swapped(void)
{
	char *p = fresh_small(4 * MIB);
	uint64_t swapped_bytes;

	memset(p, 7, 4 * MIB);
	pagegap_mark("before");
	madvise(p, 4 * MIB, 21 /* MADV_PAGEOUT, Linux 5.4 */);
	swapped_bytes = smaps_sum_bytes("\nSwap:");
	pagegap_mark("after");
	if (!swapped_bytes)
		skipped();
	expect_exact("mark:after", "mark:before", "anon swap", swapped_bytes, "what is in swap space is the row's");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "page_tables", page_tables }, { "forked_sparse", forked_sparse }, { "forked_huge", forked_huge },
	{ "transparent_huge", transparent_huge }, { "explicit_huge", explicit_huge }, { "locked", locked },
	{ "populated", populated }, { "mapped_file", mapped_file }, { "swapped", swapped },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (!strcmp(argv[1], scenarios[i].name))
			scenarios[i].run();
	}
	oracle_flush();
	return 0;
}
