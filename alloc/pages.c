/* SPDX-License-Identifier: MIT */
/*
 * Chunks and their bitmaps. The oldest chunk with room is taken from, and its lowest free run that is long enough: so
 * what is free gathers in the youngest chunks, and pages that were used already come before fresh ones. Where no address
 * space is left for a chunk, a smaller one is made, for which there is: down to the run that is wanted.
 */
#include "pages.h"

#include "figure.h"
#include "fork.h"
#include "large.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "runs.h"

#define RETURN_RUN  16          /* pages; shorter free runs are not worth a system call */
#define HUGE_RUN    (CHUNK_PAGES / 2) /* the same where huge pages would be broken up */
#define LOOKED_AT   32          /* chunks whose longest run may be just too short, before the next length is tried */

struct arena main_arena;
uint64_t plain_bytes;

/* Bits */

/* Of the bits from @from up to @end, those in the word that @from is in. */
static uint64_t word_mask(size_t from, size_t end)
{
	uint64_t mask = ~0UL << from % 64;

	return end / 64 > from / 64 ? mask : mask & ~(~0UL << end % 64);
}

static void set_bits(uint64_t *bits, size_t from, size_t count)
{
	for (size_t end = from + count; from < end; from = (from / 64 + 1) * 64)
		bits[from / 64] |= word_mask(from, end);
}

static void clear_bits(uint64_t *bits, size_t from, size_t count)
{
	for (size_t end = from + count; from < end; from = (from / 64 + 1) * 64)
		bits[from / 64] &= ~word_mask(from, end);
}

/* How many are set. */
static size_t count_bits(const uint64_t *bits, size_t from, size_t count)
{
	size_t set = 0;

	for (size_t end = from + count; from < end; from = (from / 64 + 1) * 64)
		set += (size_t)__builtin_popcountl(bits[from / 64] & word_mask(from, end));
	return set;
}

/* The first bit from @from on that is @set, or CHUNK_PAGES. */
static size_t next_bit(const uint64_t *bits, size_t from, bool set)
{
	while (from < CHUNK_PAGES) {
		uint64_t word = (set ? bits[from / 64] : ~bits[from / 64]) >> from % 64;

		if (word)
			return from + (size_t)__builtin_ctzl(word);
		from = (from / 64 + 1) * 64;
	}
	return CHUNK_PAGES;
}

/* Chunks and their lists */

static unsigned log2_of(size_t pages)
{
	return 63 - (unsigned)__builtin_clzl(pages);
}

static void unlink_chunk(struct arena *arena, struct chunk *chunk)
{
	for (unsigned i = 0; i < RUN_LENGTHS; i++)
		if (arena->fitting[i] == chunk)
			arena->fitting[i] = chunk->next;
	if (chunk->previous)
		chunk->previous->next = chunk->next;
	else
		arena->first = chunk->next;
	if (chunk->next)
		chunk->next->previous = chunk->previous;
	else
		arena->last = chunk->previous;
}

/* It has runs of these lengths: it may be the oldest such. */
static void note_fit(struct arena *arena, struct chunk *chunk)
{
	for (unsigned i = 0; chunk->longest >> i; i++)
		if (!arena->fitting[i] || arena->fitting[i]->number > chunk->number)
			arena->fitting[i] = chunk;
}

static void link_chunk(struct arena *arena, struct chunk *chunk)
{
	chunk->number = arena->chunks_made++;
	chunk->previous = arena->last;
	if (chunk->previous)
		chunk->previous->next = chunk;
	else
		arena->first = chunk;
	arena->last = chunk;
	note_fit(arena, chunk);
}

/* Measures the longest free run anew. */
static void measure(struct chunk *chunk)
{
	size_t longest = 0, end;

	for (size_t at = next_bit(chunk->taken, 0, false); at < CHUNK_PAGES; at = next_bit(chunk->taken, end, false)) {
		end = next_bit(chunk->taken, at, true);
		if (end - at > longest)
			longest = end - at;
	}
	chunk->longest = (uint16_t)longest;
}

static size_t chunk_bytes(const struct chunk *chunk)
{
	return chunk->pages * PAGE_SIZE;
}

static void count_chunk(struct arena *arena, size_t more_pages, size_t less_pages)
{
	figure_adjust(&arena->chunks, more_pages != 0, less_pages != 0);
	figure_adjust(&arena->pages, more_pages, less_pages);
	if (arena->plain)
		figure_adjust_shared(&plain_bytes, more_pages * PAGE_SIZE, less_pages * PAGE_SIZE);
}

/* Mapped, and with room in the page map; 0: no memory. */
static uintptr_t map_chunk(size_t pages, size_t align)
{
	void *base = os_map(pages * PAGE_SIZE, align * PAGE_SIZE);

	if (base && !pagemap_prepare((uintptr_t)base, pages * PAGE_SIZE)) {
		os_unmap(base, pages * PAGE_SIZE);
		return 0;
	}
	return (uintptr_t)base;
}

/* Which has room for so many pages at its start. The next one is tried at full length again. */
static struct chunk *new_chunk(struct arena *arena, size_t pages, size_t align)
{
	struct chunk *chunk = metadata_allocate(sizeof(*chunk));
	size_t length = CHUNK_PAGES, used;

	if (!chunk)
		return NULL;
	if (!arena->plain)
		large_make_room(CHUNK_BYTES);
	chunk->base = map_chunk(length, CHUNK_PAGES);
	while (UNLIKELY(!chunk->base) && length > pages) {
		length = length / 2 > pages ? length / 2 : pages;
		chunk->base = map_chunk(length, align);
	}
	if (!chunk->base) {
		metadata_free(chunk, sizeof(*chunk));
		return NULL;
	}
	chunk->arena = arena;
	chunk->pages = chunk->longest = (uint16_t)length;
	set_bits(chunk->taken, length, CHUNK_PAGES - length); /* nobody's: not counted */
	/* Slabs that are begun take more pages than are resident: what counts is how much of them is in use. */
	used = slab_used_bytes() + __atomic_load_n(&run_live_bytes, __ATOMIC_RELAXED);
	if (!arena->plain && length == CHUNK_PAGES && used >= options.huge_from_bytes) {
		chunk->huge = true;
		os_ask_huge_pages((void *)chunk->base, CHUNK_BYTES);
	}
	count_chunk(arena, length, 0);
	link_chunk(arena, chunk);
	if (!arena->plain && arena->chunks > 1)
		fork_watch();
	return chunk;
}

static void drop_chunk(struct arena *arena, struct chunk *chunk)
{
	unlink_chunk(arena, chunk);
	for (size_t i = 0; i < CHUNK_WORDS; i++)
		figure_adjust(&arena->dirty_free_pages, 0,
			      (size_t)__builtin_popcountl(chunk->dirty[i] & ~chunk->taken[i]));
	count_chunk(arena, 0, chunk->pages);
	metadata_free(chunk, sizeof(*chunk));
}

/* Runs */

/* The lowest free run of a chunk that is long enough, or CHUNK_PAGES. */
static size_t find_run(const struct chunk *chunk, size_t pages, size_t align)
{
	size_t end;

	for (size_t at = next_bit(chunk->taken, 0, false); at < CHUNK_PAGES; at = next_bit(chunk->taken, end, false)) {
		size_t aligned = round_up(chunk->base / PAGE_SIZE + at, align) - chunk->base / PAGE_SIZE;

		end = next_bit(chunk->taken, at, true);
		if (aligned + pages <= end)
			return aligned;
	}
	return CHUNK_PAGES;
}

/* The oldest chunk with runs of 1 << @length pages. */
static struct chunk *first_fitting(struct arena *arena, unsigned length)
{
	struct chunk *chunk = arena->fitting[length];

	while (chunk && !(chunk->longest >> length))
		chunk = chunk->next;
	return arena->fitting[length] = chunk;
}

/* Where such a run can be had: the oldest chunk that has it, unless many before it have runs just too short. */
static struct chunk *find_chunk(struct arena *arena, size_t pages, size_t align, size_t *at)
{
	for (unsigned length = log2_of(pages); length < RUN_LENGTHS; length++) {
		struct chunk *chunk = first_fitting(arena, length);

		for (unsigned i = 0; chunk && i < LOOKED_AT; i++, chunk = chunk->next) {
			*at = chunk->longest < pages ? CHUNK_PAGES : find_run(chunk, pages, align);
			if (*at < CHUNK_PAGES)
				return chunk;
		}
	}
	*at = 0;
	return NULL;
}

/* How many of them may be resident. */
static size_t take_run(struct arena *arena, struct chunk *chunk, size_t at, size_t pages)
{
	size_t dirty = count_bits(chunk->dirty, at, pages);

	set_bits(chunk->taken, at, pages);
	set_bits(chunk->dirty, at, pages);
	chunk->taken_pages += (uint32_t)pages;
	figure_adjust(&arena->taken_pages, pages, 0);
	figure_adjust(&arena->dirty_free_pages, 0, dirty);
	figure_adjust(&arena->reused_pages, dirty, 0);
	measure(chunk);
	return dirty;
}

bool pages_take(struct arena *arena, size_t pages, size_t align, struct run *run)
{
	size_t at;

	lock_take(&arena->lock);
	run->chunk = find_chunk(arena, pages, align, &at);
	if (!run->chunk)
		run->chunk = new_chunk(arena, pages, align);
	if (run->chunk) {
		run->reused_pages = take_run(arena, run->chunk, at, pages);
		run->base = (void *)(run->chunk->base + at * PAGE_SIZE);
	}
	lock_release(&arena->lock);
	return run->chunk;
}

static size_t page_in_chunk(const struct chunk *chunk, const void *address)
{
	return ((uintptr_t)address - chunk->base) / PAGE_SIZE;
}

bool pages_extend(struct chunk *chunk, void *base, size_t pages, size_t new_pages)
{
	struct arena *arena = chunk->arena;
	size_t end = page_in_chunk(chunk, base) + pages;
	bool fits;

	lock_take(&arena->lock);
	fits = end + new_pages - pages <= next_bit(chunk->taken, end, true);
	if (fits)
		take_run(arena, chunk, end, new_pages - pages);
	lock_release(&arena->lock);
	return fits;
}

/* With the lock held: returns a run of free pages that may be resident. */
static size_t return_run(struct arena *arena, struct chunk *chunk, size_t at, size_t pages)
{
	if (!os_return_pages((void *)(chunk->base + at * PAGE_SIZE), pages * PAGE_SIZE))
		return 0;
	clear_bits(chunk->dirty, at, pages);
	figure_adjust(&arena->dirty_free_pages, 0, pages);
	figure_adjust(&arena->returned_pages, pages, 0);
	return pages * PAGE_SIZE;
}

static size_t return_from_chunk(struct arena *arena, struct chunk *chunk, bool all)
{
	size_t shortest = all ? 1 : chunk->huge ? HUGE_RUN : RETURN_RUN, bytes = 0, end;
	uint64_t idle[CHUNK_WORDS];

	for (size_t i = 0; i < CHUNK_WORDS; i++)
		idle[i] = chunk->dirty[i] & ~chunk->taken[i];
	for (size_t at = next_bit(idle, 0, true); at < CHUNK_PAGES; at = next_bit(idle, end, true)) {
		end = next_bit(idle, at, false);
		if (end - at >= shortest)
			bytes += return_run(arena, chunk, at, end - at);
	}
	return bytes;
}

/* With the lock held. An empty chunk goes altogether, unless it is the only one. */
static size_t return_pages(struct arena *arena, uint64_t freed_before_ms, bool all)
{
	struct chunk *next;
	size_t bytes = 0;

	for (struct chunk *chunk = arena->first; chunk; chunk = next) {
		next = chunk->next;
		if (chunk->freed_at_ms > freed_before_ms)
			continue;
		bytes += return_from_chunk(arena, chunk, all);
		if (!chunk->taken_pages && arena->chunks > 1 && os_unmap((void *)chunk->base, chunk_bytes(chunk)))
			drop_chunk(arena, chunk);
	}
	return bytes;
}

void pages_free(struct chunk *chunk, void *base, size_t pages)
{
	struct arena *arena = chunk->arena;
	uint64_t now = os_now_ms();

	lock_take(&arena->lock);
	clear_bits(chunk->taken, page_in_chunk(chunk, base), pages);
	chunk->taken_pages -= (uint32_t)pages;
	chunk->freed_at_ms = now;
	figure_adjust(&arena->taken_pages, 0, pages);
	figure_adjust(&arena->dirty_free_pages, pages, 0);
	measure(chunk);
	note_fit(arena, chunk);
	if (now >= arena->next_return_ms && !arena->plain) {
		if (arena->next_return_ms && now > options.return_after_ms)
			return_pages(arena, now - options.return_after_ms, false);
		arena->next_return_ms = now + options.return_after_ms / 2;
	}
	lock_release(&arena->lock);
}

size_t pages_return(struct arena *arena)
{
	size_t bytes;

	lock_take(&arena->lock);
	bytes = return_pages(arena, UINT64_MAX, true);
	lock_release(&arena->lock);
	return bytes;
}

void pages_destroy(struct arena *arena)
{
	while (arena->first) {
		os_unmap((void *)arena->first->base, chunk_bytes(arena->first));
		drop_chunk(arena, arena->first);
	}
}
