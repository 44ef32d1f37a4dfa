/* SPDX-License-Identifier: MIT */
/*
 * Which side of a fork wrote a page first: processes take turns, so that each knows which of its writes copied a page,
 * because somebody else still had it, and which re-used it in place. Each says so of its own mapping, whose pages are
 * written in user mode alone.
 * usage: cow_order SCENARIO; without one it lists them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#include "oracle.h"

#define PAGES 400

static char *memory;                    /* PAGES of them, all written before the first fork */
static uint32_t *turn;                  /* in memory that all share as it is */

static void map_memory(void)
{
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memory != MAP_FAILED && madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	touch(memory, PAGES * PAGE);
}

/* Long enough that whoever goes on does so after the other's page fault is over for certain. */
static void pause_us(long us)
{
	struct timespec moment = { 0, us * 1000 };

	nanosleep(&moment, NULL);
}

static void await(uint32_t number)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) < number)
		pause_us(50);
	pause_us(50);
}

static void pass(void)
{
	__atomic_fetch_add(turn, 1, __ATOMIC_RELEASE);
}

/* The pages from one on. */
static void write_pages(size_t first, size_t count)
{
	touch(memory + first * PAGE, count * PAGE);
}

static void await_end(pid_t child)
{
	int status;

	REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
}

/* What this process did, over all forks that it took part in. */
static void did(uint64_t copied, uint64_t reused)
{
	expect_exact("process", NULL, "cow.by_row.anon.copied_pages", copied, "somebody else still had these pages");
	expect_exact("process", NULL, "cow.by_row.anon.reused_pages", reused, "nobody else had these any more");
	fact("copied", copied);
	fact("reused", reused);
	oracle_flush();
}

__attribute__((noreturn)) static void end(uint64_t copied, uint64_t reused)
{
	did(copied, reused);
	_exit(0);
}

static void child_first(void)
{
	pid_t child = fork();

	if (!child) {
		write_pages(0, 100);
		pass();
		await(2);
		end(100, 0);
	}
	await(1);
	write_pages(0, 150);
	pass();
	await_end(child);
	did(50, 100);
}

static void parent_first(void)
{
	pid_t child = fork();

	if (!child) {
		await(1);
		write_pages(0, 150);
		end(50, 100);
	}
	write_pages(0, 100);
	pass();
	await_end(child);
	did(100, 0);
}

/* Of every two pages each side is the first to write one. */
static void interleaved(void)
{
	pid_t child = fork();

	for (uint32_t page = 0; page < 60; page++) {
		uint32_t second = page % 2 != (child == 0);

		await(2 * page + second);
		write_pages(page, 1);
		pass();
	}
	if (!child)
		end(30, 30);
	await_end(child);
	did(30, 30);
}

static void child_has_ended(void)
{
	pid_t child = fork();

	if (!child) {
		write_pages(0, 10);
		end(10, 0);
	}
	await_end(child);
	write_pages(0, 300);
	did(0, 300);
}

/* A page is written once after each fork. The children live long enough to be worth watching. */
static void again_and_again(void)
{
	for (size_t i = 0; i < 10; i++) {
		pid_t child = fork();

		if (!child) {
			write_pages(0, 20);
			pass();
			await(2 * (uint32_t)i + 2);
			pause_us(25000);
			end(20, 0);
		}
		await(2 * (uint32_t)i + 1);
		write_pages(10, 20);
		pass();
		await_end(child);
		write_pages(0, 40); /* 20 of them are its own already */
	}
	did(10 * 10, 10 * (10 + 20));
}

/* Four generations at once. */
static void nested(void)
{
	pid_t children[3] = { 0 };
	uint32_t depth = 0;

	while (depth < 3 && !(children[depth] = fork()))
		depth++;
	if (depth == 3) {
		write_pages(0, 100);
		pass();
		await(4);
		end(100, 0);
	}
	await(3 - depth);
	write_pages(0, 100 - 20 * depth); /* 40, 60, 80 and 100, from the third generation up to the first */
	pass();
	await(4);
	await_end(children[depth]);
	if (depth == 2)
		end(60, 0);
	if (depth == 1)
		end(80, 0);
	did(40, 60); /* the third generation still has 40 of them */
}

/* The first generation writes first, the last one last. */
static void nested_downwards(void)
{
	pid_t children[3] = { 0 };
	uint32_t depth = 0;

	while (depth < 3 && !(children[depth] = fork()))
		depth++;
	await(depth);
	write_pages(0, 100);
	pass();
	await(4);
	if (depth == 3)
		end(0, 100);
	await_end(children[depth]);
	did(100, 0);
	if (depth)
		_exit(0);
}

static void siblings(void)
{
	pid_t first, second;

	first = fork();
	if (!first) {
		write_pages(0, 100);
		pass();
		await(3);
		write_pages(100, 100);
		pass();
		await(5);
		end(200, 0);
	}
	second = fork();
	if (!second) {
		await(1);
		write_pages(0, 100);
		pass();
		await(4);
		write_pages(100, 100);
		pass();
		end(100, 100);
	}
	await(2);
	write_pages(0, 200);
	pass();
	await_end(first);
	await_end(second);
	did(100, 100);
}

/* What a child shares with its own child is not what it shares with its parent. */
static void child_forks_later(void)
{
	pid_t child = fork(), grandchild;

	if (!child) {
		write_pages(0, 100);
		grandchild = fork();
		if (!grandchild) {
			await(1);
			write_pages(0, 150);
			end(50, 100);
		}
		write_pages(0, 100);
		pass();
		await_end(grandchild);
		write_pages(100, 60);
		end(260, 0);
	}
	await_end(child);
	write_pages(0, 200);
	did(0, 200);
}

/* Nothing of a new file is there yet: each page of it that is written is read first, where files lie on a disk. */
static void map_file(void)
{
	char path[] = "cow_order.XXXXXX";
	int fd = mkstemp(path);

	REQUIRE(fd >= 0 && unlink(path) == 0 && ftruncate(fd, PAGES * PAGE) == 0);
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(memory != MAP_FAILED && madvise(memory, PAGES * PAGE, MADV_RANDOM) == 0);
	close(fd);
	touch(memory, PAGES * PAGE);
}

/* New memory where something else was. */
static void replace_memory(void)
{
	REQUIRE(mmap(memory, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
	REQUIRE(madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE) == 0);
	touch(memory, PAGES * PAGE);
}

/* The parent has a parent itself, which shares nothing of its new memory. */
static void outlive_parent(bool in_place_of_file)
{
	int ends[2];
	char byte;
	pid_t parent;

	REQUIRE(pipe(ends) == 0);
	parent = fork();
	if (!parent) {
		if (in_place_of_file) {
			map_file();
			replace_memory();
		} else {
			map_memory();
		}
		if (!fork()) {
			write_pages(200, 50);
			pass();
			await(3);
			write_pages(0, 200);
			end(50, 200);
		}
		await(1);
		write_pages(0, 30);
		pass();
		end(30, 0);
	}
	await_end(parent);
	pass();
	close(ends[1]);
	REQUIRE(read(ends[0], &byte, 1) == 0);
}

static void child_outlives_parent(void)
{
	outlive_parent(false);
}

static void child_outlives_parent_where_a_file_was(void)
{
	outlive_parent(true);
}

/* Its parent executes another program: it is alone, forks itself, and shares what it had mapped meanwhile. */
static void last_of_family_forks(void)
{
	int until_exec[2], until_end[2];
	char byte;
	pid_t child;

	REQUIRE(pipe2(until_exec, O_CLOEXEC) == 0 && pipe2(until_end, O_CLOEXEC) == 0);
	if (fork()) {
		REQUIRE(dup2(until_end[0], 0) == 0);
		execlp("cat", "cat", NULL);
		REQUIRE(false);
	}
	close(until_exec[1]);
	REQUIRE(read(until_exec[0], &byte, 1) == 0);
	pause_us(1000);
	write_pages(300, 10);
	map_memory();
	child = fork();
	if (!child) {
		await(1);
		write_pages(0, 150);
		end(50, 100);
	}
	write_pages(0, 100);
	pass();
	await_end(child);
	end(100, 10);
}

/* It lives long enough to be looked at. */
static void child_killed(void)
{
	pid_t child = fork();

	if (!child) {
		write_pages(0, 50);
		fact("copied", 50);
		fact("reused", 0);
		oracle_flush();
		for (size_t i = 0; i < 200; i++) {
			pause_us(1000);
			for (size_t j = 0; j < 5000; j++)
				free(opaque(malloc(100)));
		}
		await(1);
		raise(SIGKILL);
	}
	write_pages(300, 20);
	pass();
	await_end(child);
	write_pages(0, 200);
	did(20, 200);
}

static void child_executes(void)
{
	static char *const arguments[] = { "/bin/true", NULL };
	pid_t child = fork();

	if (!child) {
		write_pages(0, 40);
		pause_us(30000);
		await(1);
		execv(arguments[0], arguments);
		_exit(1);
	}
	write_pages(300, 20);
	pass();
	await_end(child);
	write_pages(0, 100);
	did(20, 100);
}

static void child_lets_go(void)
{
	pid_t child = fork();

	if (!child) {
		REQUIRE(munmap(memory, 100 * PAGE) == 0 && madvise(memory + 100 * PAGE, 50 * PAGE, MADV_DONTNEED) == 0);
		pause_us(1000);
		pass();
		await(2);
		end(0, 0);
	}
	await(1);
	write_pages(0, 200);
	pass();
	await_end(child);
	did(50, 150);
}

static void parent_lets_go(void)
{
	pid_t child = fork();

	if (!child) {
		await(1);
		write_pages(0, 200);
		end(50, 150);
	}
	REQUIRE(munmap(memory, 100 * PAGE) == 0 && madvise(memory + 100 * PAGE, 50 * PAGE, MADV_DONTNEED) == 0);
	pause_us(1000);
	pass();
	await_end(child);
	did(0, 0);
}

/* libc unmaps a large block by itself. Of the heap, a page or two more are written by the way. */
static void frees_a_block(int by_child)
{
	char *block = opaque(malloc(300 * PAGE));
	pid_t child;

	REQUIRE(block != NULL);
	touch(block, 300 * PAGE);
	child = fork();
	if ((child == 0) == by_child) {
		free(block);
		pause_us(1000);
		pass();
		await(2);
	} else {
		await(1);
		touch(block, 200 * PAGE);
		expect("process", NULL, "cow.by_row.heap.reused_pages", 200, 216, "the other one has freed its block");
		expect("process", NULL, "cow.by_row.heap.copied_pages", 0, 16, "so that nothing is copied");
		pass();
	}
	if (!child)
		end(0, 0);
	await_end(child);
	did(0, 0);
}

static void child_frees_a_block(void)
{
	frees_a_block(1);
}

static void parent_frees_a_block(void)
{
	frees_a_block(0);
}

/* A process that is started without a copy of the memory shares none of it. */
static void spawns_meanwhile(void)
{
	static char *const arguments[] = { "/bin/true", NULL };
	pid_t child = fork(), other;

	if (!child) {
		await(1);
		end(0, 0);
	}
	write_pages(0, 50);
	REQUIRE(posix_spawn(&other, arguments[0], NULL, NULL, arguments, environ) == 0);
	await_end(other);
	write_pages(50, 50);
	pass();
	await_end(child);
	REQUIRE(posix_spawn(&other, arguments[0], NULL, NULL, arguments, environ) == 0);
	pause_us(30000); /* posix_spawn returns a moment before the other one is seen to be another program */
	write_pages(0, 200);
	await_end(other);
	did(100, 100);
}

static void *write_a_quarter(void *number)
{
	write_pages((size_t)number * 100, 50);
	pass();
	await(5);
	write_pages((size_t)number * 100, 100);
	return NULL;
}

static void threads(void)
{
	pthread_t thread[4];
	pid_t child = fork();

	if (!child) {
		await(4);
		end(0, 0);
	}
	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_create(&thread[i], NULL, write_a_quarter, (void *)i) == 0);
	await_end(child);
	pass();
	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	did(200, 200);
}

static uint64_t passes[3];              /* over its pages, of each thread */

static void *write_on(void *number)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != UINT32_MAX) {
		write_pages((size_t)number * 100, 100);
		__atomic_fetch_add(&passes[(size_t)number], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Whatever a thread was doing when another one forked, it writes all of its pages after that. Children live long. */
static void threads_write_on(void)
{
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		REQUIRE(pthread_create(&thread[i], NULL, write_on, (void *)i) == 0);
	for (uint32_t round = 0; round < 4; round++) {
		pid_t child = fork();

		if (!child) {
			await(round + 1);
			pause_us(25000);
			end(0, 0);
		}
		for (size_t i = 0; i < 3; i++) {
			uint64_t enough = __atomic_load_n(&passes[i], __ATOMIC_RELAXED) + 2;

			while (__atomic_load_n(&passes[i], __ATOMIC_RELAXED) < enough)
				pause_us(1000);
		}
		pass();
		await_end(child);
	}
	__atomic_store_n(turn, UINT32_MAX, __ATOMIC_RELEASE);
	for (size_t i = 0; i < 3; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
	/* What was written while the pages' tables were copied looks earlier than the fork. */
	expect("process", NULL, "cow.by_row.anon.copied_pages", 0, 4 * 300, "somebody else still had these pages");
	fact("copied", 4 * 300);
	fact("reused", 0);
	oracle_flush();
}

/*
 * One side has a huge page whole, the other one in pieces: it is shared as long as both have a piece. When nobody else
 * has any, it is taken over piece by piece, or at once, and kernels before 6.15 copy pieces even then.
 */
static void huge_pages(void)
{
	const size_t bytes = 4 * MIB;
	char *whole = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	REQUIRE(whole != MAP_FAILED && munmap(memory, PAGES * PAGE) == 0);
	memory = (char *)(((uintptr_t)whole + bytes - 1) & ~(bytes - 1));
	REQUIRE(madvise(memory, bytes, MADV_HUGEPAGE) == 0);
	touch(memory, bytes);
	child = fork();
	if (!child) {
		write_pages(0, 20);
		pass();
		await(2);
		write_pages(0, 40);
		end(40, 0);
	}
	await(1);
	write_pages(10, 20);
	pass();
	await_end(child);
	write_pages(0, 10);
	expect_exact("process", NULL, "cow.by_row.anon.copied_pages", 20, "the child had other pieces of them");
	expect("process", NULL, "cow.by_row.anon.reused_pages", 0, 512, "and nobody has any in the end");
	fact("copied", 20);
}

/* The page frame behind a page, from pagemap; 0: only for the privileged. */
static uint64_t frame_of(int pagemap, size_t page)
{
	uint64_t entry = 0, number = (uintptr_t)memory / PAGE + page;

	REQUIRE(pread(pagemap, &entry, sizeof(entry), (off_t)(number * sizeof(entry))) == sizeof(entry));
	return entry & ((1UL << 55) - 1);
}

/* What a family does when nobody waits for anybody but for its children's end: by the page frames around each write. */
static void live(struct dice *dice, uint32_t *processes, bool alone)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	bool own[PAGES];                /* before the first fork, all are */
	uint64_t copied = 0, reused = 0;
	size_t children = 0;

	REQUIRE(pagemap >= 0);
	memset(own, alone, sizeof(own));
	for (size_t step = 0; step < 500; step++) {
		uint64_t chance = dice_roll(dice, 100), page = dice_roll(dice, PAGES), before;

		if (chance < 3 && __atomic_add_fetch(processes, 1, __ATOMIC_RELAXED) <= 12) {
			uint64_t seed = dice_roll(dice, UINT32_MAX);

			if (!fork()) {
				struct dice other = { seed | 1 };

				close(pagemap);
				live(&other, processes, false);
				_exit(0);
			}
			children++;
			memset(own, 0, sizeof(own));
		} else if (chance < 20) {
			pause_us((long)dice_roll(dice, 300));
		} else if (!own[page]) {
			before = frame_of(pagemap, page);
			write_pages(page, 1);
			*(frame_of(pagemap, page) == before ? &reused : &copied) += 1;
			own[page] = true;
		}
	}
	while (children--)
		REQUIRE(wait(NULL) > 0);
	fact("copied", copied);
	fact("reused", reused);
	oracle_flush();
	close(pagemap);
}

static void at_random(void)
{
	struct dice dice = { (uint64_t)getpid() << 20 | 1 };
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	REQUIRE(pagemap >= 0);
	hold_true(1, "page frames before and after each write tell what it did");
	oracle_flush();
	if (frame_of(pagemap, 0))
		live(&dice, turn, true);
	close(pagemap);
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "child_first", child_first }, { "parent_first", parent_first }, { "interleaved", interleaved },
	{ "child_has_ended", child_has_ended }, { "again_and_again", again_and_again }, { "nested", nested },
	{ "nested_downwards", nested_downwards }, { "siblings", siblings }, { "child_forks_later", child_forks_later },
	{ "child_outlives_parent", child_outlives_parent },
	{ "child_outlives_parent_where_a_file_was", child_outlives_parent_where_a_file_was },
	{ "last_of_family_forks", last_of_family_forks }, { "child_killed", child_killed },
	{ "child_executes", child_executes },
	{ "child_lets_go", child_lets_go }, { "parent_lets_go", parent_lets_go },
	{ "child_frees_a_block", child_frees_a_block }, { "parent_frees_a_block", parent_frees_a_block },
	{ "spawns_meanwhile", spawns_meanwhile },
	{ "threads", threads }, { "threads_write_on", threads_write_on }, { "huge_pages", huge_pages },
	{ "at_random", at_random },
};

int main(int argc, char **argv)
{
	turn = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(turn != MAP_FAILED);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2) {
			oracle_print("%s\n", scenarios[i].name);
		} else if (strcmp(argv[1], scenarios[i].name) == 0) {
			map_memory();
			scenarios[i].run();
		}
	}
	oracle_flush();
	return 0;
}
