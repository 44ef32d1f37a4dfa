/* SPDX-License-Identifier: MIT */
/* A hash table with an entry for each 2 MiB of addresses that have anything in them. */
#include "fault_pages.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define PAGE_SHIFT  12
#define CHUNK_SHIFT 21                  /* a page of page table, and a transparent huge page */
#define WORDS       8                   /* of 64 pages each */
#define CHUNKS_MOST 32768               /* 64 GiB of memory that is touched all over; 9 MiB here */

struct chunk {
	uint64_t key;                   /* address >> CHUNK_SHIFT, plus 1; 0: unused */
	uint64_t forks;                 /* of the image, when this was last brought up to date */
	uint64_t read[WORDS], read_before[WORDS], written[WORDS], shared[WORDS]; /* a page is in one of them at most */
	uint64_t again[WORDS];          /* was brought in again once */
};

struct fault_pages {
	struct chunk *chunks;
	size_t used, room;              /* the latter a power of two */
	size_t last;                    /* most faults are near the one before */
	uint64_t forks;
	uint32_t holders;
	bool reads_own, cut;
};

struct fault_pages *fault_pages_new(bool reads_own)
{
	struct fault_pages *pages = memory_get(sizeof(*pages));

	pages->reads_own = reads_own;
	pages->holders = 1;
	pages->room = 16;
	pages->chunks = memory_get(pages->room * sizeof(pages->chunks[0]));
	return pages;
}

struct fault_pages *fault_pages_share(struct fault_pages *pages)
{
	pages->holders++;
	return pages;
}

void fault_pages_drop(struct fault_pages *pages)
{
	if (--pages->holders)
		return;
	free(pages->chunks);
	free(pages);
}

static void own(struct fault_pages **pages)
{
	struct fault_pages *shared = *pages, *copy;

	if (shared->holders == 1)
		return;
	copy = memory_get(sizeof(*copy));
	*copy = *shared;
	copy->holders = 1;
	copy->chunks = memory_get(copy->room * sizeof(copy->chunks[0]));
	memcpy(copy->chunks, shared->chunks, copy->room * sizeof(copy->chunks[0]));
	shared->holders--;
	*pages = copy;
}

/* Where a key is, or would be. */
static size_t place_of(const struct chunk *chunks, size_t room, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15ULL >> 32) & (room - 1);

	while (chunks[at].key && chunks[at].key != key)
		at = (at + 1) & (room - 1);
	return at;
}

static void grow(struct fault_pages *pages)
{
	size_t room = pages->room * 2;
	struct chunk *chunks = memory_get(room * sizeof(chunks[0]));

	for (size_t i = 0; i < pages->room; i++)
		if (pages->chunks[i].key)
			chunks[place_of(chunks, room, pages->chunks[i].key)] = pages->chunks[i];
	free(pages->chunks);
	pages->chunks = chunks;
	pages->room = room;
}

static struct chunk *chunk_of(struct fault_pages *pages, uint64_t address)
{
	uint64_t key = (address >> CHUNK_SHIFT) + 1;

	if (pages->last < pages->room && pages->chunks[pages->last].key == key)
		return &pages->chunks[pages->last];
	pages->last = place_of(pages->chunks, pages->room, key);
	if (!pages->chunks[pages->last].key) {
		if (pages->used == CHUNKS_MOST) {
			pages->cut = true;
			return NULL;
		}
		if (2 * pages->used >= pages->room) {
			grow(pages);
			pages->last = place_of(pages->chunks, pages->room, key);
		}
		pages->used++;
		pages->chunks[pages->last].key = key;
		pages->chunks[pages->last].forks = pages->forks;
	}
	return &pages->chunks[pages->last];
}

static void bring_up_to_date(struct chunk *chunk, uint64_t forks)
{
	if (chunk->forks == forks)
		return;
	chunk->forks = forks;
	for (size_t i = 0; i < WORDS; i++) {
		chunk->shared[i] |= chunk->written[i];
		chunk->read_before[i] |= chunk->read[i];
		chunk->written[i] = chunk->read[i] = 0;
	}
}

/* The pages of a mask of one word. */
static struct fault_page note_word(struct chunk *chunk, size_t word, uint64_t mask, enum fault_access access, bool reads_own)
{
	uint64_t before = chunk->written[word] | (access == ACCESS_READ || reads_own ? chunk->read[word] : 0);
	uint64_t fresh = before & mask & ~chunk->again[word];
	struct fault_page page = { .fresh = (uint32_t)__builtin_popcountll(fresh) };

	page.seen = chunk->written[word] & mask ? SEEN_WRITTEN : chunk->shared[word] & mask ? SEEN_SHARED :
		    chunk->read[word] & mask ? SEEN_READ : chunk->read_before[word] & mask ? SEEN_READ_BEFORE : SEEN_NEVER;
	if (access == ACCESS_UNKNOWN && page.seen != SEEN_NEVER)
		return page;
	chunk->again[word] |= fresh;
	chunk->read[word] &= ~mask;
	chunk->read_before[word] &= ~mask;
	chunk->written[word] &= ~mask;
	chunk->shared[word] &= ~mask;
	(access == ACCESS_WRITE ? chunk->written : chunk->read)[word] |= mask;
	return page;
}

struct fault_page fault_pages_note(struct fault_pages **pages, uint64_t address, uint64_t bytes, enum fault_access access)
{
	size_t at = (address >> PAGE_SHIFT) & (WORDS * 64 - 1);
	struct fault_page page, sum = { SEEN_NEVER, 0 };
	struct chunk *chunk;

	own(pages);
	chunk = chunk_of(*pages, address);
	if (!chunk)
		return (struct fault_page){ SEEN_UNKNOWN, 0 };
	bring_up_to_date(chunk, (*pages)->forks);
	if (bytes >> CHUNK_SHIFT == 0)
		return note_word(chunk, at / 64, 1ULL << at % 64, access, (*pages)->reads_own);
	for (size_t word = 0; word < WORDS; word++) {
		page = note_word(chunk, word, UINT64_MAX, access, (*pages)->reads_own);
		sum.fresh += page.fresh;
		if (page.seen == SEEN_SHARED || (page.seen != SEEN_NEVER && sum.seen != SEEN_SHARED))
			sum.seen = page.seen;
	}
	return sum;
}

enum fault_seen fault_pages_seen(const struct fault_pages *pages, uint64_t address)
{
	const struct chunk *chunk = &pages->chunks[place_of(pages->chunks, pages->room, (address >> CHUNK_SHIFT) + 1)];
	size_t at = (address >> PAGE_SHIFT) & (WORDS * 64 - 1), word = at / 64;
	uint64_t mask = 1ULL << at % 64;

	if (!chunk->key)
		return pages->cut ? SEEN_UNKNOWN : SEEN_NEVER;
	if (chunk->written[word] & mask)
		return chunk->forks == pages->forks ? SEEN_WRITTEN : SEEN_SHARED;
	return chunk->shared[word] & mask ? SEEN_SHARED : (chunk->read[word] | chunk->read_before[word]) & mask ? SEEN_READ : SEEN_NEVER;
}

void fault_pages_forked(struct fault_pages **pages)
{
	own(pages);
	(*pages)->forks++;
}

bool fault_pages_cut(const struct fault_pages *pages)
{
	return pages->cut;
}
