/* SPDX-License-Identifier: MIT */
/*
 * The bookkeeping of one allocation and one release, inlined into every wrapper of the allocator. All counts are per thread and
 * plain stores; the block map tells at release what the block was.
 */
#ifndef PAGEGAP_HEAP_H
#define PAGEGAP_HEAP_H

#include "blockmap.h"
#include "exhaustion.h"
#include "instrument.h"
#include "next.h"
#include "sites.h"

/* How far a thread's live bytes may run ahead of the process's figure; with several threads it bounds the error of the peak. */
#define PENDING_BYTES (64L << 10)
#define TICK_BYTES    (256UL << 10)     /* asked for between two looks at the clock, each block being one byte longer */

/*
 * Bytes that the program may touch, a multiple of 8. For glibc the size word before the block says it (malloc/malloc.c, "chunk"):
 * asking malloc_usable_size would also read the next chunk's header, a cache line that nobody else needs now. Checked against
 * malloc_usable_size at start and now and then (heap_check_header).
 */
extern bool heap_header_trusted HIDDEN;

static inline uint64_t heap_usable_by_header(const void *block)
{
	uint64_t word = ((const uint64_t *)block)[-1];

	return (word & ~7ULL) - (word & 2 ? 16 : 8);
}

static inline uint64_t heap_usable(void *block, uint64_t requested)
{
	uint64_t usable;

	if (likely(heap_header_trusted))
		return heap_usable_by_header(block);
	usable = allocator.usable_known ? next.malloc_usable_size(block) : requested;
	usable = usable < requested ? requested : usable;
	return usable < 8 ? 8 : (usable + 7) & ~7ULL;
}

void heap_check_header(void *block) COLD;

static inline unsigned heap_size_class(uint64_t bytes)
{
	unsigned class = bytes ? 64 - (unsigned)__builtin_clzll(bytes) : 0;

	return class < CAPTURE_SIZE_CLASSES ? class : CAPTURE_SIZE_CLASSES - 1;
}

/* The same for what fits a small block. */
static inline unsigned heap_small_class(uint64_t bytes)
{
	return 63 - (unsigned)__builtin_clzll(2 * bytes + 1);
}

/* Adds to the process's live bytes at once: for the counters that threads share. */
void heap_publish_shared(int64_t bytes) COLD;

/* Adds to the thread's live bytes. */
static inline void heap_add_live(struct thread *thread, int64_t requested, int64_t usable)
{
	count(thread, live_bytes, requested);
	count(thread, usable_live_bytes, usable);
	if (unlikely(thread->shared))
		heap_publish_shared(requested);
	else if (thread->counters->live_bytes > thread->counters->peak_bytes)
		thread->counters->peak_bytes = thread->counters->live_bytes;
}

/* Lets the process's figure follow when the thread's has run ahead far enough. A ledger may be taken here. */
static inline void heap_follow(struct thread *thread)
{
	int64_t ahead = thread->counters->live_bytes - thread->counters->published_bytes;

	if (unlikely((uint64_t)(ahead + PENDING_BYTES) > 2 * PENDING_BYTES) && !thread->shared)
		snapshot_tick(thread);
}

void heap_untracked(struct thread *thread, uint64_t requested) COLD;

/* The thread's countdown has run out in this block: it is a sample, or it is time to look at the clock, or both. */
void heap_due(struct thread *thread, const struct block *block) COLD;

/* Enters a block that the allocator has just handed out, or counts the failure when there is none. */
static inline void heap_note(struct thread *thread, void *block, uint64_t requested)
{
	uint64_t usable;

	if (unlikely(!block)) {
		count(thread, failed, 1);
		exhaustion_note_errno(REQUEST_MALLOC, requested);
		return;
	}
	usable = heap_usable(block, requested);
	count(thread, requested_bytes, requested);
	count(thread, size_class[heap_size_class(requested)], 1);
	if (unlikely(!blockmap_set((uint64_t)block, requested, usable))) {
		heap_untracked(thread, requested);
	} else {
		heap_add_live(thread, (int64_t)requested, (int64_t)usable);
		if (unlikely(sites_each))
			sites_note(&(struct block){ (uint64_t)block, requested, usable });
	}
	heap_follow(thread);
	thread->countdown -= (int64_t)requested + 1;
	if (unlikely(thread->countdown < 0))
		heap_due(thread, &(struct block){ (uint64_t)block, requested, usable });
}

/* Bytes that calloc and reallocarray are asked for; UINT64_MAX where that is more than a number can say. */
static inline uint64_t heap_product(uint64_t number, uint64_t size)
{
	uint64_t bytes;

	return __builtin_mul_overflow(number, size, &bytes) ? UINT64_MAX : bytes;
}

/* Corrects what was counted for a block that was asked for with fewer bytes. */
static inline void heap_amend(struct thread *thread, uint8_t *byte, const struct block *block, uint64_t requested)
{
	uint64_t surplus = block->requested - requested;

	bool sample = sites_is_sample(byte, block);

	if (unlikely(sites_each))
		sites_amend(block, requested);
	blockmap_erase(byte, block);
	blockmap_set(block->address, requested, block->usable);
	if (unlikely(sample))
		sites_sample_amend(block, requested);
	count(thread, size_class[heap_size_class(block->requested)], -1UL);
	count(thread, size_class[heap_size_class(requested)], 1);
	count(thread, requested_bytes, -surplus);
	heap_add_live(thread, -(int64_t)surplus, 0);
}

/* Counts the release of a block that was in the map; no ledger is taken, for the block's memory is still there. */
static inline void heap_released(struct thread *thread, const struct block *block)
{
	count(thread, frees, 1);
	heap_add_live(thread, -(int64_t)block->requested, -(int64_t)block->usable);
}

#define RELEASE_BYTES (128UL << 10) /* glibc's first threshold for giving memory back at once (mallopt(3), M_MMAP_THRESHOLD) */

/* A large block is about to be given back, and perhaps its memory with it. */
void heap_before_release(const struct block *block) COLD;

/* Erases a block that is about to be given back. */
static inline void heap_forget(struct thread *thread, void *address)
{
	struct block block;
	uint8_t *byte = blockmap_find((uint64_t)address, &block);
	uint64_t taken;

	if (unlikely(!byte)) {
		count(thread, unknown_frees, 1);
		return;
	}
	if (unlikely(block.usable >= RELEASE_BYTES)) /* while the block still counts as live */
		heap_before_release(&block);
	if (unlikely(sites_each))
		sites_release(sites_of(&block), &block);
	if (sites_is_sample(byte, &block) && (taken = sites_sample_take(&block)))
		sites_sample_release(&block, taken);
	blockmap_erase(byte, &block);
	heap_released(thread, &block);
	if (likely(block.usable < RELEASE_BYTES))
		heap_follow(thread);
}

/*
 * Marks the outermost call of the allocator. NULL: this call is inside another one, or nothing is counted now.
 * The compiler barriers keep the mark around the allocator's own work, for a signal handler on the same thread.
 */
static inline struct thread *heap_enter(void)
{
	struct thread *thread = &this_thread;

	if (unlikely(thread->inside || !instrument_ready(thread)))
		return NULL;
	thread->inside = 1;
	__asm__ volatile("" ::: "memory");
	return thread;
}

static inline void heap_leave(struct thread *thread)
{
	__asm__ volatile("" ::: "memory");
	thread->inside = 0;
}

/* Memory for callers that come while dlsym is looking for the allocator itself. */
void *bootstrap_allocate(size_t bytes, size_t alignment) COLD;
bool bootstrap_owns(const void *block);
size_t bootstrap_size(const void *block);

/* False: the executable, or a library before this one, has a malloc of its own, and the program never calls ours. */
bool heap_is_interposed(void);

/* Looks the allocator up if need be. False: it is being looked up right now, by this very thread. */
bool heap_next_ready(void);

#endif
