/* SPDX-License-Identifier: MIT */
/*
 * Runs of pages for slabs and for middling blocks, cut from chunks of 2 MiB, or less where address space is short. Which pages of a chunk are taken, and
 * which may still be resident, stands in bitmaps outside. Pages that come free are handed out again first; what nobody
 * wanted for a while goes back to the kernel, in large pieces.
 */
#ifndef PAGEPOOL_PAGES_H
#define PAGEPOOL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lock.h"
#include "os.h"
#include "sizes.h"

#define CHUNK_BYTES HUGE_PAGE
#define CHUNK_PAGES (CHUNK_BYTES / PAGE_SIZE)
#define CHUNK_WORDS (CHUNK_PAGES / 64)
#define RUN_LENGTHS 10          /* by log2 of pages: 1 to CHUNK_PAGES */

struct chunk {
	struct arena *arena;
	uintptr_t base;                 /* a multiple of CHUNK_BYTES, if it is so long */
	uint64_t taken[CHUNK_WORDS];    /* bit: the page belongs to a run, or lies behind the end */
	uint64_t dirty[CHUNK_WORDS];    /* bit: the page may be resident, and not zero */
	struct chunk *next, *previous;  /* of the arena, the oldest first */
	uint64_t number;                /* in the order of their making */
	uint64_t freed_at_ms;           /* when a run last came free */
	uint32_t taken_pages;
	uint16_t pages;                 /* CHUNK_PAGES, or fewer where no more could be had */
	uint16_t longest;               /* pages of the longest free run */
	bool huge;                      /* huge pages were asked for */
};

struct arena {
	struct lock lock;
	struct chunk *first, *last;
	struct chunk *fitting[RUN_LENGTHS];     /* no older one has a free run of 1 << index pages; NULL: none has */
	uint64_t chunks_made;
	size_t chunks, pages;           /* now, and in them */
	size_t taken_pages;             /* now */
	size_t dirty_free_pages;        /* free, and may be resident */
	uint64_t reused_pages;          /* ever handed out without a fault to come */
	uint64_t returned_pages;        /* ever given back to the kernel */
	uint64_t next_return_ms;
	bool plain;                     /* an explicit pool's: never asks for huge pages */
};

/* The arena that malloc uses. */
extern struct arena main_arena;

extern uint64_t plain_bytes;    /* of the chunks of all other arenas */

/* Pages that were taken. */
struct run {
	void *base;
	struct chunk *chunk;
	size_t reused_pages;    /* that may be resident, and not zero; 0: all read zero */
};

/*
 * pages_take - a run of free pages
 * @pages: at most CHUNK_PAGES
 * @align: in pages, a power of two
 *
 * Returns false without memory. The page map has room for the run.
 */
bool pages_take(struct arena *arena, size_t pages, size_t align, struct run *run);

/* Lengthens a run in place by the pages that follow it, if they are free. */
bool pages_extend(struct chunk *chunk, void *base, size_t pages, size_t new_pages);

/* Gives back a run, or a part of one. */
void pages_free(struct chunk *chunk, void *base, size_t pages);

/* Returns all free pages to the kernel, at once. The bytes. */
size_t pages_return(struct arena *arena);

/* Unmaps every chunk, whatever is on it. */
void pages_destroy(struct arena *arena);

#endif
