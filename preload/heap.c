/* SPDX-License-Identifier: MIT */
/*
 * The wrappers of malloc and its relatives: forward, then count; for a release, count, then forward. errno is the callee's: nothing
 * here touches it. A nested call (calloc that calls malloc, an allocator that calls mmap) is forwarded uncounted.
 */
#include "cow.h"
#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>

#include "ranges.h"

bool heap_header_trusted;

void heap_check_header(void *block)
{
	if (allocator.glibc && allocator.usable_known)
		heap_header_trusted = next.malloc_usable_size(block) == heap_usable_by_header(block);
}

void heap_publish_shared(int64_t bytes)
{
	int64_t live = __atomic_add_fetch(&capture->live_bytes, bytes, __ATOMIC_RELAXED);
	int64_t peak = __atomic_load_n(&capture->peak_live_bytes, __ATOMIC_RELAXED);

	__atomic_fetch_add(&capture->counters[0].published_bytes, bytes, __ATOMIC_RELAXED);
	while (live > peak &&
	       !__atomic_compare_exchange_n(&capture->peak_live_bytes, &peak, live, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void heap_untracked(struct thread *thread, uint64_t requested)
{
	count(thread, untracked, 1);
	count(thread, untracked_bytes, requested);
	if (sites_each)
		sites_note_untracked(requested);
	instrument_note(NOTE_NO_MAP_MEMORY, ENOMEM);
}

/* Bootstrap: a block is preceded by its size. */
static _Alignas(64) char bootstrap[32 << 10];
static size_t bootstrap_used;

void *bootstrap_allocate(size_t bytes, size_t alignment)
{
	size_t at = (__atomic_load_n(&bootstrap_used, __ATOMIC_RELAXED) + 16 + alignment - 1) & ~(alignment - 1);

	if (alignment > 4096 || bytes > sizeof(bootstrap) || at + bytes > sizeof(bootstrap))
		return NULL;
	__atomic_store_n(&bootstrap_used, at + bytes, __ATOMIC_RELAXED);
	*(size_t *)(void *)(bootstrap + at - 16) = bytes;
	return bootstrap + at;
}

bool bootstrap_owns(const void *block)
{
	return (const char *)block >= bootstrap && (const char *)block < bootstrap + sizeof(bootstrap);
}

size_t bootstrap_size(const void *block)
{
	return *(const size_t *)(const void *)((const char *)block - 16);
}

bool heap_next_ready(void)
{
	static bool looking;

	if (likely(next.malloc_trim != NULL))
		return true;
	if (__atomic_exchange_n(&looking, true, __ATOMIC_ACQUIRE))
		return next.free != NULL && next.malloc != NULL && next.calloc != NULL && next.realloc != NULL && allocator.path != NULL;
	next_resolve();
	return true;
}

/*
 * Where the mapping begins that glibc made for this block alone; 0: nowhere (malloc.c, munmap_chunk).
 */
static uint64_t own_mapping(const struct block *block)
{
	const uint64_t *header = (const uint64_t *)block->address - 2; /* bytes skipped before it; its size and flags */

	if (!allocator.glibc || !heap_header_trusted || !(header[1] & 2))
		return 0;
	return (uint64_t)header - header[0];
}

/* What glibc has mapped it unmaps unseen. */
void heap_before_release(const struct block *block)
{
	uint64_t start = own_mapping(block);

	snapshot_before_release(block->usable);
	if (start)
		cow_heap_left(start, block->address + block->usable);
}

/* And moves, or makes smaller. @block: NULL: it is gone */
static void mapping_resized(uint64_t start, const struct block *old, const void *block)
{
	uint64_t end = old->address + old->usable;

	if (!block)
		cow_heap_has_left(start, end);
	else if ((uint64_t)block != old->address)
		cow_heap_has_moved(start, end);
	else
		cow_heap_has_left(page_up(min_u64(end, (uint64_t)block + heap_usable_by_header(block))), end);
}

/*
 * The short way: glibc's allocator, which never calls back into this library, and a thread with counters of its own. No mark of the
 * outermost call is needed then, the size of a block is in its header, and all counters are plain. Everything else goes the long
 * way. What is unusual inside the short way (a failure, a new leaf) joins the long one.
 */
static void set_countdown(struct thread *thread)
{
	uint64_t bytes = min_u64(thread->beyond, TICK_BYTES);

	thread->countdown = (int64_t)bytes;
	thread->beyond -= bytes;
}

void heap_choose_way(struct thread *thread)
{
	thread->fast = allocator.glibc && heap_header_trusted && !thread->shared && !sites_each ? thread->counters : NULL;
	thread->beyond = sites_draw(thread);
	set_countdown(thread);
}

static __attribute__((noinline)) void *malloc_long_way(size_t size)
{
	struct thread *thread = heap_enter();
	void *block;

	if (unlikely(!thread))
		return heap_next_ready() ? next.malloc(size) : bootstrap_allocate(size, 16);
	block = next.malloc(size);
	heap_note(thread, block, size);
	heap_leave(thread);
	return block;
}

/* The header of the block is checked against the allocator's word at the same time. */
void heap_due(struct thread *thread, const struct block *block)
{
	uint64_t over = (uint64_t)-thread->countdown; /* bytes of the block, and one more */

	if (thread->beyond < over) {
		sites_sample(block);
		thread->beyond = sites_draw(thread);
	} else {
		thread->beyond -= over;
	}
	set_countdown(thread);
	heap_check_header((void *)block->address);
	snapshot_tick(thread);
	if (!heap_header_trusted)
		thread->fast = NULL;
}

/* No memory, a block outside the leaves, or one that is not small. */
static COLD void *note_other(void *block, size_t size)
{
	heap_note(&this_thread, block, size);
	return block;
}

static COLD void *note_due(void *block, size_t size)
{
	heap_due(&this_thread, &(struct block){ (uint64_t)block, size, heap_usable_by_header(block) });
	return block;
}

static COLD void note_peak(void)
{
	struct capture_counters *c = this_thread.counters;

	c->peak_bytes = c->live_bytes;
	if (c->live_bytes - c->published_bytes > PENDING_BYTES)
		snapshot_tick(&this_thread);
}

/* Enters a block that the allocator has just handed out, and returns it. */
static inline __attribute__((always_inline)) void *note_short(void *block, size_t size)
{
	struct capture_counters *c;
	uint64_t usable;
	uint8_t *leaf = blockmap_leaf((uint64_t)block);

	if (unlikely(!leaf || !block)) /* there may be a leaf over address 0 */
		return note_other(block, size);
	usable = (((const uint64_t *)block)[-1] & ~7ULL) - 8; /* of a block that was not mapped alone, as all small ones */
	leaf += blockmap_granule((uint64_t)block);
	if (likely(blockmap_is_small(size, usable)))
		blockmap_store16(leaf, blockmap_small_word(size, usable));
	else if (likely(blockmap_is_mid(size, usable)))
		blockmap_store32(leaf, blockmap_mid_word(size, usable));
	else
		return note_other(block, size);
	c = this_thread.fast;
	c->size_class[heap_small_class(size)]++;
	c->requested_bytes += size;
	c->usable_live_bytes += (int64_t)usable;
	c->live_bytes += (int64_t)size;
	this_thread.countdown -= (int64_t)size + 1;
	if (unlikely(c->live_bytes > c->peak_bytes))
		note_peak();
	if (unlikely(this_thread.countdown < 0))
		return note_due(block, size);
	return block;
}

/* Erases a block from the map and the counters, if it is one of those that note_short enters; all others are left to the caller. */
static inline __attribute__((always_inline)) bool forget_short(struct capture_counters *c, uint8_t *byte)
{
	uint64_t requested, usable;
	unsigned bytes = blockmap_read_short(byte, &requested, &usable);

	if (unlikely(!bytes))
		return false;
	if (likely(bytes == 2))
		blockmap_store16(byte, 0);
	else
		blockmap_store32(byte, 0);
	c->frees++;
	c->live_bytes -= (int64_t)requested;
	c->usable_live_bytes -= (int64_t)usable;
	return true;
}

EXPORT __attribute__((aligned(64), hot)) void *malloc(size_t size)
{
	if (unlikely(!this_thread.fast || !fork_sentinel[0]))
		return malloc_long_way(size);
	return note_short(next.malloc(size), size);
}

static __attribute__((noinline)) void free_long_way(void *address)
{
	struct thread *thread;

	if (!address)
		return;
	thread = heap_enter();
	if (unlikely(!thread)) {
		if (!bootstrap_owns(address) && heap_next_ready())
			next.free(address);
		return;
	}
	heap_forget(thread, address);
	if (likely(!bootstrap_owns(address)))
		next.free(address);
	heap_leave(thread);
}

EXPORT __attribute__((aligned(64), hot)) void free(void *address)
{
	struct capture_counters *c = this_thread.fast;
	uint8_t *leaf = blockmap_leaf((uint64_t)address);

	if (unlikely(!c || !fork_sentinel[0] || !leaf || !forget_short(c, leaf + blockmap_granule((uint64_t)address)))) {
		free_long_way(address);
		return;
	}
	if (unlikely(c->live_bytes - c->published_bytes < -PENDING_BYTES))
		snapshot_tick(&this_thread);
	next.free(address);
}

static __attribute__((noinline)) void *calloc_long_way(size_t number, size_t size)
{
	struct thread *thread = heap_enter();
	size_t bytes;
	void *block;

	if (unlikely(!thread)) { /* bootstrap memory is fresh, hence zero */
		if (heap_next_ready())
			return next.calloc(number, size);
		return __builtin_mul_overflow(number, size, &bytes) ? NULL : bootstrap_allocate(bytes, 16);
	}
	block = next.calloc(number, size);
	heap_note(thread, block, heap_product(number, size));
	heap_leave(thread);
	return block;
}

EXPORT __attribute__((hot)) void *calloc(size_t number, size_t size)
{
	if (unlikely(!this_thread.fast || !fork_sentinel[0]))
		return calloc_long_way(number, size);
	return note_short(next.calloc(number, size), heap_product(number, size));
}

/* A block of the bootstrap's moves to the allocator. */
static void *leave_bootstrap(void *address, size_t size)
{
	void *block = malloc(size);

	if (block) {
		size_t old = bootstrap_size(address);

		memcpy(block, address, old < size ? old : size);
	}
	return block;
}

/* What realloc and reallocarray share. The old block leaves the map first: afterwards another thread may have its address. */
static void *reallocate(struct thread *thread, void *address, size_t size, void *(*call)(void *, size_t, size_t), size_t number)
{
	struct block old;
	uint8_t *known = address ? blockmap_find((uint64_t)address, &old) : NULL;
	uint32_t site = known && sites_each ? sites_of(&old) : 0;
	uint64_t taken = known && sites_is_sample(known, &old) ? sites_sample_take(&old) : 0, mapping = 0;
	void *block;

	if (known && old.usable >= RELEASE_BYTES) {
		if (size < old.usable)
			snapshot_before_release(old.usable - size);
		mapping = own_mapping(&old);
	}
	if (mapping)
		cow_heap_may_leave(mapping, old.address + old.usable);
	if (known)
		blockmap_erase(known, &old);
	block = call(address, number, size / (number ? number : 1));
	if (!block && address && size) { /* failed: the old block stands */
		if (known)
			blockmap_set(old.address, old.requested, old.usable);
		if (taken)
			sites_sample_return(&old, taken);
		count(thread, failed, 1);
		exhaustion_note_errno(REQUEST_MALLOC, size);
		return NULL;
	}
	if (mapping)
		mapping_resized(mapping, &old, block);
	if (known && sites_each)
		sites_release(site, &old);
	if (taken)
		sites_sample_release(&old, taken);
	if (known)
		heap_released(thread, &old);
	else if (address)
		count(thread, unknown_frees, 1);
	if (block && address)
		count(thread, reallocations, 1);
	if (block || !address)
		heap_note(thread, block, size); /* a ledger that this leads to finds the new block in its place */
	return block;
}

static void *call_realloc(void *address, size_t number, size_t size)
{
	(void)number;
	return next.realloc(address, size);
}

static void *call_reallocarray(void *address, size_t number, size_t size)
{
	return next.reallocarray(address, number, size);
}

static __attribute__((noinline)) void *realloc_long_way(void *address, size_t size)
{
	struct thread *thread;
	void *block;

	if (unlikely(bootstrap_owns(address)))
		return leave_bootstrap(address, size);
	thread = heap_enter();
	if (unlikely(!thread))
		return heap_next_ready() ? next.realloc(address, size) : bootstrap_allocate(size, 16);
	block = reallocate(thread, address, size, call_realloc, 1);
	heap_leave(thread);
	return block;
}

/* As if it had never left: the allocator could not give it another place. */
static COLD void *keep_block(const struct block *old, size_t size)
{
	struct capture_counters *c = this_thread.counters;

	blockmap_set(old->address, old->requested, old->usable);
	c->frees--;
	c->failed++;
	c->live_bytes += (int64_t)old->requested;
	c->usable_live_bytes += (int64_t)old->usable;
	exhaustion_note_errno(REQUEST_MALLOC, size);
	return NULL;
}

EXPORT __attribute__((hot)) void *realloc(void *address, size_t size)
{
	struct capture_counters *c = this_thread.fast;
	uint8_t *leaf = blockmap_leaf((uint64_t)address);
	struct block old = { .address = (uint64_t)address };
	int64_t live, usable;
	void *block;

	if (unlikely(!c || !fork_sentinel[0] || !leaf || !size))
		return realloc_long_way(address, size);
	live = c->live_bytes;
	usable = c->usable_live_bytes;
	if (unlikely(!forget_short(c, leaf + blockmap_granule((uint64_t)address))))
		return realloc_long_way(address, size);
	old.requested = (uint64_t)(live - c->live_bytes);
	old.usable = (uint64_t)(usable - c->usable_live_bytes);
	block = next.realloc(address, size);
	if (unlikely(!block))
		return keep_block(&old, size);
	c->reallocations++;
	return note_short(block, size);
}

EXPORT void *reallocarray(void *address, size_t number, size_t size)
{
	struct thread *thread;
	size_t bytes;
	void *block;

	if (__builtin_mul_overflow(number, size, &bytes) || unlikely(bootstrap_owns(address))) {
		if (bootstrap_owns(address))
			return leave_bootstrap(address, number * size);
		heap_next_ready();
		thread = heap_enter();
		if (thread) {
			count(thread, failed, 1);
			exhaustion_note(REQUEST_MALLOC, UINT64_MAX);
			heap_leave(thread);
		}
		return next.reallocarray(address, number, size);
	}
	thread = heap_enter();
	if (unlikely(!thread))
		return heap_next_ready() ? next.reallocarray(address, number, size) : bootstrap_allocate(bytes, 16);
	block = reallocate(thread, address, bytes, call_reallocarray, number);
	heap_leave(thread);
	return block;
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size)
{
	struct thread *thread = heap_enter();
	int error;

	if (unlikely(!thread)) {
		if (heap_next_ready())
			return next.posix_memalign(result, alignment, size);
		*result = bootstrap_allocate(size, alignment);
		return *result ? 0 : ENOMEM;
	}
	error = next.posix_memalign(result, alignment, size);
	if (likely(!error)) {
		heap_note(thread, *result, size);
	} else { /* it leaves errno alone, but for what the allocator met */
		count(thread, failed, 1);
		if (error == ENOMEM)
			exhaustion_note(REQUEST_MALLOC, size);
	}
	heap_leave(thread);
	return error;
}

#define ALIGNED_WRAPPER(name) \
EXPORT void *name(size_t alignment, size_t size) \
{ \
	struct thread *thread = heap_enter(); \
	void *block; \
\
	if (unlikely(!thread)) \
		return heap_next_ready() ? next.name(alignment, size) : bootstrap_allocate(size, alignment); \
	block = next.name(alignment, size); \
	heap_note(thread, block, size); \
	heap_leave(thread); \
	return block; \
}
ALIGNED_WRAPPER(aligned_alloc)
ALIGNED_WRAPPER(memalign)

#define PAGE_WRAPPER(name) \
EXPORT void *name(size_t size) \
{ \
	struct thread *thread = heap_enter(); \
	void *block; \
\
	if (unlikely(!thread)) \
		return heap_next_ready() ? next.name(size) : bootstrap_allocate(size, PAGE_BYTES); \
	block = next.name(size); \
	heap_note(thread, block, size); \
	heap_leave(thread); \
	return block; \
}
PAGE_WRAPPER(valloc)
PAGE_WRAPPER(pvalloc)

EXPORT size_t malloc_usable_size(void *address)
{
	if (unlikely(bootstrap_owns(address)))
		return bootstrap_size(address);
	return heap_next_ready() ? next.malloc_usable_size(address) : 0;
}

EXPORT int malloc_trim(size_t pad)
{
	struct thread *thread = heap_enter();
	int result;

	if (!heap_next_ready())
		return 0;
	if (thread) {
		snapshot_before_release(UINT64_MAX);
		cow_trimmed();
		__atomic_add_fetch(&capture->trims, 1, __ATOMIC_RELAXED);
	}
	result = next.malloc_trim(pad);
	if (thread)
		heap_leave(thread);
	return result;
}

extern __typeof(malloc) our_malloc __attribute__((alias("malloc"), copy(malloc), visibility("hidden")));

bool heap_is_interposed(void)
{
	void *found = dlsym(RTLD_DEFAULT, "malloc");
	ElfW(Sym) *symbol;
	Dl_info info;

	if (found == (void *)our_malloc)
		return true;
	/* In an executable at a fixed address it may be the jump to ours, which serves as the function's address there (x86-64 psABI). */
	return found && dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol && info.dli_saddr == found &&
	       symbol->st_shndx == SHN_UNDEF;
}
