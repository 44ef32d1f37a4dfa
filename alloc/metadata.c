/* SPDX-License-Identifier: MIT */
/* Pieces of the allocator's own memory: one free list per multiple of 16 bytes, and a mapping that is being cut up. */
#include "metadata.h"

#include <stdbool.h>
#include <string.h>

#include "figure.h"
#include "os.h"
#include "sizes.h"

#define UNIT       16
#define BLOCK_MIN  ((size_t)64 << 10)
#define BLOCK_MAX  ((size_t)1 << 20)

struct piece {
	struct piece *next;
};

struct lock metadata_lock;
uint64_t metadata_bytes;
static struct piece *unused[METADATA_MAX / UNIT + 1];
static char *cut_from, *cut_end;        /* what is left of the newest mapping */
static size_t next_block = BLOCK_MIN;

void *metadata_map(size_t bytes)
{
	void *block = os_map_guarded(bytes);

	if (block)
		figure_adjust_shared(&metadata_bytes, bytes, 0);
	return block;
}

/* A new mapping to cut; a page where address space is short, of which most is to be left for blocks. */
static bool map_block(void)
{
	size_t bytes = next_block;
	char *block = metadata_map(bytes);

	if (!block)
		block = metadata_map(bytes = PAGE_SIZE);
	if (!block)
		return false;
	cut_from = block;
	cut_end = block + bytes;
	if (bytes == next_block && next_block < BLOCK_MAX)
		next_block *= 2;
	return true;
}

static void *cut(size_t bytes)
{
	char *piece;

	if ((size_t)(cut_end - cut_from) < bytes && !map_block())
		return NULL;
	piece = cut_from;
	cut_from += bytes;
	return piece;
}

void *metadata_allocate(size_t bytes)
{
	struct piece *piece;

	bytes = round_up(bytes, UNIT);
	lock_take(&metadata_lock);
	piece = unused[bytes / UNIT];
	if (piece)
		unused[bytes / UNIT] = piece->next;
	else
		piece = cut(bytes);
	lock_release(&metadata_lock);
	return piece ? memset(piece, 0, bytes) : NULL;
}

void metadata_free(void *memory, size_t bytes)
{
	struct piece *piece = memory;

	bytes = round_up(bytes, UNIT);
	lock_take(&metadata_lock);
	piece->next = unused[bytes / UNIT];
	unused[bytes / UNIT] = piece;
	lock_release(&metadata_lock);
}
