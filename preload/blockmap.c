/* SPDX-License-Identifier: MIT */
/* The cold half of the block map: the root, which is as large as its pages in use, and the mapping of leaves. */
#include "blockmap.h"

#include "ranges.h"
#include "signals.h"

struct blockmap blockmap;

/*
 * The lock is held with signals blocked, so its holder always comes back to release it; a fork while another thread holds it
 * would leave it locked in the child, which is why the child resets it (blockmap_forked).
 */
static void lock(void)
{
	uint32_t tries = 0;

	signals_block();
	while (__atomic_exchange_n(&blockmap.lock, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
}

static uint8_t *map_leaf(void)
{
	uint8_t *leaf = sys_reserve(LEAF_BYTES);

	if (leaf) { /* kept out of core dumps, and by the same flag from merging with the program's mappings */
		sys_call3(SYS_madvise, leaf, LEAF_BYTES, MADV_DONTDUMP);
		ranges_claim_instrument((uint64_t)leaf, (uint64_t)leaf + LEAF_BYTES);
	}
	return leaf;
}

/* Where the address space is limited, one leaf is held ready, for the program may be the one to use up the rest of it. */
static uint8_t *new_leaf(void)
{
	static uint8_t *spare;
	uint8_t *leaf = map_leaf();
	struct rlimit limit;

	if (!leaf) {
		leaf = spare;
		spare = NULL;
	} else if (!spare && !sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_AS, NULL, &limit)) && limit.rlim_cur != RLIM_INFINITY) {
		spare = map_leaf();
	}
	return leaf;
}

uint8_t *blockmap_add_leaf(uint64_t address)
{
	uint64_t key = address >> LEAF_SHIFT;
	uint8_t *leaf;

	if (key >= ROOT_ENTRIES)
		return NULL;
	lock();
	leaf = blockmap.leaf[blockmap.root[key]];
	if (!leaf && blockmap.leaves < LEAVES_MAX - 1) {
		leaf = new_leaf();
		if (leaf) {
			uint32_t index = blockmap.leaves + 1;

			blockmap.leaf[index] = leaf;
			blockmap.key[index] = (uint32_t)key;
			__atomic_store_n(&blockmap.leaves, index, __ATOMIC_RELEASE);
			__atomic_store_n(&blockmap.root[key], (uint16_t)index, __ATOMIC_RELEASE);
		}
	}
	__atomic_store_n(&blockmap.lock, 0, __ATOMIC_RELEASE);
	signals_restore();
	return leaf;
}

void blockmap_lock_for_fork(void)
{
	lock();
}

void blockmap_unlock_after_fork(void)
{
	__atomic_store_n(&blockmap.lock, 0, __ATOMIC_RELEASE);
	signals_restore();
}

void blockmap_forked(void)
{
	blockmap.lock = 0;
}
