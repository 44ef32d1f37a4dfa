/* SPDX-License-Identifier: MIT */
/*
 * A treap of disjoint ranges: a binary search tree by start address, a heap by random priority (Seidel and Aragon, "Randomized
 * Search Trees", 1996). Depth is logarithmic whatever order the addresses come in, which matters to the program that maps 100,000
 * times; splitting and merging are all that is needed to overwrite or drop an interval.
 */
#include "ranges.h"

#include <string.h>

#include "signals.h"

static struct range embedded[RANGES_EMBEDDED] = { { .start = 1, .end = RANGES_EMBEDDED } };
static struct range *nodes = embedded;
static uint32_t locked;
static uint32_t random_state = 2463534242U;
static uint64_t lost;

__thread struct signals this_signals;

static void lock(void)
{
	uint32_t tries = 0;

	signals_block();
	while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
}

static void unlock(void)
{
	__atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
	signals_restore();
}

/* Doubles the array. The old one stays mapped: a ledger may be reading it. */
static bool grow(void)
{
	uint64_t room = nodes[0].end * 2;
	struct range *larger = sys_reserve(room * sizeof(*larger));

	if (!larger)
		return false;
	sys_call3(SYS_madvise, larger, page_up(room * sizeof(*larger)), MADV_DONTDUMP);
	memcpy(larger, nodes, nodes[0].start * sizeof(*nodes));
	nodes = larger;
	nodes[0].end = room;
	return true;
}

static uint32_t new_node(uint64_t start, uint64_t end, uint32_t kind, uint64_t tag)
{
	uint32_t index = nodes[0].right;

	if (index)
		nodes[0].right = nodes[index].right;
	else
		index = (uint32_t)nodes[0].start++;
	random_state ^= random_state << 13; /* Marsaglia, "Xorshift RNGs", 2003 */
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	nodes[index] = (struct range){ start, end, tag, kind, 0, 0, random_state };
	return index;
}

static void free_node(uint32_t index)
{
	nodes[index].kind = RANGE_FREE;
	nodes[index].right = nodes[0].right;
	nodes[0].right = index;
}

static void free_tree(uint32_t index)
{
	if (!index)
		return;
	free_tree(nodes[index].left);
	free_tree(nodes[index].right);
	free_node(index);
}

/* Splits a tree into those that start below an address and the others. */
static void split(uint32_t tree, uint64_t address, uint32_t *below, uint32_t *others)
{
	if (!tree) {
		*below = *others = 0;
	} else if (nodes[tree].start < address) {
		split(nodes[tree].right, address, &nodes[tree].right, others);
		*below = tree;
	} else {
		split(nodes[tree].left, address, below, &nodes[tree].left);
		*others = tree;
	}
}

static uint32_t merge(uint32_t low, uint32_t high)
{
	if (!low || !high)
		return low ? low : high;
	if (nodes[low].priority > nodes[high].priority) {
		nodes[low].right = merge(nodes[low].right, high);
		return low;
	}
	nodes[high].left = merge(low, nodes[high].left);
	return high;
}

static uint32_t last_of(uint32_t tree)
{
	while (tree && nodes[tree].right)
		tree = nodes[tree].right;
	return tree;
}

static uint32_t first_of(uint32_t tree)
{
	while (tree && nodes[tree].left)
		tree = nodes[tree].left;
	return tree;
}

/* Takes [start, end) out of the set and leaves what was below and above it. At most two new nodes' worth of room is needed. */
static void cut(uint64_t start, uint64_t end, uint32_t *below, uint32_t *above)
{
	uint32_t middle, last;

	split(nodes[0].left, start, below, &middle);
	split(middle, end, &middle, above);
	last = last_of(middle);
	if (last && nodes[last].end > end)
		*above = merge(new_node(end, nodes[last].end, nodes[last].kind, nodes[last].tag), *above);
	free_tree(middle);
	last = last_of(*below);
	if (last && nodes[last].end > start) {
		if (nodes[last].end > end)
			*above = merge(new_node(end, nodes[last].end, nodes[last].kind, nodes[last].tag), *above);
		nodes[last].end = start;
	}
}

/* Enters or, with RANGE_FREE, only clears [start, end). */
static void assign(uint64_t start, uint64_t end, enum range_kind kind, uint64_t tag)
{
	uint32_t below, above, neighbour;

	if (start >= end)
		return;
	if (nodes[0].start + 3 > nodes[0].end && !grow() && nodes[0].start + 3 > nodes[0].end) {
		lost++;
		return;
	}
	cut(start, end, &below, &above);
	if (kind != RANGE_FREE) {
		neighbour = last_of(below);
		if (neighbour && nodes[neighbour].end == start && nodes[neighbour].kind == kind && nodes[neighbour].tag == tag) {
			start = nodes[neighbour].start;
			split(below, start, &below, &neighbour);
			free_tree(neighbour);
		}
		neighbour = first_of(above);
		if (neighbour && nodes[neighbour].start == end && nodes[neighbour].kind == kind && nodes[neighbour].tag == tag) {
			end = nodes[neighbour].end;
			split(above, nodes[neighbour].start + 1, &neighbour, &above);
			free_tree(neighbour);
		}
		below = merge(below, new_node(start, end, kind, tag));
	}
	nodes[0].left = merge(below, above);
}

static void change(uint64_t start, uint64_t end, enum range_kind kind, uint64_t tag)
{
	const struct range *before;

	lock();
	before = nodes;
	assign(page_down(start), page_up(end), kind, tag);
	if (nodes != before) /* the grown array is the instrument's own memory */
		assign((uint64_t)nodes, page_up((uint64_t)(nodes + nodes[0].end)), RANGE_INSTRUMENT, 0);
	unlock();
}

void ranges_claim(uint64_t start, uint64_t end, enum range_kind kind, uint64_t tag)
{
	change(start, end, kind, tag);
}

void ranges_drop(uint64_t start, uint64_t end)
{
	change(start, end, RANGE_FREE, 0);
}

bool ranges_find(uint64_t address, struct range *range)
{
	uint32_t index, found = 0;

	lock();
	index = nodes[0].left;
	while (index) {
		if (nodes[index].end > address) {
			found = index;
			index = nodes[index].left;
		} else {
			index = nodes[index].right;
		}
	}
	*range = nodes[found];
	unlock();
	return found != 0;
}

uint64_t ranges_lost(void)
{
	return lost;
}

void ranges_lock_for_fork(void)
{
	lock();
}

void ranges_unlock_after_fork(void)
{
	unlock();
}

void ranges_forked(void)
{
	lost += locked; /* whoever held it was in the middle of a change that the child will never see finished */
	locked = 0;
}

uint64_t ranges_address(void)
{
	return (uint64_t)&nodes;
}
