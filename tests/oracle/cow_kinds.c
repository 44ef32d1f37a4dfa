/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write of memory of every kind, and of processes that end in every order: what was advised before the fork,
 * what either side does to its mappings after it, huge pages, and a child that outlives its parent.
 * usage: cow_kinds SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <time.h>

#include "cow.h"

/* What a fork would not have shared, and shares again. */
static void forked_again(void)
{
	pid_t child;

	REQUIRE(madvise(memory, 100 * PAGE, MADV_DONTFORK) == 0 && madvise(memory, 100 * PAGE, MADV_DOFORK) == 0);
	REQUIRE(madvise(memory + 200 * PAGE, 100 * PAGE, MADV_WIPEONFORK) == 0);
	REQUIRE(madvise(memory + 200 * PAGE, 100 * PAGE, MADV_KEEPONFORK) == 0);
	child = fork();
	if (!child) {
		touch(memory, 10 * PAGE);
		touch(memory + 200 * PAGE, 10 * PAGE);
		await(to_child);
		end_child(PAGES, 20, PAGES - 60, 0);
	}
	touch(memory + 50 * PAGE, 20 * PAGE);
	touch(memory + 250 * PAGE, 20 * PAGE);
	tell(to_child);
	end_parent(child, PAGES, 40, PAGES - 60, 0);
	expect("process", NULL, "cow.bound_pages", 0, 200, "the parent is known to have written them");
}

/* Fresh memory where memory begins. */
static void map_over(size_t bytes)
{
	REQUIRE(mmap(memory, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
}

/* Nor does it matter what lay there before. */
static void mapped_where_none_was_forked(void)
{
	pid_t child;

	REQUIRE(madvise(memory, 500 * PAGE, MADV_DONTFORK) == 0 && munmap(memory, 500 * PAGE) == 0);
	map_over(500 * PAGE);
	REQUIRE(madvise(memory, 500 * PAGE, MADV_NOHUGEPAGE) == 0);
	touch(memory, 500 * PAGE);
	child = fork();
	if (!child) {
		await(to_child);
		end_child(PAGES, 0, PAGES - 500, 0);
	}
	touch(memory, 500 * PAGE);
	tell(to_child);
	end_parent(child, PAGES, 500, PAGES - 500, 0);
	expect("process", NULL, "cow.bound_pages", 0, 200, "the parent is known to have written them");
}

/*
 * The child is stopped before it does anything. Whether it was forked or shares all memory is not known that long, and
 * samples come in meanwhile.
 */
static void parent_writes_before_the_child_runs(void)
{
	const struct timespec pause = { .tv_nsec = 4000000 };
	cpu_set_t here;
	pid_t child;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	REQUIRE(sched_setaffinity(0, sizeof(here), &here) == 0); /* it runs later there, most times */
	child = fork();
	if (!child) {
		await(to_child);
		end_child(PAGES, 0, PAGES - 500, 0);
	}
	REQUIRE(kill(child, SIGSTOP) == 0);
	for (int i = 0; i < 5; i++) {
		touch(memory + i * 100 * PAGE, 100 * PAGE);
		nanosleep(&pause, NULL);
	}
	REQUIRE(kill(child, SIGCONT) == 0);
	tell(to_child);
	end_parent(child, PAGES, 500, PAGES - 500, 0);
	expect("process", NULL, "cow.bound_pages", 0, 200, "the parent is known to have written them");
}

/*
 * The same pages over and over: what the kernel may merge it does not merge at once, and not at all where it is told
 * not to.
 */
static void mergeable(void)
{
	pid_t child;

	REQUIRE(madvise(memory, PAGES * PAGE, MADV_MERGEABLE) == 0);
	child = fork();
	if (!child) {
		touch(memory, 100 * PAGE);
		end_child(PAGES, 100, PAGES - 100, 0);
	}
	end_parent(child, PAGES, 0, PAGES - 100, 0);
}

/*
 * What the parent takes away from itself is the child's alone, and nobody copied it: the figure beside it says so,
 * unless samples of page faults tell that nobody did.
 */
static void parent_lets_go(void (*let_go)(void *start, size_t bytes))
{
	pid_t child = fork();

	if (!child) {
		await(to_child);
		expect("process", NULL, "cow.by_row.anon.unshared_pages", 300, 300,
		       "the child's alone, and not written");
		end_child(PAGES, 0, PAGES - 300, 0);
	}
	let_go(memory + 100 * PAGE, 300 * PAGE);
	tell(to_child);
	REQUIRE(waitpid(child, NULL, 0) == child);
	expect("process", NULL, "cow.by_row.anon.copied_pages", 0, 300, "copied by the parent, as far as can be told");
	expect("process", NULL, "cow.by_row.anon.still_shared_pages", PAGES - 300, PAGES - 300,
	       "what it kept stays shared");
	expect("process", NULL, "cow.bound_pages", 0, PAGES, "and not more than that can be wrong");
}

static void unmap(void *start, size_t bytes)
{
	REQUIRE(munmap(start, bytes) == 0);
}

static void give_back(void *start, size_t bytes)
{
	REQUIRE(madvise(start, bytes, MADV_DONTNEED) == 0);
}

static void parent_unmaps(void)
{
	parent_lets_go(unmap);
}

static void parent_gives_back(void)
{
	parent_lets_go(give_back);
}

/* Moved pages stay shared; what their new owner writes of them is not seen, and the figure beside it says so. */
static void child_moves_and_writes(void)
{
	pid_t child = fork();

	if (!child) {
		char *place = mmap(NULL, 500 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		REQUIRE(mremap(memory, 500 * PAGE, 500 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
		touch(place, 250 * PAGE);
		expect("process", NULL, "cow.bound_pages", 500, PAGES, "as many as were moved may have been copied");
		end_child(PAGES, 0, PAGES - 500, 500);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
}

/* What the child maps anew is its own, and what it had written before it was is not forgotten. */
static void child_maps_over(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 150 * PAGE);
		map_over(400 * PAGE);
		touch(memory, 400 * PAGE);
		end_child(PAGES, 150, PAGES - 400, 250);
	}
	end_parent(child, PAGES, 0, PAGES - 400, 250);
}

static char *huge_memory(size_t bytes)
{
	char *whole = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	REQUIRE(whole != MAP_FAILED);
	p = (char *)(((uintptr_t)whole + bytes - 1) & ~(bytes - 1));
	REQUIRE(madvise(p, bytes, MADV_HUGEPAGE) == 0 && munmap(memory, PAGES * PAGE) == 0);
	touch(p, bytes);
	return p;
}

static void huge_pages_written_whole(void)
{
	const size_t bytes = 4 * MIB, pages = bytes / PAGE;
	char *p = huge_memory(bytes);
	pid_t child = fork();

	if (!child) {
		touch(p, bytes / 2);
		end_child((int64_t)pages, (int64_t)pages / 2, (int64_t)pages / 2, 0);
	}
	end_parent(child, (int64_t)pages, 0, (int64_t)pages / 2, 0);
}

static void huge_pages_written_by_the_parent(void)
{
	const size_t bytes = 4 * MIB, pages = bytes / PAGE;
	char *p = huge_memory(bytes);
	pid_t child = fork();

	if (!child) {
		await(to_child);
		end_child((int64_t)pages, 0, (int64_t)pages - 10, 0);
	}
	for (size_t i = 0; i < 10; i++)
		p[i * 37 * PAGE] = 1;
	tell(to_child);
	end_parent(child, (int64_t)pages, 10, (int64_t)pages - 10, 0);
}

/* Of huge pages, and once more after a fork of its own. */
static void huge_pages_nested(void)
{
	const size_t bytes = 4 * MIB, pages = bytes / PAGE;
	char *p = huge_memory(bytes);
	pid_t child = fork();

	if (!child) {
		pid_t grandchild;
		int status;

		touch(p, 5 * PAGE);
		oracle_flush();
		grandchild = fork();
		if (!grandchild)
			end_child((int64_t)pages, 0, (int64_t)pages, 0);
		REQUIRE(waitpid(grandchild, &status, 0) == grandchild && status == 0);
		touch(p + 2 * MIB, 7 * PAGE);
		expect_row("anon", 2 * (int64_t)pages, 12, 2 * (int64_t)pages - 12, 0);
		oracle_flush();
		_exit(0);
	}
	end_parent(child, (int64_t)pages, 0, (int64_t)pages - 12, 0);
}

/* Its parent is gone when it writes; its grandparent has the pages still, and waits for it. */
static void outlives_its_parent(void)
{
	pid_t child = fork();

	if (!child) {
		pid_t middle = getpid();

		if (fork()) {
			/* With its own child, if samples of page faults tell what it did before it ended. */
			expect("process", NULL, "cow.by_row.anon.inherited_pages", PAGES, 2 * PAGES, "its own birth's");
			expect("process", NULL, "cow.by_row.anon.copied_pages", 0, 0, "of which it wrote nothing");
			expect("process", NULL, "cow.unknown_forks", 0, 1, "what its child did then is not its");
			oracle_flush();
			_exit(0);
		}
		while (getppid() == middle)
			nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
		touch(memory, 100 * PAGE);
		expect_row("anon", PAGES, 100, PAGES - 100, 0);
		oracle_flush();
		tell(to_parent);
		_exit(0);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
	await(to_parent);
	nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 * 1000 }, NULL);
	expect_row("anon", PAGES, 0, PAGES, 0);
}

/* A child that forks, lives for a while and is killed is known as of its last look. */
static void killed_after_a_fork(void)
{
	pid_t child = fork();

	if (!child) {
		pid_t grandchild;

		touch(memory, 30 * PAGE);
		grandchild = fork();
		if (!grandchild)
			_exit(0);
		REQUIRE(waitpid(grandchild, NULL, 0) == grandchild);
		touch(memory + 100 * PAGE, 40 * PAGE);
		expect("process", NULL, "cow.by_row.anon.copied_pages", 70, 70, "written in both windows");
		oracle_flush();
		for (size_t i = 0; i < 200; i++) {
			nanosleep(&(struct timespec){ .tv_nsec = 1000 * 1000 }, NULL);
			for (size_t j = 0; j < 5000; j++)
				free(opaque(malloc(100)));
		}
		raise(SIGKILL);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
	expect_row("anon", PAGES, 0, PAGES - 70, 0);
}

static const struct scenario scenarios[] = {
	{ "forked_again", forked_again }, { "mapped_where_none_was_forked", mapped_where_none_was_forked },
	{ "parent_writes_before_the_child_runs", parent_writes_before_the_child_runs },
	{ "mergeable", mergeable }, { "parent_unmaps", parent_unmaps }, { "parent_gives_back", parent_gives_back },
	{ "child_moves_and_writes", child_moves_and_writes }, { "child_maps_over", child_maps_over },
	{ "huge_pages_written_whole", huge_pages_written_whole },
	{ "huge_pages_written_by_the_parent", huge_pages_written_by_the_parent },
	{ "huge_pages_nested", huge_pages_nested }, { "outlives_its_parent", outlives_its_parent },
	{ "killed_after_a_fork", killed_after_a_fork },
};

int main(int argc, char **argv)
{
	return run_scenario(argc, argv, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
