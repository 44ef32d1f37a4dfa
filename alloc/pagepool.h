/* SPDX-License-Identifier: MIT */
/*
 * libpagepool: a malloc, by preloading or linking it; and what a program can ask of it beyond malloc: pools of its own,
 * and statistics. Link with -lpagepool.
 */
#ifndef PAGEPOOL_H
#define PAGEPOOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Pools: blocks that are dropped together, as of one request or one parse. A pool has pages of its own. It is for one
 * thread at a time, unless it was made to be shared; blocks of a pool are given to pagepool_free, never to free.
 */
struct pagepool;

struct pagepool_settings {
	size_t block_bytes;     /* all blocks have this size; 0: any */
	size_t limit_bytes;     /* of blocks, in pages or slots; 0: none */
	int shared;             /* 1: several threads may use it at once, at the cost of a lock per call */
};

/* Of a pool, in bytes but for the blocks. */
struct pagepool_usage {
	uint64_t live_blocks;
	uint64_t live_bytes;            /* of these, slack included */
	uint64_t peak_live_bytes;
	uint64_t page_bytes;            /* in slabs and blocks; mapped is more, resident may be less */
	uint64_t allocations, refusals; /* ever; refused for the limit or for want of memory */
};

/*
 * pagepool_create - a new, empty pool
 * @settings: NULL for none
 *
 * Returns NULL and errno without memory (ENOMEM), or when block_bytes is above 1 MiB (EINVAL).
 */
struct pagepool *pagepool_create(const struct pagepool_settings *settings);

/* A block of 16-byte alignment, or NULL and errno (ENOMEM). In a pool of one size, @bytes is at most that. */
void *pagepool_allocate(struct pagepool *pool, size_t bytes);

/* Ends the program with a line on standard error when the block is not a live one of this pool. NULL is nothing. */
void pagepool_free(struct pagepool *pool, void *block);

/* Frees all blocks; the pool keeps its pages for the next round. */
void pagepool_reset(struct pagepool *pool);

/* Frees all blocks and the pool; its pages go back to the kernel at once. NULL is nothing. */
void pagepool_destroy(struct pagepool *pool);

void pagepool_get_usage(struct pagepool *pool, struct pagepool_usage *usage);

/*
 * Statistics of the malloc. What is mapped with access is the sum of live_bytes, cached_bytes, free_slot_bytes,
 * slab_end_bytes, free_page_bytes, large_kept_bytes, table_bytes and pool_bytes.
 */
#define PAGEPOOL_CLASSES 77

struct pagepool_class_statistics {
	uint64_t block_bytes;
	uint64_t slabs, pages, slots;
	uint64_t live, cached, free;    /* slots: with the program; in threads' caches, or in quarantine; in slabs */
	uint64_t slabs_made;            /* ever */
	uint64_t returned_pages;        /* ever: of slabs that were given up, for other classes or for the kernel */
	uint64_t reused_pages;          /* ever: resident already when their slab was made, faults that did not happen */
};

struct pagepool_statistics {
	uint32_t version;               /* 1 */
	uint32_t classes;               /* PAGEPOOL_CLASSES */
	uint64_t mapped_bytes;          /* with access, whatever for */
	uint64_t live_bytes;            /* of malloc's blocks that the program has, slack included */
	uint64_t cached_bytes;          /* of free slots in threads' caches */
	uint64_t free_slot_bytes;       /* of other free slots */
	uint64_t slab_end_bytes;        /* behind the last slot of each slab */
	uint64_t free_page_bytes;       /* of chunks, in no slab and no block */
	uint64_t not_returned_bytes;    /* of these, what may be resident */
	uint64_t run_blocks, run_bytes; /* live ones above 16 KiB and up to 1 MiB; part of live_bytes */
	uint64_t large_blocks, large_bytes;     /* live ones above 1 MiB; part of live_bytes */
	uint64_t large_kept_bytes;      /* freed, and resident, for the next one */
	uint64_t table_bytes;           /* the allocator's own */
	uint64_t pool_bytes;            /* of chunks and mappings of explicit pools */
	uint64_t returned_pages;        /* ever given back to the kernel from chunks */
	uint64_t reused_pages;          /* ever handed out again while resident: faults that did not happen */
	uint64_t threads;               /* that have a cache */
	uint64_t forks;                 /* that were answered with fresh slabs */
	uint64_t leaves_holes;          /* 1: free slots of inherited slabs are left alone at present */
	struct pagepool_class_statistics class[PAGEPOOL_CLASSES];
};

/*
 * pagepool_statistics_1 - what the allocator holds; the name carries the version
 * @bytes: room for the part before class[], and for as many classes as are wanted
 *
 * Returns the bytes filled in: 0 where @bytes is less than that part. Takes no lock, allocates nothing, makes no call,
 * leaves errno alone: it may be called anywhere, in a signal handler too that has interrupted the allocator. Other
 * threads go on meanwhile, so that figures may miss one another by what they, or the interrupted call, were about.
 */
size_t pagepool_statistics_1(struct pagepool_statistics *statistics, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
