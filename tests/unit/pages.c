/* SPDX-License-Identifier: MIT */
/*
 * The three sources of what is resident, each forced, over memory whose every page the test has put into a known state,
 * and against pagemap and mincore read entry by entry; sharing after a fork, huge pages, swap, and what happens where a
 * source cannot be had.
 *
 * links: preload/pages.c preload/smaps.c preload/sandbox.c preload/kept.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/pages.h"
#include "../../preload/smaps.h"
#include "../../preload/sys.h"
#include "../zero_page.h"
#include "child.h"
#include "random.h"

#define COUNT 3000                      /* pages: more than one batch of any source */
enum { UNTOUCHED, READ, WRITTEN, STATES };

static unsigned char *memory;           /* COUNT pages between two without access */
static unsigned char state_of[COUNT], flags_of[COUNT];
static bool zero_page;                  /* what was only read is the zero page; where there is none, memory */

static unsigned char *map_between_guards(size_t pages)
{
	unsigned char *place = mmap(NULL, (pages + 2) * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(place != MAP_FAILED);
	assert_int_equal(mprotect(place + PAGE_BYTES, pages * PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
	return place + PAGE_BYTES;
}

static void touch(size_t page, int state)
{
	volatile unsigned char *byte = memory + page * PAGE_BYTES;

	state_of[page] = (unsigned char)state;
	if (state == WRITTEN)
		*byte = 1;
	else if (state == READ)
		assert_int_equal(*byte, 0);
}

static int prepare(void **state)
{
	(void)state;
	zero_page = zero_page_exists();
	memory = map_between_guards(COUNT);
	madvise(memory, COUNT * PAGE_BYTES, MADV_NOHUGEPAGE);
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	return munmap(memory - PAGE_BYTES, (COUNT + 2) * PAGE_BYTES);
}

/* Alternating pages make the most runs, long stretches the longest ones; here are both. */
static void touch_at_random(struct random *random)
{
	assert_int_equal(madvise(memory, COUNT * PAGE_BYTES, MADV_DONTNEED), 0);
	for (size_t page = 0; page < COUNT;) {
		size_t end = page + 1 + (random_percent(random, 50) ? 0 : random_below(random, 400));
		int state = (int)random_below(random, STATES);

		for (; page < end && page < COUNT; page++)
			touch(page, random_percent(random, 90) ? state : UNTOUCHED);
	}
}

/* Reads the runs of a range and spreads their flags over flags_of; checks what must be true of any run. */
static void spread_runs(struct pages *pages, size_t first, size_t end, bool want_shared)
{
	uint64_t last = (uint64_t)memory + first * PAGE_BYTES;
	struct page_run run;

	memset(flags_of, 0, sizeof(flags_of));
	pages_begin(pages, (uint64_t)memory + first * PAGE_BYTES, (uint64_t)memory + end * PAGE_BYTES, want_shared);
	while (pages_next(pages, &run)) {
		assert_true(run.start >= last && run.start < run.end && run.end <= (uint64_t)memory + end * PAGE_BYTES);
		assert_true((run.start | run.end) % PAGE_BYTES == 0);
		assert_true(run.flags & (PAGES_RESIDENT | PAGES_SWAPPED));
		for (uint64_t at = run.start; at < run.end; at += PAGE_BYTES)
			flags_of[(at - (uint64_t)memory) / PAGE_BYTES] = (unsigned char)run.flags;
		last = run.end;
	}
	assert_false(pages_next(pages, &run));
}

/* What a source must say of a page, alone: mincore and pagemap cannot tell the zero page from memory. */
static bool counts_as_resident(size_t page, enum pages_source source)
{
	return state_of[page] == WRITTEN || (state_of[page] == READ && (!zero_page || source != PAGES_BY_SCAN));
}

static void check_flags(size_t first, size_t end, enum pages_source source)
{
	for (size_t page = 0; page < COUNT; page++) {
		bool resident = counts_as_resident(page, source);
		unsigned expected = page >= first && page < end && resident ? PAGES_RESIDENT : 0;

		if (flags_of[page] != expected)
			fail_msg("page %zu of %zu to %zu, state %d, has flags %u", page, first, end, state_of[page],
				 flags_of[page]);
	}
}

static void check_source(enum pages_source source, struct random random)
{
	struct pages pages;

	for (int round = 0; round < 6; round++) {
		touch_at_random(&random);
		pages_open(&pages, (int)getpid(), true);
		pages.source = source;
		for (int i = 0; i < 20; i++) {
			size_t first = i ? random_below(&random, COUNT) : 0;
			size_t end = first + random_below(&random, COUNT - first + 1);

			end = i ? end : COUNT;
			spread_runs(&pages, first, end, false);
			if (pages.source != source) {
				pages_close(&pages);
				skip(); /* the kernel or its security policy lacks it */
			}
			check_flags(first, end, source);
		}
		pages_close(&pages);
	}
}

static void the_scan_finds_written_pages_and_not_the_zero_page(void **state)
{
	(void)state;
	check_source(PAGES_BY_SCAN, (struct random){ FIXED_SEED });
	check_source(PAGES_BY_SCAN, random_of_moment("pages"));
}

static void pagemap_finds_written_and_zero_pages(void **state)
{
	(void)state;
	check_source(PAGES_BY_PAGEMAP, (struct random){ FIXED_SEED });
}

static void mincore_finds_written_and_zero_pages(void **state)
{
	(void)state;
	check_source(PAGES_BY_MINCORE, (struct random){ FIXED_SEED });
}

static uint64_t entry_of_page(int fd, size_t page)
{
	uint64_t entry;

	assert_int_equal(pread(fd, &entry, sizeof(entry), (off_t)(((uint64_t)memory / PAGE_BYTES + page) * 8)), 8);
	return entry;
}

static void all_sources_agree_with_pagemap_and_mincore_read_page_by_page(void **state)
{
	static unsigned char core[COUNT], found[3][COUNT];
	struct random random = { FIXED_SEED };
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct pages pages;

	(void)state;
	if (fd < 0)
		skip();
	touch_at_random(&random);
	for (int source = 0; source < 3; source++) {
		pages_open(&pages, (int)getpid(), true);
		pages.source = (enum pages_source)source;
		spread_runs(&pages, 0, COUNT, false);
		memcpy(found[pages.source], flags_of, COUNT); /* a kernel without the scan fills the next one twice */
		pages_close(&pages);
	}
	assert_int_equal(mincore(memory, COUNT * PAGE_BYTES, core), 0);
	for (size_t page = 0; page < COUNT; page++) {
		assert_int_equal(found[PAGES_BY_PAGEMAP][page], entry_of_page(fd, page) >> 63);
		assert_int_equal(found[PAGES_BY_MINCORE][page], core[page] & 1);
		assert_true(found[PAGES_BY_SCAN][page] <= found[PAGES_BY_PAGEMAP][page]);
	}
	close(fd);
}

static void an_empty_range_has_no_runs(void **state)
{
	struct pages pages;
	struct page_run run;

	(void)state;
	touch(0, WRITTEN);
	for (int source = PAGES_BY_SCAN; source <= PAGES_BY_MINCORE; source++) {
		pages_open(&pages, (int)getpid(), true);
		pages.source = (enum pages_source)source;
		pages_begin(&pages, (uint64_t)memory, (uint64_t)memory, true);
		assert_false(pages_next(&pages, &run));
		assert_false(pages.opened); /* nothing is opened before a page is asked for */
		pages_close(&pages);
	}
}

/* Sharing. A child writes some of the pages that it shares with this process, says so, and waits. */

static int to_parent[2], to_child[2];

static pid_t fork_that_writes_every(size_t step)
{
	pid_t child;
	char done = 0;

	assert_true(!pipe(to_parent) && !pipe(to_child));
	child = fork();
	if (child == 0) {
		for (size_t page = 0; page < COUNT; page += step)
			memory[page * PAGE_BYTES] = 2;
		must(write(to_parent[1], "w", 1) == 1);
		close(to_child[1]);
		must(read(to_child[0], &done, 1) == 0);
		_exit(0);
	}
	assert_true(child > 0);
	close(to_parent[1]);
	close(to_child[0]);
	assert_int_equal(read(to_parent[0], &done, 1), 1);
	return child;
}

static void end_child(pid_t child)
{
	int status;

	close(to_child[1]);
	close(to_parent[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void check_sharing(int pid, enum pages_source source, size_t step, bool all_exclusive)
{
	struct pages pages;

	pages_open(&pages, pid ? pid : (int)getpid(), !pid);
	pages.source = source;
	spread_runs(&pages, 0, COUNT, true);
	assert_true(pages.source == source);
	pages_close(&pages);
	for (size_t page = 0; page < COUNT; page++) {
		bool exclusive = all_exclusive || page % step == 0;
		unsigned expected = exclusive ? PAGES_RESIDENT : PAGES_RESIDENT | PAGES_SHARED;

		if (flags_of[page] != expected)
			fail_msg("pid %d, source %d, every %zu-th page written: page %zu has flags %u", pid, source,
				 step, page, flags_of[page]);
	}
}

static enum pages_source best_source(void)
{
	struct pages pages;
	enum pages_source source;

	touch(0, WRITTEN);
	pages_open(&pages, (int)getpid(), true);
	spread_runs(&pages, 0, COUNT, true);
	source = pages.source;
	pages_close(&pages);
	return source;
}

static void pages_shared_with_a_forked_child_are_told_from_those_that_one_side_wrote(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 100, 700, COUNT };

	(void)state;
	for (size_t page = 0; page < COUNT; page++)
		touch(page, WRITTEN);
	if (best_source() >= PAGES_BY_MINCORE)
		skip();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		pid_t child = fork_that_writes_every(steps[i]);

		for (enum pages_source source = best_source(); source <= PAGES_BY_PAGEMAP; source++) {
			check_sharing(0, source, steps[i], false);
			check_sharing((int)child, source, steps[i], false);
		}
		end_child(child);
		check_sharing(0, best_source(), steps[i], true); /* the child is gone */
	}
}

static void sharing_is_not_looked_for_unless_it_is_wanted(void **state)
{
	struct pages pages;
	pid_t child;

	(void)state;
	for (size_t page = 0; page < COUNT; page++)
		touch(page, WRITTEN);
	child = fork_that_writes_every(COUNT);
	pages_open(&pages, (int)getpid(), true);
	spread_runs(&pages, 0, COUNT, false);
	check_flags(0, COUNT, pages.source);
	pages_close(&pages);
	end_child(child);
}

static void another_process_is_read_through_its_own_pagemap(void **state)
{
	struct random random = { FIXED_SEED };
	enum pages_source best = best_source();
	pid_t child;

	(void)state;
	if (best >= PAGES_BY_MINCORE)
		skip();
	touch_at_random(&random);
	child = fork_that_writes_every(5);
	for (enum pages_source source = best; source <= PAGES_BY_PAGEMAP; source++) {
		struct pages pages;

		pages_open(&pages, (int)child, false);
		pages.source = source;
		spread_runs(&pages, 0, COUNT, false);
		for (size_t page = 0; page < COUNT; page++) {
			bool resident = page % 5 == 0 || counts_as_resident(page, source);

			assert_int_equal(flags_of[page], resident ? PAGES_RESIDENT : 0);
		}
		pages_close(&pages);
	}
	end_child(child);
}

/* Where a source cannot be had */

static void without_descriptors(void)
{
	struct rlimit none = { 3, 3 };
	struct pages pages;
	struct page_run run;

	must(!setrlimit(RLIMIT_NOFILE, &none));
	memory[7 * PAGE_BYTES] = 1;
	pages_open(&pages, (int)getpid(), true);
	pages_begin(&pages, (uint64_t)memory, (uint64_t)memory + 20 * PAGE_BYTES, true);
	must(pages_next(&pages, &run) && pages.source == PAGES_BY_MINCORE);
	must(run.start == (uint64_t)memory + 7 * PAGE_BYTES && run.end == run.start + PAGE_BYTES &&
	     run.flags == PAGES_RESIDENT);
	must(!pages_next(&pages, &run));
	pages_close(&pages);
}

static void without_pagemap_the_caller_is_read_by_mincore(void **state)
{
	(void)state;
	madvise(memory, COUNT * PAGE_BYTES, MADV_DONTNEED);
	assert_int_equal(status_of_child(without_descriptors), 0);
}

static void of_a_process_that_is_gone_nothing_is_known(void **state)
{
	struct pages pages;
	struct page_run run;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	touch(0, WRITTEN);
	pages_open(&pages, (int)child, false);
	pages_begin(&pages, (uint64_t)memory, (uint64_t)memory + COUNT * PAGE_BYTES, true);
	assert_false(pages_next(&pages, &run));
	assert_int_equal(pages.source, PAGES_BY_NOTHING);
	assert_false(pages_next(&pages, &run));
	pages_close(&pages);
}

/* Huge and swapped pages, as far as the machine has any */

#define HUGE_BYTES (2UL << 20)

static uint64_t kilobytes_in_smaps(const void *address, const char *key)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kilobytes, found = 0;
	char line[4096], name[64];
	bool inside = false;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uint64_t)address >= start && (uint64_t)address < end;
		else if (inside && sscanf(line, "%63[^:]: %lu kB", name, &kilobytes) == 2 && !strcmp(name, key))
			found = kilobytes;
	}
	fclose(file);
	return found;
}

static void huge_pages_are_told_from_small_ones(void **state)
{
	unsigned char *place = map_between_guards(4 * HUGE_BYTES / PAGE_BYTES);
	unsigned char *aligned = (unsigned char *)(((uintptr_t)place + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	uint64_t huge = 0, resident = 0;
	struct pages pages;
	struct page_run run;

	(void)state;
	madvise(aligned, HUGE_BYTES, MADV_HUGEPAGE);
	aligned[0] = 1;
	aligned[HUGE_BYTES] = 1;
	aligned[HUGE_BYTES + 9 * PAGE_BYTES] = 1;
	pages_open(&pages, (int)getpid(), true);
	pages_begin(&pages, (uint64_t)aligned, (uint64_t)aligned + 2 * HUGE_BYTES, true);
	while (pages_next(&pages, &run)) {
		resident += run.end - run.start;
		huge += run.flags & PAGES_HUGE ? run.end - run.start : 0;
	}
	if (pages.source != PAGES_BY_SCAN || !kilobytes_in_smaps(aligned, "AnonHugePages")) {
		pages_close(&pages);
		munmap(place - PAGE_BYTES, 4 * HUGE_BYTES + 2 * PAGE_BYTES);
		skip();
	}
	assert_int_equal(huge, kilobytes_in_smaps(aligned, "AnonHugePages") << 10);
	assert_int_equal(resident, huge + 2 * PAGE_BYTES);
	pages_close(&pages);
	munmap(place - PAGE_BYTES, 4 * HUGE_BYTES + 2 * PAGE_BYTES);
}

static void swapped_pages_are_told_from_resident_ones(void **state)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t swapped = 0;

	(void)state;
	assert_int_equal(madvise(memory, COUNT * PAGE_BYTES, MADV_DONTNEED), 0);
	for (size_t page = 0; page < COUNT; page += 3)
		memory[page * PAGE_BYTES] = 1;
	madvise(memory, COUNT * PAGE_BYTES, MADV_PAGEOUT);
	for (size_t page = 0; fd >= 0 && page < COUNT; page++)
		swapped += entry_of_page(fd, page) >> 62 & 1;
	if (!swapped) { /* no swap space */
		close(fd);
		skip();
	}
	for (int source = PAGES_BY_SCAN; source <= PAGES_BY_PAGEMAP; source++) {
		struct pages pages;

		pages_open(&pages, (int)getpid(), true);
		pages.source = (enum pages_source)source;
		spread_runs(&pages, 0, COUNT, true);
		for (size_t page = 0; page < COUNT; page++) {
			uint64_t entry = entry_of_page(fd, page);

			assert_int_equal(flags_of[page] & PAGES_RESIDENT, entry >> 63 ? PAGES_RESIDENT : 0);
			assert_int_equal(flags_of[page] & PAGES_SWAPPED, entry >> 62 & 1 ? PAGES_SWAPPED : 0);
		}
		pages_close(&pages);
	}
	close(fd);
}

#define GUARD_INSTALL 102               /* MADV_GUARD_INSTALL, Linux 6.13 */
#define ENTRY_GUARD   (1ULL << 58)      /* Linux 6.15 */

/*
 * The kernel keeps guard pages, as it does marks of userfaultfd, in the place of a swap entry; its own Swap in smaps
 * leaves them out.
 */
static void guard_pages_are_neither_resident_nor_swapped(void **state)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct pages pages;

	(void)state;
	assert_int_equal(madvise(memory, COUNT * PAGE_BYTES, MADV_DONTNEED), 0);
	memory[0] = memory[9 * PAGE_BYTES] = 1;
	if (fd < 0 || madvise(memory + PAGE_BYTES, 8 * PAGE_BYTES, GUARD_INSTALL) ||
	    !(entry_of_page(fd, 1) & ENTRY_GUARD)) {
		close(fd);
		skip();
	}
	for (int source = PAGES_BY_SCAN; source <= PAGES_BY_MINCORE; source++) {
		pages_open(&pages, (int)getpid(), true);
		pages.source = (enum pages_source)source;
		spread_runs(&pages, 0, COUNT, true);
		pages_close(&pages);
		for (size_t page = 0; page < 10; page++)
			assert_int_equal(flags_of[page], page % 9 == 0 ? PAGES_RESIDENT : 0);
	}
	close(fd);
	assert_int_equal(madvise(memory, 10 * PAGE_BYTES, GUARD_INSTALL + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_range_has_no_runs),
		cmocka_unit_test(the_scan_finds_written_pages_and_not_the_zero_page),
		cmocka_unit_test(pagemap_finds_written_and_zero_pages),
		cmocka_unit_test(mincore_finds_written_and_zero_pages),
		cmocka_unit_test(all_sources_agree_with_pagemap_and_mincore_read_page_by_page),
		cmocka_unit_test(pages_shared_with_a_forked_child_are_told_from_those_that_one_side_wrote),
		cmocka_unit_test(sharing_is_not_looked_for_unless_it_is_wanted),
		cmocka_unit_test(another_process_is_read_through_its_own_pagemap),
		cmocka_unit_test(without_pagemap_the_caller_is_read_by_mincore),
		cmocka_unit_test(of_a_process_that_is_gone_nothing_is_known),
		cmocka_unit_test(huge_pages_are_told_from_small_ones),
		cmocka_unit_test(swapped_pages_are_told_from_resident_ones),
		cmocka_unit_test(guard_pages_are_neither_resident_nor_swapped),
	};

	return cmocka_run_group_tests_name("pages", tests, prepare, clean_up);
}
