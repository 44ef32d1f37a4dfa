/* SPDX-License-Identifier: MIT */
/* Mappings in use, each with a slab of one slot, and an address-ordered table of those kept. */
#include "large.h"

#include <string.h>

#include "figure.h"
#include "metadata.h"
#include "options.h"
#include "os.h"
#include "pagemap.h"
#include "slab.h"

#define KEPT_MAX 64     /* ranges; more would cost more to look through than to map anew */
#define DENSE_MAX 4

/* Freed and still resident, to be used again. */
struct range {
	uintptr_t start;
	size_t bytes;
	uint64_t freed_at_ms;
};

struct lock large_lock;
uint64_t large_live_bytes, large_kept_bytes, large_live_blocks;
uint64_t large_reused_pages;
static struct range kept[KEPT_MAX];     /* by address */
static unsigned kept_count;
static uint64_t next_return_ms;

/*
 * Above 0: large blocks are used as a whole, so huge pages cost nothing. It takes one block found so to count one
 * up, and one found sparse to forget them all.
 */
static int dense_blocks;

/* Which are asked for the whole block: mremap(2) moves no two mappings at once, and advice for a part makes two of one. */
static bool wants_huge_pages(size_t bytes)
{
	return bytes >= HUGE_PAGE && __atomic_load_n(&dense_blocks, __ATOMIC_RELAXED) > 0;
}

/* Kept ranges; with the lock held */

static void remove_range(unsigned at)
{
	figure_adjust(&large_kept_bytes, 0, kept[at].bytes);
	kept_count--;
	memmove(&kept[at], &kept[at + 1], (kept_count - at) * sizeof(kept[0]));
}

static void unmap_range(unsigned at)
{
	struct range range = kept[at];

	remove_range(at);
	os_unmap((void *)range.start, range.bytes);
}

static unsigned oldest(void)
{
	unsigned found = 0;

	for (unsigned i = 1; i < kept_count; i++)
		if (kept[i].freed_at_ms < kept[found].freed_at_ms)
			found = i;
	return found;
}

static void return_old(uint64_t now)
{
	if (now < next_return_ms)
		return;
	next_return_ms = now + options.return_after_ms / 4;
	while (kept_count && kept[oldest()].freed_at_ms + options.return_after_ms < now)
		unmap_range(oldest());
}

/* Enters a range, joined with its neighbours where they touch. */
static void insert_range(struct range range)
{
	unsigned at = 0;

	while (at < kept_count && kept[at].start < range.start)
		at++;
	figure_adjust(&large_kept_bytes, range.bytes, 0);
	if (at && kept[at - 1].start + kept[at - 1].bytes == range.start) {
		at--;
		kept[at].bytes += range.bytes;
		kept[at].freed_at_ms = range.freed_at_ms;
	} else {
		memmove(&kept[at + 1], &kept[at], (kept_count - at) * sizeof(kept[0]));
		kept[at] = range;
		kept_count++;
	}
	if (at + 1 < kept_count && kept[at].start + kept[at].bytes == kept[at + 1].start) {
		kept[at].bytes += kept[at + 1].bytes;
		figure_adjust(&large_kept_bytes, kept[at + 1].bytes, 0);
		remove_range(at + 1);
	}
}

static void keep(uintptr_t start, size_t bytes)
{
	uint64_t now = os_now_ms();

	if (bytes > options.large_kept_bytes) {
		os_unmap((void *)start, bytes);
		return;
	}
	while (kept_count == KEPT_MAX || large_kept_bytes + bytes > options.large_kept_bytes)
		unmap_range(oldest());
	insert_range((struct range){ start, bytes, now });
	return_old(now);
}

/* The start of a piece cut from the range that is the tightest fit, or 0. */
static uintptr_t cut_from_kept(size_t bytes, size_t align)
{
	unsigned best = KEPT_MAX;
	uintptr_t start;

	for (unsigned i = 0; i < kept_count; i++) {
		size_t lead = -kept[i].start & (align - 1);

		if (kept[i].bytes >= lead + bytes && (best == KEPT_MAX || kept[i].bytes < kept[best].bytes))
			best = i;
	}
	if (best == KEPT_MAX)
		return 0;
	start = kept[best].start;
	if (-start & (align - 1)) { /* what lies before the aligned start is of no use */
		size_t lead = -start & (align - 1);

		os_unmap((void *)start, lead);
		kept[best].start = start += lead;
		kept[best].bytes -= lead;
		figure_adjust(&large_kept_bytes, 0, lead);
	}
	figure_adjust(&large_kept_bytes, 0, bytes);
	figure_adjust(&large_reused_pages, bytes / PAGE_SIZE, 0);
	kept[best].start += bytes;
	kept[best].bytes -= bytes;
	if (!kept[best].bytes)
		remove_range(best);
	return start;
}

/* Lengthens the longest range to what is wanted: its pages are there already. */
static uintptr_t lengthen_kept(size_t bytes)
{
	unsigned longest = 0;
	struct range range;
	void *grown;

	if (!kept_count)
		return 0;
	for (unsigned i = 1; i < kept_count; i++)
		if (kept[i].bytes > kept[longest].bytes)
			longest = i;
	range = kept[longest];
	remove_range(longest);
	grown = os_grow((void *)range.start, range.bytes, bytes, true);
	if (!grown) {
		os_unmap((void *)range.start, range.bytes);
		return 0;
	}
	figure_adjust(&large_reused_pages, range.bytes / PAGE_SIZE, 0);
	if (wants_huge_pages(bytes))
		os_ask_huge_pages(grown, bytes);
	return (uintptr_t)grown;
}

void large_make_room(size_t bytes)
{
	lock_take(&large_lock);
	while (kept_count && bytes) {
		size_t freed = kept[0].bytes < bytes ? kept[0].bytes : bytes;

		os_unmap((void *)(kept[0].start + kept[0].bytes - freed), freed);
		kept[0].bytes -= freed;
		figure_adjust(&large_kept_bytes, 0, freed);
		bytes -= freed;
		if (!kept[0].bytes)
			remove_range(0);
	}
	lock_release(&large_lock);
}

size_t large_return(void)
{
	size_t bytes;

	lock_take(&large_lock);
	bytes = large_kept_bytes;
	while (kept_count)
		unmap_range(kept_count - 1);
	lock_release(&large_lock);
	return bytes;
}

/* Blocks */

/* Learns from a block that is being given up whether such blocks are written to as a whole. */
static void learn(const struct slab *slab)
{
	int dense = __atomic_load_n(&dense_blocks, __ATOMIC_RELAXED);

	if (slab->size < HUGE_PAGE || dense >= DENSE_MAX)
		return;
	dense = os_looks_resident((void *)slab->base, slab->size) ? dense + 1 : 0;
	__atomic_store_n(&dense_blocks, dense, __ATOMIC_RELAXED);
}

/* Pages for a block: kept ones, or fresh ones, in which case all of them read zero. 0: no memory. */
static uintptr_t find_pages(size_t bytes, size_t align, bool *is_zero)
{
	uintptr_t start;

	lock_take(&large_lock);
	start = cut_from_kept(bytes, align);
	if (!start && align <= PAGE_SIZE)
		start = lengthen_kept(bytes);
	lock_release(&large_lock);
	*is_zero = !start;
	if (start)
		return start;
	if (bytes >= HUGE_PAGE && align < HUGE_PAGE)
		align = HUGE_PAGE;
	start = (uintptr_t)os_map(bytes, align);
	if (start && wants_huge_pages(bytes))
		os_ask_huge_pages((void *)start, bytes);
	return start;
}

static void enter(struct slab *slab, uintptr_t start, size_t bytes)
{
	slab->base = start;
	slab->size = bytes;
	pagemap_set(start, 1, slab);
}

static void count_live(size_t more, size_t less, size_t blocks)
{
	figure_adjust_shared(&large_live_bytes, more, less);
	figure_adjust_shared(&large_live_blocks, blocks, 0);
}

struct slab *large_allocate(size_t bytes, size_t align, bool *is_zero)
{
	struct slab *slab = metadata_allocate(sizeof(*slab) + 2);
	uintptr_t start;

	if (!slab)
		return NULL;
	bytes = round_up(bytes, PAGE_SIZE);
	start = find_pages(bytes, align < PAGE_SIZE ? PAGE_SIZE : align, is_zero);
	if (!start || !pagemap_prepare(start, PAGE_SIZE)) {
		if (start)
			os_unmap((void *)start, bytes);
		metadata_free(slab, sizeof(*slab) + 2);
		return NULL;
	}
	slab->slots = 1;
	slab->bin = BIN_NONE;
	slab->kind = SLAB_LARGE;
	enter(slab, start, bytes);
	count_live(bytes, 0, 1);
	return slab;
}

static void leave(struct slab *slab)
{
	pagemap_set(slab->base, 1, NULL);
	count_live(0, slab->size, (size_t)-1);
}

void large_discard(struct slab *slab)
{
	leave(slab);
	os_unmap((void *)slab->base, slab->size);
	metadata_free(slab, sizeof(*slab) + 2);
}

void large_free(struct slab *slab)
{
	learn(slab);
	leave(slab);
	lock_take(&large_lock);
	keep(slab->base, slab->size);
	lock_release(&large_lock);
	metadata_free(slab, sizeof(*slab) + 2);
}

/* Takes a kept range, or its front, that lies right behind a block into the block. */
static void absorb(struct slab *slab, size_t bytes)
{
	uintptr_t end = slab->base + slab->size;

	lock_take(&large_lock);
	for (unsigned i = 0; i < kept_count; i++) {
		size_t taken = kept[i].bytes < bytes - slab->size ? kept[i].bytes : bytes - slab->size;

		if (kept[i].start != end)
			continue;
		figure_adjust(&large_kept_bytes, 0, taken);
		figure_adjust(&large_reused_pages, taken / PAGE_SIZE, 0);
		slab->size += taken;
		kept[i].start += taken;
		kept[i].bytes -= taken;
		if (!kept[i].bytes)
			remove_range(i);
		break;
	}
	lock_release(&large_lock);
}

/* Where the pages go when they cannot grow where they are; 0: no memory. */
static uintptr_t move(const struct slab *slab, size_t bytes)
{
	void *target = os_map(bytes, bytes >= HUGE_PAGE ? HUGE_PAGE : PAGE_SIZE);

	if (!target)
		return 0;
	if (!pagemap_prepare((uintptr_t)target, PAGE_SIZE)) {
		os_unmap(target, bytes);
		return 0;
	}
	return os_move((void *)slab->base, slab->size, target, bytes) ? (uintptr_t)target : 0;
}

static bool grow(struct slab *slab, size_t bytes)
{
	uintptr_t start;

	absorb(slab, bytes);
	if (slab->size == bytes)
		return true;
	large_make_room(bytes - slab->size);
	if (os_grow((void *)slab->base, slab->size, bytes, false)) {
		slab->size = bytes;
		return true;
	}
	/* Out of the map first: once it has moved, another thread may be given the address. */
	pagemap_set(slab->base, 1, NULL);
	start = move(slab, bytes);
	enter(slab, start ? start : slab->base, start ? bytes : slab->size);
	if (start && wants_huge_pages(bytes))
		os_ask_huge_pages((void *)start, bytes);
	return start;
}

bool large_resize(struct slab *slab, size_t bytes)
{
	size_t old_bytes = slab->size;
	bool done = true;

	bytes = round_up(bytes, PAGE_SIZE);
	if (bytes > old_bytes) {
		done = grow(slab, bytes);
	} else if (bytes < old_bytes) {
		slab->size = bytes;
		lock_take(&large_lock);
		keep(slab->base + bytes, old_bytes - bytes);
		lock_release(&large_lock);
	}
	count_live(slab->size, old_bytes, 0); /* a little more is there even when it could not grow to all */
	return done;
}
