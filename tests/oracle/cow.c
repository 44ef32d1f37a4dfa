/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write that the program knows by construction: a forked child and its parent write known pages of a mapping
 * that both had at the fork, or do other things to it, and each expects what the child's end must find. Huge pages are
 * declined where pages are counted one by one.
 * usage: cow SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "cow.h"

static void child_reads(void)
{
	pid_t child = fork();

	if (!child) {
		for (size_t page = 0; page < PAGES; page++)
			REQUIRE(((volatile char *)memory)[page * PAGE] != 0);
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

static void child_writes(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 617 * PAGE);
		end_child(PAGES, 617, PAGES - 617, 0);
	}
	end_parent(child, PAGES, 0, PAGES - 617, 0);
}

/* Every seventh page, from the end. */
static void child_writes_scattered(void)
{
	pid_t child = fork();

	if (!child) {
		for (size_t i = 0; i < 200; i++)
			memory[(PAGES - 1 - 7 * i) * PAGE] = 1;
		end_child(PAGES, 200, PAGES - 200, 0);
	}
	end_parent(child, PAGES, 0, PAGES - 200, 0);
}

static void parent_writes(void)
{
	pid_t child = fork();

	if (!child) {
		await(to_child);
		end_child(PAGES, 0, PAGES - 431, 0);
	}
	touch(memory, 431 * PAGE);
	tell(to_child);
	end_parent(child, PAGES, 431, PAGES - 431, 0);
}

/* What the child wrote it copied; of what it left alone, the parent copied what it wrote. */
static void both_write(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 300 * PAGE);
		tell(to_parent);
		await(to_child);
		end_child(PAGES, 300, PAGES - 500, 0);
	}
	await(to_parent);
	touch(memory + 100 * PAGE, 400 * PAGE);
	tell(to_child);
	end_parent(child, PAGES, 200, PAGES - 500, 0);
}

/* What goes stays in the row that it was in. */
static void child_unmaps(void)
{
	pid_t child = fork();

	if (!child) {
		REQUIRE(munmap(memory, 700 * PAGE) == 0);
		end_child(PAGES, 0, PAGES - 700, 700);
	}
	end_parent(child, PAGES, 0, PAGES - 700, 700);
}

static void child_gives_back(void)
{
	pid_t child = fork();

	if (!child) {
		REQUIRE(madvise(memory, 300 * PAGE, MADV_DONTNEED) == 0);
		end_child(PAGES, 0, PAGES - 300, 300);
	}
	end_parent(child, PAGES, 0, PAGES - 300, 300);
}

/* What was copied before it was given back was copied; by whom it was unmapped does not matter either. */
static void child_writes_and_gives_back(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 100 * PAGE);
		REQUIRE(madvise(memory, 300 * PAGE, MADV_DONTNEED) == 0);
		touch(memory, 250 * PAGE);
		end_child(PAGES, 100, PAGES - 300, 200);
	}
	end_parent(child, PAGES, 0, PAGES - 300, 200);
}

static void child_writes_and_unmaps(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 200 * PAGE);
		REQUIRE(munmap(memory, 300 * PAGE) == 0);
		expect("process", NULL, "cow.copied_pages", 200, 400, "a page that was copied was, wherever it went");
		end_child(PAGES, 200, PAGES - 300, 100);
	}
	end_parent(child, PAGES, 0, PAGES - 300, 100);
}

/* More often than any list of what was given back could be long. */
static void child_gives_back_often(void)
{
	pid_t child = fork();

	if (!child) {
		for (size_t i = 0; i < 500; i++)
			REQUIRE(madvise(memory + 2 * i * PAGE, PAGE, MADV_DONTNEED) == 0);
		touch(memory, 1200 * PAGE);
		end_child(PAGES, 700, PAGES - 1200, 500);
	}
	end_parent(child, PAGES, 0, PAGES - 1200, 500);
}

/*
 * More often than pagegap can ask each time what had been written; all that the child writes, it has written before,
 * or it is new.
 */
static void child_gives_back_page_by_page(void)
{
	const size_t more = 20000;
	char *pages = mmap(NULL, more * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	REQUIRE(pages != MAP_FAILED && madvise(pages, more * PAGE, MADV_NOHUGEPAGE) == 0);
	touch(pages, more * PAGE);
	child = fork();
	if (!child) {
		for (size_t i = 0; i < more; i += 50)
			touch(pages + i * PAGE, PAGE);
		for (size_t i = 0; i < more - 1000; i++) {
			REQUIRE(madvise(pages + i * PAGE, PAGE, MADV_DONTNEED) == 0);
			if (i % 4 == 0)
				touch(pages + i * PAGE, PAGE);
		}
		end_child(PAGES + more, more / 50, PAGES + 1000 - 20, more - 1000 - 380);
	}
	end_parent(child, PAGES + more, 0, PAGES + 1000 - 20, more - 1000 - 380);
}

static void child_moves(void)
{
	pid_t child = fork();

	if (!child) {
		REQUIRE(mremap(memory, 500 * PAGE, 500 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       mmap(NULL, 500 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED);
		end_child(PAGES, 0, PAGES - 500, 500);
	}
	end_parent(child, PAGES, 0, PAGES - 500, 500);
}

static void new_memory(void)
{
	pid_t child = fork();

	if (!child) {
		char *fresh = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		REQUIRE(fresh != MAP_FAILED);
		touch(fresh, PAGES * PAGE);
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

static void not_inherited(void)
{
	pid_t child;

	REQUIRE(madvise(memory, 100 * PAGE, MADV_DONTFORK) == 0);
	REQUIRE(madvise(memory + 200 * PAGE, 100 * PAGE, MADV_WIPEONFORK) == 0);
	child = fork();
	if (!child)
		end_child(PAGES - 200, 0, PAGES - 200, 0);
	end_parent(child, PAGES - 200, 0, PAGES - 200, 0);
}

static void shared_memory(void)
{
	char *common = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	REQUIRE(common != MAP_FAILED);
	touch(common, PAGES * PAGE);
	child = fork();
	if (!child) {
		touch(common, PAGES * PAGE);
		expect_row("file", 0, 0, 0, 0);
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

/*
 * Pages of a private file mapping that were written before the fork are shared like others; untouched ones are the
 * file's.
 */
static void private_file(void)
{
	char name[] = "cow.XXXXXX", *p;
	int fd = mkstemp(name);
	pid_t child;

	REQUIRE(fd >= 0 && unlink(name) == 0 && ftruncate(fd, PAGES * PAGE) == 0);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(p != MAP_FAILED);
	touch(p, 800 * PAGE);
	for (size_t page = 800; page < 900; page++)
		REQUIRE(((volatile char *)p)[page * PAGE] == 0);
	child = fork();
	if (!child) {
		touch(p, 50 * PAGE);
		expect_row("file", 800, 50, 750, 0);
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
	expect_row("file", 800, 0, 750, 0);
}

/* Own memory between two mappings of one file is counted once, as what it is. */
static void between_files(void)
{
	char name[] = "cow.XXXXXX", *p = mmap(NULL, 300 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = mkstemp(name);
	pid_t child;

	REQUIRE(fd >= 0 && unlink(name) == 0 && ftruncate(fd, 100 * PAGE) == 0 && p != MAP_FAILED);
	REQUIRE(madvise(p, 300 * PAGE, MADV_NOHUGEPAGE) == 0);
	for (size_t at = 0; at < 300; at += 200)
		REQUIRE(mmap(p + at * PAGE, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED);
	touch(p, 300 * PAGE);
	child = fork();
	if (!child) {
		touch(p + 50 * PAGE, 200 * PAGE);
		expect_row("file", 200, 100, 100, 0);
		end_child(PAGES + 100, 100, PAGES, 0);
	}
	end_parent(child, PAGES + 100, 0, PAGES, 0);
}

static void heap_blocks(void)
{
	char *block = opaque(malloc(PAGES * PAGE));
	pid_t child;

	REQUIRE(block != NULL);
	touch(block, PAGES * PAGE);
	child = fork();
	if (!child) {
		touch(block + PAGE, 321 * PAGE);
		expect("process", NULL, "cow.by_row.heap.copied_pages", 321, 321 + 16, "the heap's pages are the heap's");
		expect("process", NULL, "cow.by_row.heap.still_shared_pages", PAGES - 322, PAGES + 64, "and those not written too");
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

/*
 * A block that libc mapped alone is the heap's from one end to the other, however many multiples of 64 MiB lie in it.
 */
static void large_block(void)
{
	const size_t step = 2 * MIB, touched = 100;
	char *block = opaque(malloc(step * touched));
	pid_t child;

	REQUIRE(block != NULL);
	for (size_t i = 0; i < touched; i++)
		block[i * step] = 1;
	child = fork();
	if (!child) {
		for (size_t i = 0; i < touched; i++)
			block[i * step] = 2;
		expect("process", NULL, "cow.by_row.heap.copied_pages", (int64_t)touched, (int64_t)touched + 16,
		       "a page in each part of a large block is the heap's");
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

/*
 * libc unmaps and maps by itself, mostly at the same place: what is touched there was not inherited, so nobody has
 * copied it. Not for the heap as a whole: a page or two of the break are written by the way.
 */
static void child_frees_and_allocates(void)
{
	char *block = opaque(malloc(PAGES * PAGE));
	pid_t child;

	REQUIRE(block != NULL);
	touch(block, PAGES * PAGE);
	child = fork();
	if (!child) {
		free(block);
		block = opaque(malloc(PAGES * PAGE));
		REQUIRE(block != NULL);
		touch(block, PAGES * PAGE);
		expect("process", NULL, "cow.by_row.heap.copied_pages", 0, 16, "what is mapped anew is not copied");
		expect("process", NULL, "cow.by_row.heap.unshared_pages", 0, 16, "by nobody");
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
	expect("process", NULL, "cow.by_row.heap.copied_pages", 0, 16, "neither by the parent");
}

/* Of a block that libc mapped alone, what was copied was copied, although libc unmaps it unasked. */
static void child_writes_and_frees(void)
{
	char *block = opaque(malloc(PAGES * PAGE)), *aligned = opaque(aligned_alloc(1 << 20, PAGES * PAGE));
	pid_t child;

	REQUIRE(block != NULL && aligned != NULL);
	touch(block, PAGES * PAGE);
	touch(aligned, PAGES * PAGE);
	child = fork();
	if (!child) {
		touch(block + PAGE, 500 * PAGE);
		touch(aligned, 300 * PAGE);
		free(block);
		free(aligned);
		expect("process", NULL, "cow.copied_pages", 800, 1000,
		       "a page that was copied was, though libc unmapped it");
		expect("process", NULL, "cow.by_row.heap.copied_pages", 800, 1000, "it was the heap's");
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

/* The same for one that becomes smaller: what is left of it stays shared. */
static void child_writes_and_shrinks(void)
{
	char *block = opaque(malloc(PAGES * PAGE)), *small;
	pid_t child;

	REQUIRE(block != NULL);
	touch(block, PAGES * PAGE);
	child = fork();
	if (!child) {
		touch(block + (PAGES - 600) * PAGE, 500 * PAGE);
		small = opaque(realloc(block, (PAGES - 1000) * PAGE));
		REQUIRE(small == block);
		expect("process", NULL, "cow.copied_pages", 500, 700,
		       "a page that was copied was, though libc unmapped it");
		expect("process", NULL, "cow.by_row.heap.still_shared_pages", PAGES - 1000, PAGES - 1000 + 64,
		       "what stays is shared");
		end_child(PAGES, 0, PAGES, 0);
	}
	end_parent(child, PAGES, 0, PAGES, 0);
}

/*
 * What a trim gives back, libc alone knows: what is touched again could be taken for written, so nothing is said of
 * whose writes.
 */
static void child_trims(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 50 * PAGE);
		malloc_trim(0);
		expect("process", NULL, "cow.by_row.anon.copied_pages", 50, 50, "no longer shared, by either");
		expect("process", NULL, "cow.bound_pages", 50, PAGES, "and that much may be the other's");
		oracle_flush();
		_exit(0);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
}

static void *fork_and_write(void *unused)
{
	pid_t child = fork();

	(void)unused;
	if (!child) {
		touch(memory, 77 * PAGE);
		end_child(PAGES, 77, PAGES - 77, 0);
	}
	end_parent(child, PAGES, 0, PAGES - 77, 0);
	return NULL;
}

static void by_a_thread(void)
{
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, fork_and_write, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

/* One of a huge page's pages written is one page copied, or all of them: the kernel splits it first. */
static void huge_pages(void)
{
	const size_t bytes = 4 * MIB;
	char *whole = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;
	pid_t child;

	REQUIRE(whole != MAP_FAILED);
	p = (char *)(((uintptr_t)whole + bytes - 1) & ~(bytes - 1));
	REQUIRE(madvise(p, bytes, MADV_HUGEPAGE) == 0 && munmap(memory, PAGES * PAGE) == 0);
	touch(p, bytes);
	child = fork();
	if (!child) {
		for (size_t i = 0; i < 10; i++)
			p[i * 37 * PAGE] = 1;
		end_child((int64_t)(bytes / PAGE), 10, (int64_t)(bytes / PAGE) - 10, 0);
	}
	end_parent(child, (int64_t)(bytes / PAGE), 0, (int64_t)(bytes / PAGE) - 10, 0);
}

/* For some moments, in which a look can be taken: those that allocate are the ones that are seen. */
static void pass_time(unsigned milliseconds)
{
	struct timespec moment = { .tv_nsec = 1000 * 1000 };

	for (unsigned i = 0; i < milliseconds; i++) {
		nanosleep(&moment, NULL);
		for (size_t j = 0; j < 5000; j++)
			free(opaque(malloc(100)));
	}
}

/* Nothing can be said of what a killed child left. */
static void killed(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 5 * PAGE);
		raise(SIGKILL);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
	expect("process", NULL, "cow.unknown_forks", 1, 1, "a fork whose child was killed is known to be unknown");
	expect("process", NULL, "cow.copied_pages", 0, 0, "and is not in the sums");
}

/* One that lives for a while is looked at now and then: what it left is known as of the last look. */
static void killed_later(void)
{
	pid_t child = fork();

	if (!child) {
		touch(memory, 55 * PAGE);
		pass_time(200);
		raise(SIGKILL);
	}
	REQUIRE(waitpid(child, NULL, 0) == child);
	expect("process", NULL, "cow.unknown_forks", 0, 0, "a child that was killed later is known");
	expect_row("anon", PAGES, 0, PAGES - 55, 0);
}

/*
 * Sixty pages a step, and then some of another mapping, which a hole keeps apart; cow.series and cow.regions tell of
 * it.
 */
static void child_writes_step_by_step(void)
{
	char *other = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	REQUIRE(other != MAP_FAILED && munmap(other + PAGES * PAGE, PAGES * PAGE) == 0);
	REQUIRE(madvise(other, PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	touch(other, PAGES * PAGE);
	child = fork();
	if (!child) {
		for (size_t step = 0; step < 5; step++) {
			touch(memory + 100 * step * PAGE, 60 * PAGE);
			pass_time(120);
		}
		touch(other, 77 * PAGE);
		fact("child", (uint64_t)getpid());
		fact("written", (uint64_t)memory);
		fact("written_less", (uint64_t)other);
		end_child(2 * PAGES, 377, 2 * PAGES - 377, 0);
	}
	end_parent(child, 2 * PAGES, 0, 2 * PAGES - 377, 0);
}

static const struct scenario scenarios[] = {
	{ "child_reads", child_reads }, { "child_writes", child_writes },
	{ "child_writes_scattered", child_writes_scattered }, { "parent_writes", parent_writes },
	{ "both_write", both_write }, { "child_unmaps", child_unmaps }, { "child_gives_back", child_gives_back },
	{ "child_writes_and_gives_back", child_writes_and_gives_back },
	{ "child_writes_and_unmaps", child_writes_and_unmaps }, { "child_gives_back_often", child_gives_back_often },
	{ "child_gives_back_page_by_page", child_gives_back_page_by_page },
	{ "child_moves", child_moves }, { "new_memory", new_memory }, { "not_inherited", not_inherited },
	{ "shared_memory", shared_memory }, { "private_file", private_file }, { "between_files", between_files },
	{ "heap_blocks", heap_blocks },
	{ "large_block", large_block },
	{ "child_frees_and_allocates", child_frees_and_allocates },
	{ "child_writes_and_frees", child_writes_and_frees },
	{ "child_writes_and_shrinks", child_writes_and_shrinks }, { "child_trims", child_trims },
	{ "by_a_thread", by_a_thread }, { "huge_pages", huge_pages }, { "killed", killed },
	{ "killed_later", killed_later }, { "child_writes_step_by_step", child_writes_step_by_step },
};

int main(int argc, char **argv)
{
	return run_scenario(argc, argv, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
