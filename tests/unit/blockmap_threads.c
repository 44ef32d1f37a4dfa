/* SPDX-License-Identifier: MIT */
/*
 * The block map without a lock: threads that own neighbouring blocks, also the two halves of one granule, never disturb
 * each other, and a block that goes from thread to thread is known to its new owner. Pieces of the address space lie
 * side by side in one leaf, so that a store which is too wide hits another thread's bytes; a piece is owned by the
 * thread that has taken its ticket.
 *
 * links: preload/blockmap.c preload/ranges.c preload/sandbox.c preload/kept.c
 * sanitize: thread
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/blockmap.h"
#include "random.h"

#define THREADS 4
#define PLACE   0x200000000000UL

/* A piece of the address space that holds one block or none; whoever has its ticket owns it. */
struct piece {
	uint64_t address, room;         /* bytes; room 8: half a granule */
	uint64_t requested, usable;     /* of the block in it; usable 0: none */
};

#define PIECES 4096
static struct piece pieces[PIECES];
static struct piece *tickets[PIECES];   /* NULL while a thread has it */
static pthread_barrier_t barrier;

/* cmocka's assertions belong to the main thread: what the others saw is asserted after they were joined. */
struct worker {
	pthread_t thread;
	struct random random;
	int number, operations;
	uint64_t entered, erased, faults;
	struct piece bad;               /* the first fault */
	struct block found;
};

static void check_piece(struct worker *w, const struct piece *piece, bool found, const struct block *block)
{
	bool good = piece->usable ? found && block->address == piece->address && block->requested == piece->requested &&
				    block->usable == piece->usable : !found;

	if (!good && !w->faults++) {
		w->bad = *piece;
		w->found = *block;
	}
}

/* What its owner does with a piece: looks whether all is as the last owner left it, then changes it. */
static void work_on(struct worker *w, struct piece *piece)
{
	struct block block = { 0 };
	uint8_t *byte = blockmap_find(piece->address, &block);

	check_piece(w, piece, byte != NULL, &block);
	if (piece->usable) {
		if (byte)
			blockmap_erase(byte, &block);
		piece->usable = 0;
		w->erased++;
	} else {
		piece->usable = piece->room == 8 ? 8 : 16 + 8 * random_below(&w->random, (piece->room - 8) / 8);
		piece->requested = random_below(&w->random, piece->usable + 1);
		if (!blockmap_set(piece->address, piece->requested, piece->usable))
			w->faults++;
		w->entered++;
	}
}

static void *pass_pieces_around(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < w->operations; i++) {
		struct piece **place = &tickets[random_below(&w->random, PIECES)];
		struct piece *piece = __atomic_exchange_n(place, NULL, __ATOMIC_ACQUIRE);

		if (!piece)
			continue;
		work_on(w, piece);
		__atomic_store_n(place, piece, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void *use_own_pieces(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < w->operations; i++)
		work_on(w, &pieces[random_below(&w->random, PIECES / THREADS) * THREADS + (uint64_t)w->number]);
	return NULL;
}

/* All threads use the same few granules, each thread one half of each. */
static void *use_own_half(void *argument)
{
	struct worker *w = argument;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < w->operations; i++)
		work_on(w, &pieces[random_below(&w->random, 4) * 2 + (uint64_t)w->number]);
	return NULL;
}

/* Threads that come to many leaves at the same time, a block in each for every thread. */
static void *come_to_new_leaves(void *argument)
{
	struct worker *w = argument;

	for (uint64_t leaf = 0; leaf < 64; leaf++) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < 2; i++) {
			uint64_t place = PLACE + ((1000 + leaf) << LEAF_SHIFT);
			struct piece piece = { place + (uint64_t)w->number * 64, 64, 0, 0 };

			work_on(w, &piece);
			work_on(w, &piece);
		}
	}
	return NULL;
}

static void run_threads(int threads, int operations, struct random random, void *(*work)(void *))
{
	struct worker workers[THREADS];

	memset(workers, 0, sizeof(workers));
	pthread_barrier_init(&barrier, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		workers[i].random = (struct random){ random_next(&random) };
		workers[i].number = i;
		workers[i].operations = operations;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < threads; i++) {
		const struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		if (w->faults)
			fail_msg("thread %d: %lu faults, the first: %lu of %lu bytes at %#lx (usable 0: none) were "
				 "found as %lu of %lu",
				 i, w->faults, w->bad.requested, w->bad.usable, w->bad.address, w->found.requested,
				 w->found.usable);
		assert_true(w->entered >= 64 && w->erased >= 64);
	}
	pthread_barrier_destroy(&barrier);
}

/* Pieces of all kinds side by side; @halves: 8-byte ones alone. */
static void lay_pieces(struct random *random, uint64_t place, bool halves)
{
	static const uint64_t rooms[] = { 8, 16, 32, 48, 64, 112, 128, 144, 1024 };
	uint64_t address = place;

	for (int i = 0; i < PIECES; i++) {
		uint64_t room = halves ? 8 : rooms[random_below(random, sizeof(rooms) / sizeof(rooms[0]))];

		if (room > 8)
			address = (address + 15) & ~15UL;
		pieces[i] = (struct piece){ address, room, 0, 0 };
		tickets[i] = &pieces[i];
		address += room;
	}
}

/* Afterwards the map says of every piece what its last owner knows; it is emptied. */
static void check_and_clear_pieces(void)
{
	for (int i = 0; i < PIECES; i++) {
		struct block block;
		uint8_t *byte = blockmap_find(pieces[i].address, &block);

		assert_int_equal(byte != NULL, pieces[i].usable != 0);
		if (!byte)
			continue;
		assert_int_equal(block.requested, pieces[i].requested);
		assert_int_equal(block.usable, pieces[i].usable);
		blockmap_erase(byte, &block);
		pieces[i].usable = 0;
	}
}

static void threads_with_neighbouring_blocks_leave_each_other_alone(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	lay_pieces(&random, PLACE, false);
	run_threads(THREADS, 200000, random, use_own_pieces);
	check_and_clear_pieces();
}

static void a_block_is_known_to_the_thread_that_it_is_handed_to(void **state)
{
	struct random random = random_of_moment("blockmap_threads");

	(void)state;
	lay_pieces(&random, PLACE + (2UL << LEAF_SHIFT), false);
	run_threads(THREADS, 200000, random, pass_pieces_around);
	check_and_clear_pieces();
}

static void two_threads_own_the_halves_of_one_granule(void **state)
{
	struct random random = { FIXED_SEED };

	(void)state;
	lay_pieces(&random, PLACE + (4UL << LEAF_SHIFT), true);
	run_threads(2, 300000, random, use_own_half);
	check_and_clear_pieces();
}

static void threads_that_need_the_same_new_leaf_get_one_between_them(void **state)
{
	uint32_t before = blockmap.leaves;

	(void)state;
	run_threads(THREADS, 0, (struct random){ FIXED_SEED }, come_to_new_leaves);
	assert_int_equal(blockmap.leaves - before, 64);
	for (uint32_t i = before + 1; i <= blockmap.leaves; i++)
		assert_int_equal(blockmap.root[blockmap.key[i]], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_with_neighbouring_blocks_leave_each_other_alone),
		cmocka_unit_test(a_block_is_known_to_the_thread_that_it_is_handed_to),
		cmocka_unit_test(two_threads_own_the_halves_of_one_granule),
		cmocka_unit_test(threads_that_need_the_same_new_leaf_get_one_between_them),
	};

	return cmocka_run_group_tests_name("blockmap_threads", tests, NULL, NULL);
}
