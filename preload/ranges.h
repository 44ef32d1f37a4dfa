/* SPDX-License-Identifier: MIT */
/*
 * Whose mapping is it: a set of disjoint address ranges, each with the evidence for its row of the ledger. The wrappers of mmap and
 * its relatives enter what the program and its allocator map; the instrument enters itself and the loader's mappings found at start.
 * What libc maps for itself (glibc's arenas and chunks, the break, thread stacks) is not here: the ledger finds it by other means.
 *
 * Kept as a treap in one array, so that a process outside can copy it in one read and walk the copy.
 */
#ifndef PAGEGAP_RANGES_H
#define PAGEGAP_RANGES_H

#include <stdbool.h>
#include <stdint.h>

enum range_kind {
	RANGE_FREE,             /* no range: an unused node */
	RANGE_OWN_ANON,         /* private anonymous memory that the program mapped */
	RANGE_OWN_FILE,         /* a file or shared memory that the program mapped */
	RANGE_ALLOCATOR,        /* mapped inside an allocator call, or by the object that defines malloc */
	RANGE_INSTRUMENT,
	RANGE_LOADER,           /* there before any code of the program ran */
	RANGE_KINDS
};

struct range {
	uint64_t start, end;    /* addresses, page-aligned, end excluded */
	uint64_t tag;           /* neighbours with different tags are kept apart */
	uint32_t kind;          /* enum range_kind */
	uint32_t left, right;   /* nodes, 0: none */
	uint32_t priority;
};

/* Node 0 is the head: start: nodes in use including the head, end: nodes there is room for, left: root, right: first unused node. */
#define RANGES_EMBEDDED 96

/* All of these may be called by any thread at any time, signal handlers included; they block signals while they hold the lock. */
void ranges_claim(uint64_t start, uint64_t end, enum range_kind kind, uint64_t tag);
void ranges_drop(uint64_t start, uint64_t end);

/* The range that holds @address, or the first one above it. False: none. */
bool ranges_find(uint64_t address, struct range *range);

/* For the instrument's own memory; works before anything else does. */
static inline void ranges_claim_instrument(uint64_t start, uint64_t end)
{
	ranges_claim(start, end, RANGE_INSTRUMENT, 0);
}

/* Ranges that could not be entered for want of memory. */
uint64_t ranges_lost(void);

/* Around a fork, so that the child finds the set whole; ranges_forked is for a child that was born without them. */
void ranges_lock_for_fork(void);
void ranges_unlock_after_fork(void);
void ranges_forked(void);

/* Address of the pointer to the array of nodes, which moves when it grows; arrays once used are never unmapped. */
uint64_t ranges_address(void);

#endif
