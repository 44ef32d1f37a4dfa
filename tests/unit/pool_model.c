/* SPDX-License-Identifier: MIT */
/*
 * The allocator against a model: blocks of every size, aligned and not, zeroed, resized and freed in random order,
 * by one thread and by eight that free each other's. Each block is filled to its last byte; what stands in it is
 * looked at before it is given up, so that two blocks which overlap are noticed, and a table that is written to by a
 * block.
 *
 * links: alloc/cache.c alloc/canary.c alloc/fault.c alloc/fork.c alloc/heap.c alloc/holes.c alloc/large.c
 * links: alloc/lock.c alloc/metadata.c alloc/options.c alloc/os.c alloc/pagemap.c alloc/pages.c alloc/pool.c
 * links: alloc/quarantine.c alloc/random.c alloc/runs.c alloc/slab.c alloc/statistics.c alloc/text.c
 * sanitize: thread
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc/heap.h"
#include "../../alloc/options.h"
#include "../../alloc/pagepool.h"
#include "random.h"

#define BLOCKS     4000
#define OPERATIONS 200000
#define THREADS    8

struct block {
	unsigned char *at;
	size_t bytes;
	unsigned char fill;
};

/* Faults are counted, for cmocka's assertions belong to the main thread. */
struct model {
	struct random random;
	struct block blocks[BLOCKS];
	uint64_t faults;
	const char *first;
	pthread_t thread;
};

static void expect(struct model *m, bool good, const char *what)
{
	if (!good && !m->faults++)
		m->first = what;
}

/* Most are small, some of whole pages, a few large. */
static size_t any_size(struct random *random)
{
	unsigned percent = (unsigned)random_below(random, 1000);

	if (percent < 800)
		return random_below(random, 600);
	if (percent < 960)
		return random_below(random, 40000);
	if (percent < 998)
		return random_below(random, 300000);
	return random_below(random, 4 << 20);
}

/* Every byte of a small block; of others one in 61, and the last. */
static size_t step(size_t bytes)
{
	return bytes < 2048 ? 1 : 61;
}

static void fill(struct block *block)
{
	for (size_t i = 0; i < block->bytes; i += step(block->bytes))
		block->at[i] = block->fill;
	if (block->bytes)
		block->at[block->bytes - 1] = block->fill;
}

/* Whether the first @kept bytes are as they were filled. */
static bool is_filled(const struct block *block, size_t kept)
{
	for (size_t i = 0; i < kept; i += step(block->bytes))
		if (block->at[i] != block->fill)
			return false;
	return kept < block->bytes || !kept || block->at[kept - 1] == block->fill;
}

static bool is_zero(const struct block *block)
{
	for (size_t i = 0; i < block->bytes; i++)
		if (block->at[i])
			return false;
	return true;
}

static void allocate(struct model *m, struct block *block)
{
	size_t align = 16;

	block->bytes = any_size(&m->random);
	block->fill = (unsigned char)(1 + random_below(&m->random, 255));
	switch (random_below(&m->random, 4)) {
	case 0:
		block->at = heap_allocate_zeroed(1, block->bytes);
		if (block->at)
			expect(m, is_zero(block), "a zeroed block is not zero");
		break;
	case 1:
		align = 16UL << random_below(&m->random, random_percent(&m->random, 95) ? 9 : 18);
		block->at = heap_allocate_aligned(align, block->bytes);
		break;
	default:
		block->at = heap_allocate(block->bytes);
	}
	expect(m, block->at, "no block");
	if (!block->at)
		return;
	expect(m, (uintptr_t)block->at % align == 0, "not aligned");
	expect(m, heap_usable(block->at) >= block->bytes, "smaller than asked for");
	fill(block);
}

static void release(struct model *m, struct block *block)
{
	expect(m, is_filled(block, block->bytes), "something else wrote into a block");
	heap_free(block->at);
	block->at = NULL;
}

static void resize(struct model *m, struct block *block)
{
	size_t bytes = random_percent(&m->random, 50) ? any_size(&m->random) : block->bytes + block->bytes / 8 + 1;
	size_t kept = bytes < block->bytes ? bytes : block->bytes;
	unsigned char *moved;

	expect(m, is_filled(block, block->bytes), "something else wrote into a block");
	moved = heap_resize(block->at, bytes);
	expect(m, moved, "not resized");
	if (!moved)
		return;
	block->at = moved;
	expect(m, is_filled(block, kept), "resizing lost a byte");
	block->bytes = bytes;
	fill(block);
}

static void operate(struct model *m)
{
	struct block *block = &m->blocks[random_below(&m->random, BLOCKS)];

	if (!block->at)
		allocate(m, block);
	else if (random_percent(&m->random, 20))
		resize(m, block);
	else
		release(m, block);
}

static void release_all(struct model *m)
{
	for (struct block *block = m->blocks; block < m->blocks + BLOCKS; block++)
		if (block->at)
			release(m, block);
}

/* One thread */

static struct model model;

static uint64_t live_bytes(void)
{
	static struct pagepool_statistics s;

	pagepool_statistics_1(&s, sizeof(s));
	return s.live_bytes;
}

static void run_alone(struct random random)
{
	uint64_t before = live_bytes();

	memset(&model, 0, sizeof(model));
	model.random = random;
	for (int i = 0; i < OPERATIONS; i++)
		operate(&model);
	release_all(&model);
	if (model.faults)
		fail_msg("%lu faults, the first: %s", model.faults, model.first);
	assert_int_equal(live_bytes(), before);
}

static void random_operations_agree_with_the_model(void **state)
{
	(void)state;
	run_alone((struct random){ FIXED_SEED });
}

static void random_operations_of_another_seed_agree_with_the_model(void **state)
{
	(void)state;
	run_alone(random_of_moment("pool_model"));
}

static void they_agree_with_random_slots_and_cleared_blocks(void **state)
{
	(void)state;
	options.random_slots = true;
	heap_clear_freed(true);
	run_alone((struct random){ FIXED_SEED + 1 });
	heap_clear_freed(false);
	options.random_slots = false;
}

/* Eight threads: a block that is laid onto the table is taken, and freed, by whoever comes by. */

static struct model models[THREADS];
static struct {
	pthread_mutex_t mutex;
	struct block blocks[1000];
} table = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void exchange(struct model *m)
{
	struct block *own = &m->blocks[random_below(&m->random, BLOCKS)];
	struct block *other = &table.blocks[random_below(&m->random, 1000)], laid;

	pthread_mutex_lock(&table.mutex);
	laid = *other;
	*other = *own;
	*own = laid;
	pthread_mutex_unlock(&table.mutex);
}

static void *work(void *argument)
{
	struct model *m = argument;

	for (int i = 0; i < OPERATIONS / 4; i++) {
		operate(m);
		if (i % 3 == 0)
			exchange(m);
		if (i % 20000 == 0)
			heap_trim();
	}
	release_all(m);
	return NULL;
}

static uint64_t seed = FIXED_SEED;

static void threads_that_free_each_others_blocks_agree_with_the_model(void **state)
{
	uint64_t before = live_bytes();

	(void)state;
	seed += THREADS;
	for (int i = 0; i < THREADS; i++) {
		models[i].random.state = seed + (uint64_t)i;
		assert_int_equal(pthread_create(&models[i].thread, NULL, work, &models[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(models[i].thread, NULL);
		if (models[i].faults)
			fail_msg("thread %d: %lu faults, the first: %s", i, models[i].faults, models[i].first);
	}
	for (struct block *block = table.blocks; block < table.blocks + 1000; block++)
		if (block->at)
			release(&models[0], block);
	assert_int_equal(models[0].faults, 0);
	assert_int_equal(live_bytes(), before);
}

/* Threads by the thousand */

static void *short_life(void *argument)
{
	void *blocks[40];

	for (size_t i = 0; i < 40; i++)
		blocks[i] = heap_allocate(16 + i * 50);
	for (size_t i = 1; i < 40; i++)
		heap_free(blocks[i]);
	*(void **)argument = blocks[0];
	return NULL;
}

static void threads_that_come_and_go_leave_no_cache_behind(void **state)
{
	static struct pagepool_statistics s;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		pthread_t thread;
		void *block = NULL;

		assert_int_equal(pthread_create(&thread, NULL, short_life, &block), 0);
		pthread_join(thread, NULL);
		heap_free(block);
	}
	pagepool_statistics_1(&s, sizeof(s));
	assert_int_equal(s.threads, options.canaries ? 0 : 1);
	assert_true(s.table_bytes < 16 << 20);
}

/* The child goes on with all that it inherited, and its parent with the same, at once. */
static void a_fork_and_its_parent_agree_with_the_model(void **state)
{
	int status;
	pid_t child;

	(void)state;
	memset(&model, 0, sizeof(model));
	model.random.state = ++seed;
	for (int i = 0; i < OPERATIONS / 10; i++)
		operate(&model);
	for (int round = 0; round < 5; round++) {
		child = fork();
		model.random.state += child == 0;
		for (int i = 0; i < OPERATIONS / 20; i++)
			operate(&model);
		if (!child) {
			release_all(&model);
			_exit(model.faults != 0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	release_all(&model);
	assert_int_equal(model.faults, 0);
}

/* MODEL_SECONDS=N: all of it again and again, each time from other seeds. */
static void for_as_long_as_it_is_told_all_agree_with_the_model(void **state)
{
	const char *seconds = getenv("MODEL_SECONDS");
	time_t end = time(NULL) + (seconds ? atol(seconds) : 0);
	int rounds = 0;

	seed = random_of_moment("pool_model").state;
	for (; time(NULL) < end; rounds++) {
		run_alone((struct random){ ++seed });
		threads_that_free_each_others_blocks_agree_with_the_model(state);
		a_fork_and_its_parent_agree_with_the_model(state);
	}
	if (seconds)
		printf("# %d rounds\n", rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(random_operations_of_another_seed_agree_with_the_model),
		cmocka_unit_test(they_agree_with_random_slots_and_cleared_blocks),
		cmocka_unit_test(threads_that_free_each_others_blocks_agree_with_the_model),
		cmocka_unit_test(a_fork_and_its_parent_agree_with_the_model),
		cmocka_unit_test(threads_that_come_and_go_leave_no_cache_behind),
		cmocka_unit_test(for_as_long_as_it_is_told_all_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("pool_model", tests, NULL, NULL);
}
