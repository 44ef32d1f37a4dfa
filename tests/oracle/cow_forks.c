/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write of children that fork themselves, once or often, and of parents that fork many times. What a process
 * says of itself are its own birth and the forks that it made, summed.
 * usage: cow_forks SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include "cow.h"

/* Says what it must, and ends, once its own child has. */
__attribute__((noreturn)) static void end_between(pid_t child, int64_t inherited, int64_t copied, int64_t shared,
						  int64_t gone)
{
	end_parent(child, inherited, copied, shared, gone);
	oracle_flush();
	_exit(0);
}

/* The grandchild inherits what its parent had: shared with two, and with one when that one has written. */
static void nested(void)
{
	pid_t child = fork();

	if (!child) {
		pid_t grandchild;

		touch(memory, 100 * PAGE);
		oracle_flush();
		grandchild = fork();
		if (!grandchild) {
			touch(memory + 50 * PAGE, 150 * PAGE);
			end_child(PAGES, 150, PAGES - 150, 0);
		}
		end_between(grandchild, 2 * PAGES, 100, 2 * PAGES - 100 - 150, 0);
	}
	end_parent(child, PAGES, 0, PAGES - 100, 0);
}

/*
 * What a child wrote before it forked, beside its child and after that had ended, counts once: it copied each page
 * once.
 */
static void nested_writes_in_each_window(void)
{
	pid_t child = fork();

	if (!child) {
		pid_t grandchild;
		int status;

		touch(memory, 100 * PAGE);
		oracle_flush();
		grandchild = fork();
		if (!grandchild) {
			await(to_child);
			end_child(PAGES, 0, PAGES - 20, 0);
		}
		touch(memory + 80 * PAGE, 50 * PAGE); /* 20 of them shared with the grandchild alone */
		tell(to_child);
		REQUIRE(waitpid(grandchild, &status, 0) == grandchild && status == 0);
		touch(memory + 100 * PAGE, 60 * PAGE);
		expect_row("anon", 2 * PAGES, 160 + 20, 2 * PAGES - 160 - 20, 0);
		oracle_flush();
		_exit(0);
	}
	end_parent(child, PAGES, 0, PAGES - 160, 0);
}

/* Four processes, each the child of the one before. */
static void four_deep(void)
{
	pid_t first = fork(), second, third;

	if (first) {
		end_parent(first, PAGES, 0, PAGES - 130, 0);
		return;
	}
	touch(memory, 100 * PAGE);
	oracle_flush();
	second = fork();
	if (second) {
		int status;

		REQUIRE(waitpid(second, &status, 0) == second && status == 0);
		touch(memory + 400 * PAGE, 30 * PAGE);
		expect_row("anon", 2 * PAGES, 130, 2 * PAGES - 130 - 200, 0);
		oracle_flush();
		_exit(0);
	}
	touch(memory + 50 * PAGE, 150 * PAGE);
	oracle_flush();
	third = fork();
	if (third) {
		int status;

		REQUIRE(waitpid(third, &status, 0) == third && status == 0);
		touch(memory + 300 * PAGE, 50 * PAGE);
		expect_row("anon", 2 * PAGES, 200, 2 * PAGES - 200 - 100, 0);
		oracle_flush();
		_exit(0);
	}
	touch(memory + 180 * PAGE, 100 * PAGE);
	end_child(PAGES, 100, PAGES - 100, 0);
}

/*
 * Children that end at once are not watched after a few; what their parent does to what it inherited is known all the
 * same.
 */
static void child_forks_often(void)
{
	enum { OFTEN = 40 };
	pid_t child = fork();

	if (!child) {
		touch(memory, 50 * PAGE);
		for (size_t i = 0; i < OFTEN; i++) {
			pid_t brief = fork();
			int status;

			if (!brief)
				_exit(0);
			REQUIRE(waitpid(brief, &status, 0) == brief && status == 0);
			touch(memory + (100 + 10 * i) * PAGE, 3 * PAGE);
		}
		expect("process", NULL, "cow.by_row.anon.copied_pages", 50 + 3 * OFTEN, 50 + 3 * OFTEN,
		       "what a child wrote beside and between its own children");
		expect("process", NULL, "cow.forks_total", OFTEN + 1, OFTEN + 1, "its birth and its children");
		oracle_flush();
		_exit(0);
	}
	end_parent(child, PAGES, 0, PAGES - 50 - 3 * OFTEN, 0);
}

/* What was unmapped or given back before the next fork is not what lies there after it. */
static void child_replaces_and_forks(void)
{
	pid_t child = fork();

	if (!child) {
		pid_t grandchild;

		touch(memory, 100 * PAGE);
		REQUIRE(madvise(memory, 300 * PAGE, MADV_DONTNEED) == 0);
		touch(memory, 300 * PAGE);
		REQUIRE(mmap(memory + 1000 * PAGE, 200 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
		touch(memory + 1000 * PAGE, 200 * PAGE);
		oracle_flush();
		grandchild = fork();
		if (!grandchild)
			end_child(PAGES, 0, PAGES, 0);
		/* By birth: 100 copied, 200 and 200 gone; of the grandchild's, all shared. */
		end_between(grandchild, 2 * PAGES, 100, PAGES + PAGES - 500, 400);
	}
	end_parent(child, PAGES, 0, PAGES - 500, 400);
}

/*
 * A server that forks for each request: the report keeps the largest, the newest, and totals over all. The first but
 * one writes most.
 */
static void many_children(void)
{
	enum { MANY = 300, LARGE = 700 };

	for (size_t i = 0; i < MANY; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			touch(memory, (i == 1 ? LARGE : 1) * PAGE);
			_exit(0);
		}
		REQUIRE(waitpid(child, &status, 0) == child && status == 0);
		if (i == 1)
			fact("largest", (uint64_t)child);
		if (i == MANY - 1)
			fact("newest", (uint64_t)child);
	}
	expect("process", NULL, "cow.forks_total", MANY, MANY, "all children are counted");
	expect("process", NULL, "cow.unknown_forks", 0, 0, "and known");
	expect("process", NULL, "cow.by_row.anon.inherited_pages", MANY * PAGES, MANY * PAGES, "and in the sums");
	expect("process", NULL, "cow.by_row.anon.still_shared_pages", MANY * (PAGES - 1) - (LARGE - 1),
	       MANY * (PAGES - 1) - (LARGE - 1), "however many they are");
}

static const struct scenario scenarios[] = {
	{ "nested", nested }, { "nested_writes_in_each_window", nested_writes_in_each_window },
	{ "four_deep", four_deep },
	{ "child_forks_often", child_forks_often }, { "child_replaces_and_forks", child_replaces_and_forks },
	{ "many_children", many_children },
};

int main(int argc, char **argv)
{
	return run_scenario(argc, argv, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
