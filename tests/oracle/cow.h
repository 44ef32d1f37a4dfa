/* SPDX-License-Identifier: MIT */
/*
 * What the programs about copy-on-write share: memory whose pages are known one by one, and what the report must say of
 * them. Huge pages are declined where pages are counted one by one.
 */
#ifndef PAGEGAP_TESTS_COW_H
#define PAGEGAP_TESTS_COW_H

#include <signal.h>
#include <sys/wait.h>

#include "oracle.h"

#define PAGES 2000

static char *memory;                    /* PAGES of them, all written before the fork */
static int to_child[2], to_parent[2];

static inline void prepare(int advice)
{
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memory != MAP_FAILED && madvise(memory, PAGES * PAGE, advice) == 0);
	touch(memory, PAGES * PAGE);
	REQUIRE(pipe(to_child) == 0 && pipe(to_parent) == 0);
	oracle_flush();
}

static inline void tell(int *pipe)
{
	REQUIRE(write(pipe[1], "x", 1) == 1);
}

static inline void await(int *pipe)
{
	char byte;

	REQUIRE(read(pipe[0], &byte, 1) == 1);
}

static inline void expect_row(const char *row, int64_t inherited, int64_t copied, int64_t shared, int64_t gone)
{
	static const char *const names[] = { "inherited_pages", "copied_pages", "still_shared_pages", "gone_pages" };
	const int64_t values[] = { inherited, copied, shared, gone };
	char figure[96];

	for (size_t i = 0; i < 4; i++) {
		snprintf(figure, sizeof(figure), "cow.by_row.%s.%s", row, names[i]);
		expect("process", NULL, figure, values[i], values[i], "what the fork shared, and what stayed so");
	}
}

__attribute__((noreturn)) static inline void end_child(int64_t inherited, int64_t copied, int64_t shared, int64_t gone)
{
	expect_row("anon", inherited, copied, shared, gone);
	oracle_flush();
	_exit(0);
}

/* The parent's side shows the same fork. */
static inline void end_parent(pid_t child, int64_t inherited, int64_t copied, int64_t shared, int64_t gone)
{
	int status;

	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	expect_row("anon", inherited, copied, shared, gone);
}

struct scenario { const char *name; void (*run)(void); };

/* usage: PROGRAM SCENARIO; without one it lists them. */
static inline int run_scenario(int argc, char **argv, const struct scenario *scenarios, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (argc < 2) {
			oracle_print("%s\n", scenarios[i].name);
		} else if (strcmp(argv[1], scenarios[i].name) == 0) {
			prepare(MADV_NOHUGEPAGE);
			scenarios[i].run();
		}
	}
	oracle_flush();
	return 0;
}

#endif
