/* SPDX-License-Identifier: MIT */
/*
 * Blocks in the holes of another class: when few blocks of a size stay, on every page, others use what lies between.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/pages.h"
#include "child.h"

#define SMALL  40000
#define LARGER 10000

static unsigned char *small[SMALL], *larger[LARGER];

/* Blocks of @bytes, of which one in fifty is left. */
static void leave_few(size_t bytes)
{
	for (size_t i = 0; i < SMALL; i++)
		small[i] = memset(heap_allocate(bytes), (int)(i % 251), bytes);
	for (size_t i = 0; i < SMALL; i++)
		if (i % 50)
			heap_free(small[i]);
}

static void take_larger(size_t bytes)
{
	for (size_t i = 0; i < LARGER; i++)
		larger[i] = memset(heap_allocate(bytes), (int)(i % 241), bytes);
}

static bool holds(const unsigned char *block, size_t bytes, size_t value)
{
	for (size_t i = 0; i < bytes; i++)
		if (block[i] != value)
			return false;
	return true;
}

static void expect_contents(size_t small_bytes, size_t larger_bytes)
{
	for (size_t i = 0; i < SMALL; i += 50)
		assert_true(holds(small[i], small_bytes, i % 251));
	for (size_t i = 0; i < LARGER; i++)
		assert_true(holds(larger[i], larger_bytes, i % 241));
}

static void free_all(void)
{
	for (size_t i = 0; i < SMALL; i += 50)
		heap_free(small[i]);
	for (size_t i = 0; i < LARGER; i++)
		heap_free(larger[i]);
}

/* Pages that blocks of @larger bytes need on top of those on which a few of @small bytes are left. */
static size_t pages_on_top(size_t small_bytes, size_t larger_bytes)
{
	size_t before, after;

	leave_few(small_bytes);
	before = main_arena.taken_pages;
	take_larger(larger_bytes);
	after = main_arena.taken_pages;
	expect_contents(small_bytes, larger_bytes);
	free_all();
	return after - before;
}

static void larger_blocks_take_rows_of_free_slots(void **state)
{
	(void)state;
	assert_true(pages_on_top(48, 128) < LARGER * 128 / PAGE_SIZE / 20);
	assert_true(pages_on_top(208, 448) < LARGER * 448 / PAGE_SIZE / 20);
	assert_true(pages_on_top(256, 1000) < LARGER * 1000 / PAGE_SIZE / 2);
}

static void slightly_smaller_blocks_take_a_free_slot(void **state)
{
	(void)state;
	assert_true(pages_on_top(448, 368) < LARGER * 368 / PAGE_SIZE / 20);
}

static void all_pages_come_back_when_all_blocks_are_freed(void **state)
{
	size_t before;

	(void)state;
	heap_trim();
	before = main_arena.taken_pages;
	for (size_t bytes = 100; bytes < 700; bytes += 100)
		pages_on_top(48, bytes);
	heap_trim();
	assert_int_equal(main_arena.taken_pages, before);
}

static void a_block_of_several_slots_says_how_much_it_holds_and_grows_to_that_in_place(void **state)
{
	(void)state;
	leave_few(48);
	take_larger(130);
	for (size_t i = 0; i < LARGER; i++) {
		size_t usable = heap_usable(larger[i]);

		assert_in_range(usable, 130, 192);
		assert_ptr_equal(heap_resize(larger[i], usable), larger[i]);
	}
	for (size_t i = 0; i < LARGER; i++) {
		larger[i] = heap_resize(larger[i], 500);
		assert_true(holds(larger[i], 130, i % 241));
	}
	free_all();
}

static void aligned_blocks_are_aligned_where_holes_are_not(void **state)
{
	(void)state;
	leave_few(48);
	take_larger(512);
	for (size_t i = 0; i < LARGER; i++)
		heap_free(larger[i]);
	for (size_t i = 0; i < LARGER; i++) {
		larger[i] = memset(heap_allocate_aligned(512, 512), (int)(i % 241), 512);
		assert_int_equal((uintptr_t)larger[i] % 512, 0);
	}
	expect_contents(48, 512);
	free_all();
}

/* The address of a block that lies in several slots of 48 bytes. */
static char *block_in_a_hole(void)
{
	leave_few(48);
	take_larger(128);
	for (size_t i = 0; i < LARGER; i++)
		if (heap_usable(larger[i]) == 144)
			return (char *)larger[i];
	_exit(1);
}

static void free_twice(void)
{
	char *block = block_in_a_hole();

	heap_free(block);
	heap_free(block);
}

static void free_inside(void)
{
	heap_free(block_in_a_hole() + 48);
}

static int status_of_quiet_child(void (*work)(void))
{
	int error = dup(2), nothing = open("/dev/null", O_WRONLY), status;

	dup2(nothing, 2);
	status = status_of_child(work);
	dup2(error, 2);
	close(nothing);
	close(error);
	return status;
}

static void misuse_of_such_a_block_ends_the_program(void **state)
{
	(void)state;
	assert_int_equal(status_of_quiet_child(free_twice), SIGABRT);
	assert_int_equal(status_of_quiet_child(free_inside), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(larger_blocks_take_rows_of_free_slots),
		cmocka_unit_test(slightly_smaller_blocks_take_a_free_slot),
		cmocka_unit_test(all_pages_come_back_when_all_blocks_are_freed),
		cmocka_unit_test(a_block_of_several_slots_says_how_much_it_holds_and_grows_to_that_in_place),
		cmocka_unit_test(aligned_blocks_are_aligned_where_holes_are_not),
		cmocka_unit_test(misuse_of_such_a_block_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
