/* SPDX-License-Identifier: MIT */
/*
 * The block map: what is entered is found again, whatever its size, and nothing else is. Every size at the borders of
 * the encodings alone, then long random runs against a model that knows for each 8 bytes of two windows which block
 * owns them. The addresses are made up: the map never looks at the memory that it describes.
 *
 * links: preload/blockmap.c preload/ranges.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/blockmap.h"
#include "random.h"

#define KIB      (1UL << 10)
#define MIB      (1UL << 20)
#define GIB      (1UL << 30)
#define LEAF_SPAN (1UL << LEAF_SHIFT)
#define PLACE    0x100000000000UL       /* multiple of a leaf's span */

static const uint64_t border_sizes[] = {
	128 * KIB - 8, 128 * KIB, 128 * KIB + 8, 16 * MIB - 16, 16 * MIB - 8, 16 * MIB, 16 * MIB + 8,
	LEAF_SPAN - 8, LEAF_SPAN, LEAF_SPAN + 8, GIB, 4 * GIB - 8, 4 * GIB, 4 * GIB + 8,
	1UL << 40, (1UL << 40) + 8, (1UL << 46) + 8, (1UL << 47) - 8,
};

static uint64_t granules_of(uint64_t usable)
{
	return (usable + 15) / 16;
}

static const uint8_t *map_byte(uint64_t address)
{
	return blockmap_leaf(address) + blockmap_granule(address);
}

static void assert_block(uint64_t address, uint64_t requested, uint64_t usable)
{
	struct block block;

	if (!blockmap_find(address, &block))
		fail_msg("no block found at %#lx: %lu of %lu bytes expected", address, requested, usable);
	if (block.address != address || block.requested != requested || block.usable != usable)
		fail_msg("%lu of %lu bytes at %#lx were read back as %lu of %lu at %#lx", requested, usable, address,
			 block.requested, block.usable, block.address);
}

static void assert_no_block(uint64_t address)
{
	struct block block;

	if (blockmap_find(address, &block))
		fail_msg("a block of %lu of %lu bytes found at %#lx, where none starts", block.requested, block.usable,
			 address);
}

static void enter(uint64_t address, uint64_t requested, uint64_t usable)
{
	if (!blockmap_set(address, requested, usable))
		fail_msg("%lu of %lu bytes at %#lx were refused", requested, usable, address);
}

static void take_out(uint64_t address)
{
	struct block block;
	uint8_t *byte = blockmap_find(address, &block);

	if (!byte)
		fail_msg("no block to erase at %#lx", address);
	blockmap_erase(byte, &block);
}

/* Enters a block between two neighbours, looks at everything around it, and takes it out again. */
static void try_size(uint64_t address, uint64_t requested, uint64_t usable)
{
	uint64_t behind = address + granules_of(usable) * 16;

	enter(address, requested, usable);
	assert_block(address, requested, usable);
	assert_block(address - 16, 5, 16);
	if (usable < LEAF_SPAN)
		assert_block(behind, 11, 16);
	for (uint64_t at = address + 8; at < behind && at < address + 256; at += 8)
		assert_no_block(at);
	take_out(address);
	for (uint64_t at = address; at < behind && at < address + 256; at += 8) {
		assert_no_block(at);
		assert_int_equal(*map_byte(at), 0);
	}
}

/* The same of a block that is marked. */
static void try_marked(uint64_t address, uint64_t requested, uint64_t usable)
{
	uint64_t behind = address + granules_of(usable) * 16;
	const struct block block = { address, requested, usable };
	uint8_t *byte = (uint8_t *)map_byte(address);

	enter(address, requested, usable);
	assert_int_equal(blockmap_mark(byte, &block), usable > 16 && usable < 1UL << 45);
	assert_int_equal(*byte == CODE_MARKED, usable > 16 && usable < 1UL << 45);
	assert_block(address, requested, usable);
	assert_block(address - 16, 5, 16);
	if (usable < LEAF_SPAN)
		assert_block(behind, 11, 16);
	for (uint64_t at = address + 8; at < behind && at < address + 256; at += 8)
		assert_no_block(at);
	take_out(address);
	for (uint64_t at = address; at < behind && at < address + 256; at += 8)
		assert_int_equal(*map_byte(at), 0);
}

static void between_neighbours(uint64_t address, uint64_t usable, void (*try)(uint64_t, uint64_t))
{
	uint64_t behind = address + granules_of(usable) * 16;

	enter(address - 16, 5, 16);
	if (usable < LEAF_SPAN)
		enter(behind, 11, 16);
	try(address, usable);
	take_out(address - 16);
	if (usable < LEAF_SPAN)
		take_out(behind);
}

static void try_all_requests(uint64_t address, uint64_t usable)
{
	for (uint64_t requested = 0; requested <= usable; requested++) {
		try_size(address, requested, usable);
		try_marked(address, requested, usable);
	}
}

static void try_some_requests(uint64_t address, uint64_t usable)
{
	struct random random = { usable };

	for (uint64_t bit = 1; bit <= usable; bit <<= 1) {
		try_size(address, bit - 1, usable);
		try_size(address, bit, usable);
		try_size(address, usable - bit, usable);
		try_marked(address, bit - 1, usable);
		try_marked(address, usable - bit, usable);
	}
	for (uint64_t slack = 126; slack <= 129 && slack <= usable; slack++)
		try_size(address, usable - slack, usable);
	try_size(address, usable, usable);
	for (int i = 0; i < 50; i++) {
		try_size(address, random_below(&random, usable + 1), usable);
		try_marked(address, random_below(&random, usable + 1), usable);
	}
}

static void every_small_size_and_every_request_below_it_is_read_back_marked_or_not(void **state)
{
	(void)state;
	for (uint64_t usable = 16; usable <= 1024; usable += 8)
		between_neighbours(PLACE + 4096, usable, try_all_requests);
}

static void every_size_up_to_the_largest_is_read_back(void **state)
{
	(void)state;
	for (uint64_t usable = 1024; usable < 64 * 1024; usable += 8)
		between_neighbours(PLACE + 4096, usable, try_some_requests);
	for (uint64_t usable = 1UL << 16; usable < 1UL << 47; usable = (usable * 5 / 3) & ~7UL)
		between_neighbours(PLACE + 4096, usable, try_some_requests);
	for (size_t i = 0; i < sizeof(border_sizes) / sizeof(border_sizes[0]); i++)
		between_neighbours(PLACE + 4096, border_sizes[i], try_some_requests);
}

static void a_block_in_the_last_granules_of_a_leaf_leaves_the_next_leaf_alone(void **state)
{
	static const uint64_t usable[] = {
		16, 24, 40, 48, 56, 104, 112, 120, 128, 4096, 128 * KIB, 16 * MIB - 8, 16 * MIB, 4 * GIB,
	};
	const uint64_t border = PLACE + 4 * LEAF_SPAN;

	(void)state;
	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		for (uint64_t back = 1; back <= 16; back++) {
			uint64_t address = border - back * 16, behind = address + granules_of(usable[i]) * 16;

			if (behind < border)
				continue;
			if (behind < border + LEAF_SPAN)
				enter(behind, 3, 16);
			enter(address, usable[i] - 1, usable[i]);
			assert_block(address, usable[i] - 1, usable[i]);
			for (uint64_t at = border; at < behind && at < border + 512; at += 8)
				assert_no_block(at);
			take_out(address);
			if (behind < border + LEAF_SPAN) {
				assert_block(behind, 3, 16);
				take_out(behind);
			}
			for (uint64_t at = 0; at < LEAF_SLOP; at++)
				assert_int_equal(blockmap_leaf(address)[LEAF_GRANULES + at], 0);
		}
	}
}

static void two_blocks_of_eight_bytes_share_a_granule_without_touching_each_other(void **state)
{
	const uint64_t low = PLACE + 512, high = low + 8;

	(void)state;
	for (uint64_t l = 0; l <= 8; l++) {
		for (uint64_t h = 0; h <= 8; h++) {
			for (int order = 0; order < 4; order++) {
				enter(order & 1 ? high : low, order & 1 ? h : l, 8);
				assert_no_block(order & 1 ? low : high);
				enter(order & 1 ? low : high, order & 1 ? l : h, 8);
				assert_block(low, l, 8);
				assert_block(high, h, 8);
				take_out(order & 2 ? high : low);
				assert_no_block(order & 2 ? high : low);
				assert_block(order & 2 ? low : high, order & 2 ? l : h, 8);
				take_out(order & 2 ? low : high);
				assert_int_equal(*map_byte(low), 0);
			}
		}
	}
}

static void a_block_that_no_known_allocator_hands_out_is_refused(void **state)
{
	(void)state;
	assert_false(blockmap_set(PLACE + 8, 20, 24));
	assert_false(blockmap_set(PLACE + 24, 1 << 20, 1 << 20));
	assert_no_block(PLACE + 8);
	assert_no_block(PLACE + 24);
	assert_false(blockmap_set(1UL << 47, 20, 24)); /* above user memory, and no leaf at its likeness below */
	assert_false(blockmap_set(~15UL, 20, 24));
}

static void an_address_without_a_leaf_has_no_block(void **state)
{
	uint32_t leaves = blockmap.leaves;

	(void)state;
	assert_no_block(0);
	assert_no_block(16);
	assert_no_block(0x7fffffffeff0UL);
	assert_int_equal(blockmap.leaves, leaves);
}

static void the_lowest_and_the_highest_user_address_have_room(void **state)
{
	(void)state;
	enter(0x10000, 7, 24);
	enter(0x7fffffffefe0UL, 9, 16);
	assert_block(0x10000, 7, 24);
	assert_block(0x7fffffffefe0UL, 9, 16);
	take_out(0x10000);
	take_out(0x7fffffffefe0UL);
}

static void without_memory_for_a_leaf_a_block_is_refused_and_later_ones_are_not(void **state)
{
	const uint64_t address = PLACE + 1000 * LEAF_SPAN;
	struct rlimit limit, none;
	bool entered;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	none = limit;
	none.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	entered = blockmap_set(address, 100, 104);
	setrlimit(RLIMIT_AS, &limit);
	assert_false(entered);
	assert_no_block(address);
	enter(address, 100, 104);
	assert_block(address, 100, 104);
	take_out(address);
}

/* The model */

#define WINDOW_BYTES (1UL << 19)
#define SLOTS        (WINDOW_BYTES / 8)
#define BLOCKS_MAX   (2 * SLOTS)

struct model {
	struct random random;
	uint64_t base[2];               /* of the windows; a leaf's border lies in the middle of each */
	uint32_t owner[2][SLOTS];       /* index into blocks + 1, 0: none; blocks above 8 bytes own whole granules */
	struct block blocks[BLOCKS_MAX];
	uint32_t unused[BLOCKS_MAX], unused_count;
	uint64_t entered, erased;
};

static struct model model;

/* Sizes near the borders of the encodings are as likely as all others together. */
static uint64_t any_usable(struct model *m)
{
	static const uint64_t borders[] = {
		8, 8, 16, 24, 32, 40, 48, 56, 64, 96, 104, 112, 120, 128, 4096, 128 * KIB - 8, 128 * KIB, 16 * MIB,
	};

	if (random_percent(&m->random, 50))
		return borders[random_below(&m->random, sizeof(borders) / sizeof(borders[0]))];
	return 8 + 8 * random_below(&m->random, random_percent(&m->random, 90) ? 40 : 8192);
}

static uint64_t any_request(struct model *m, uint64_t usable)
{
	switch (random_below(&m->random, 5)) {
	case 0:
		return usable;
	case 1:
		return 0;
	case 3:
		return usable - min_u64(usable, 125 + random_below(&m->random, 6));
	case 2:
		return usable - random_below(&m->random, 9 < usable ? 9 : usable);
	default:
		return random_below(&m->random, usable + 1);
	}
}

/* Enters a block at a free slot, of what size fits there; the last block of a window may be as long as it likes. */
static void model_enter(struct model *m, int window, uint64_t slot)
{
	uint64_t usable = any_usable(m), requested, last, address;
	uint32_t index;

	if (usable > 8)
		slot &= ~1UL;
	last = slot + (usable > 8 ? 2 * granules_of(usable) : 1);
	for (uint64_t s = slot; s < last && s < SLOTS; s++)
		if (m->owner[window][s])
			return;
	requested = any_request(m, usable);
	address = m->base[window] + slot * 8;
	enter(address, requested, usable);
	assert_block(address, requested, usable);
	index = m->unused[--m->unused_count];
	m->blocks[index] = (struct block){ address, requested, usable };
	for (uint64_t s = slot; s < last && s < SLOTS; s++)
		m->owner[window][s] = index + 1;
	m->entered++;
}

static void model_erase(struct model *m, int window, uint64_t slot)
{
	uint32_t index = m->owner[window][slot] - 1;
	const struct block *block = &m->blocks[index];

	assert_block(block->address, block->requested, block->usable);
	take_out(block->address);
	assert_no_block(block->address);
	for (uint64_t s = (block->address - m->base[window]) / 8; s < SLOTS && m->owner[window][s] == index + 1; s++)
		m->owner[window][s] = 0;
	m->unused[m->unused_count++] = index;
	m->erased++;
}

static void check_slot(const struct model *m, int window, uint64_t slot)
{
	uint64_t address = m->base[window] + slot * 8;
	uint32_t owner = m->owner[window][slot];

	if (owner && m->blocks[owner - 1].address == address)
		assert_block(address, m->blocks[owner - 1].requested, m->blocks[owner - 1].usable);
	else
		assert_no_block(address);
}

/* All slots; and no byte has its top bit set but those of granules in which a block starts. */
static void check_all(const struct model *m)
{
	for (int window = 0; window < 2; window++) {
		for (uint64_t slot = 0; slot < SLOTS; slot++)
			check_slot(m, window, slot);
		for (uint64_t slot = 0; slot < SLOTS; slot += 2) {
			uint64_t address = m->base[window] + slot * 8;
			uint32_t low = m->owner[window][slot], high = m->owner[window][slot + 1];
			bool starts = (low && m->blocks[low - 1].address == address) ||
				      (high && m->blocks[high - 1].address == address + 8);

			if (starts != (*map_byte(address) >= 0x80))
				fail_msg("the byte %#x at %#lx is wrong about a start", *map_byte(address), address);
		}
	}
}

static void run_model(struct random random)
{
	struct model *m = &model;

	memset(m, 0, sizeof(*m));
	m->random = random;
	for (m->unused_count = 0; m->unused_count < BLOCKS_MAX; m->unused_count++)
		m->unused[m->unused_count] = m->unused_count;
	for (int window = 0; window < 2; window++) {
		m->base[window] = PLACE + (10UL + 2UL * (uint64_t)window) * LEAF_SPAN - WINDOW_BYTES / 2;
		blockmap_add_leaf(m->base[window]);
		blockmap_add_leaf(m->base[window] + WINDOW_BYTES - 1);
	}
	for (int i = 0; i < 600000; i++) {
		int window = (int)random_below(&m->random, 2);
		uint64_t slot = random_below(&m->random, SLOTS);

		if (m->owner[window][slot])
			model_erase(m, window, slot);
		else
			model_enter(m, window, slot);
		check_slot(m, window, random_below(&m->random, SLOTS));
		if (i % 100000 == 0)
			check_all(m);
	}
	check_all(m);
	assert_true(m->entered > 100000 && m->erased > 100000);
	for (int window = 0; window < 2; window++)
		for (uint64_t slot = 0; slot < SLOTS; slot++)
			if (m->owner[window][slot])
				model_erase(m, window, slot);
	check_all(m);
	for (int window = 0; window < 2; window++)
		for (uint64_t slot = 0; slot < SLOTS; slot += 2)
			assert_int_equal(*map_byte(m->base[window] + slot * 8), 0);
}

static void random_operations_agree_with_the_model(void **state)
{
	(void)state;
	run_model((struct random){ FIXED_SEED });
}

static void random_operations_of_another_seed_agree_with_the_model(void **state)
{
	(void)state;
	run_model(random_of_moment("blockmap"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_without_a_leaf_has_no_block),
		cmocka_unit_test(a_block_that_no_known_allocator_hands_out_is_refused),
		cmocka_unit_test(every_small_size_and_every_request_below_it_is_read_back_marked_or_not),
		cmocka_unit_test(every_size_up_to_the_largest_is_read_back),
		cmocka_unit_test(a_block_in_the_last_granules_of_a_leaf_leaves_the_next_leaf_alone),
		cmocka_unit_test(two_blocks_of_eight_bytes_share_a_granule_without_touching_each_other),
		cmocka_unit_test(the_lowest_and_the_highest_user_address_have_room),
		cmocka_unit_test(without_memory_for_a_leaf_a_block_is_refused_and_later_ones_are_not),
		cmocka_unit_test(random_operations_agree_with_the_model),
		cmocka_unit_test(random_operations_of_another_seed_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("blockmap", tests, NULL, NULL);
}
