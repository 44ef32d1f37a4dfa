/* SPDX-License-Identifier: MIT */
/*
 * Forks: a child is whole whatever other threads were doing, and its new blocks lie on fresh pages as long as its
 * parent lives, its parent's as long as it lives; then holes are filled again, and also when too much was allocated
 * anew.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/options.h"
#include "../../alloc/pagemap.h"
#include "../../alloc/pagepool.h"
#include "../../alloc/slab.h"
#include "child.h"

#define BLOCKS 200000

static char *blocks[BLOCKS];

static void fill(void)
{
	for (size_t i = 0; i < BLOCKS; i++)
		memset(blocks[i] = heap_allocate(16 + i % 150), 1, 16 + i % 150);
}

static void empty(void)
{
	for (size_t i = 0; i < BLOCKS; i++)
		heap_free(blocks[i]);
	heap_trim();
}

/* Frees and allocates one block in ten; how many new blocks lie on a page of the old ones. */
static size_t replace_some(void)
{
	size_t on_old_pages = 0;
	uint32_t epoch = shared_below;

	for (size_t i = 0; i < BLOCKS; i += 10) {
		heap_free(blocks[i]);
		blocks[i] = heap_allocate(16 + (i + 5) % 150);
		blocks[i][0] = 2;
		on_old_pages += pagemap_get((uintptr_t)blocks[i])->epoch < epoch;
	}
	return on_old_pages;
}

static void replace_in_child(void)
{
	must(shared_below);
	must(replace_some() == 0);
	empty();
}

static void a_childs_new_blocks_lie_on_fresh_pages(void **state)
{
	(void)state;
	fill();
	assert_int_equal(status_of_child(replace_in_child), 0);
	empty();
}

static bool fills_holes_soon(void)
{
	for (int i = 0; i < 200 && shared_below; i++) {
		usleep(10000);
		for (size_t size = 16; size < 3000; size += 16) {
			void *few[50];

			for (size_t j = 0; j < 50; j++)
				few[j] = heap_allocate(size);
			for (size_t j = 0; j < 50; j++)
				heap_free(few[j]);
		}
	}
	return !shared_below;
}

static void a_parents_new_blocks_lie_on_fresh_pages_until_the_child_has_gone(void **state)
{
	int ends[2], status;
	size_t on_old_pages;
	pid_t child;
	char byte;

	(void)state;
	fill();
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	assert_true(shared_below);
	on_old_pages = replace_some();
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(on_old_pages, 0);
	assert_true(fills_holes_soon());
	empty();
}

static void after_a_limit_holes_are_filled_although_the_child_lives(void **state)
{
	int ends[2], status;
	bool filled;
	pid_t child;
	char byte;

	(void)state;
	fill();
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	for (size_t i = 0; i < 4 * BLOCKS && shared_below; i++)
		memset(heap_allocate(200), 1, 200); /* for good */
	filled = !shared_below;
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(filled);
	empty();
}

/* Looks for relatives meanwhile, which takes system calls at which a thread may be cancelled. */
static void *allocate_although_cancelled(void *through)
{
	const uint64_t end = os_now_ms() + 200; /* it looks after 20 ms for the first time */

	pthread_cancel(pthread_self());
	while (os_now_ms() < end)
		heap_free(heap_allocate(70000));
	*(bool *)through = true;
	pthread_testcancel();
	return NULL;
}

static void a_cancellation_waits_until_a_block_is_there(void **state)
{
	int ends[2], status;
	bool through = false;
	pthread_t thread;
	pid_t child;
	char byte;

	(void)state;
	fill();
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	assert_int_equal(pthread_create(&thread, NULL, allocate_although_cancelled, &through), 0);
	pthread_join(thread, NULL);
	assert_true(shared_below);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(through);
	empty();
}

static void small_processes_go_on_as_before(void **state)
{
	size_t from = options.fork_from_bytes;

	(void)state;
	options.fork_from_bytes = 1UL << 40;
	if (!fork())
		_exit(shared_below != 0);
	wait(NULL);
	assert_int_equal(shared_below, 0);
	options.fork_from_bytes = from;
}

/* Threads at work while others fork */

static volatile bool stop;

static void *work(void *unused)
{
	void *own[200] = { 0 };

	for (size_t i = 0; !stop; i++) {
		void **one = &own[i * 7 % 200];

		heap_free(*one);
		*one = heap_allocate(i % 5000 == 0 ? 100000 : i % 1000);
	}
	for (size_t i = 0; i < 200; i++)
		heap_free(own[i]);
	return unused;
}

/* A slot that two caches have would be handed out twice: each block is its own, from the first to the last byte. */
static void allocate_in_child(void)
{
	static uint32_t *own[8000];

	for (uint32_t i = 0; i < 8000; i++) {
		size_t words = 1 + i % 250;

		own[i] = heap_allocate(words * sizeof(uint32_t));
		for (size_t word = 0; word < words; word++)
			own[i][word] = i;
	}
	for (uint32_t i = 0; i < 8000; i++) {
		for (size_t word = 0; word < 1 + i % 250; word++)
			must(own[i][word] == i);
		heap_free(own[i]);
	}
	for (size_t i = 0; i < 20000; i += 7)
		heap_free(heap_allocate(i));
	heap_trim();
}

static void a_child_of_a_threaded_program_can_allocate(void **state)
{
	pthread_t threads[3];

	(void)state;
	stop = false;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(status_of_child(allocate_in_child), 0);
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void a_child_born_by_a_bare_system_call_is_noticed(void **state)
{
	int status;
	pid_t child;

	(void)state;
	fill();
	child = (pid_t)syscall(SYS_fork);
	if (!child) {
		for (size_t size = 16; size < 3000; size += 16)
			for (size_t i = 0; i < 20; i++)
				must(heap_allocate(size));
		must(shared_below);
		empty();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_childs_new_blocks_lie_on_fresh_pages),
		cmocka_unit_test(a_parents_new_blocks_lie_on_fresh_pages_until_the_child_has_gone),
		cmocka_unit_test(after_a_limit_holes_are_filled_although_the_child_lives),
		cmocka_unit_test(small_processes_go_on_as_before),
		cmocka_unit_test(a_child_of_a_threaded_program_can_allocate),
		cmocka_unit_test(a_child_born_by_a_bare_system_call_is_noticed),
		cmocka_unit_test(a_cancellation_waits_until_a_block_is_there),
	};

	return cmocka_run_group_tests_name("pool_fork", tests, NULL, NULL);
}
