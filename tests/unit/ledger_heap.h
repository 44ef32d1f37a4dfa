/* SPDX-License-Identifier: MIT */
/*
 * A fabricated heap and a model of it: two areas of private memory, 64 MiB apart, with a border between leaves of the
 * block map in the middle of each; blocks of chosen sizes at random places, a chosen set of resident pages. The model
 * knows for every byte whether it is requested, slack or free, and adds them up one by one: slow, and nothing like the
 * ledger's walk.
 */
#ifndef PAGEGAP_TEST_LEDGER_HEAP_H
#define PAGEGAP_TEST_LEDGER_HEAP_H

#include "../../preload/ledger_internal.h"
#include "../zero_page.h"
#include "random.h"

#define AREAS      2
#define AREA_PAGES 160
#define AREA_BYTES (AREA_PAGES * PAGE_BYTES)
#define LEAF_SPAN  (1UL << LEAF_SHIFT)
#define BLOCKS_MAX (2 * AREAS * AREA_BYTES / 16)

/* READ: never written; OWN: written; SHARED: written, with the other side of a fork */
enum page_state { PAGE_UNTOUCHED, PAGE_READ, PAGE_OWN, PAGE_SHARED };
enum byte_kind { BYTE_FREE, BYTE_REQUESTED, BYTE_SLACK };

struct heap {
	bool     zero_page;                     /* what was only read is not resident */
	uint64_t area[AREAS];                   /* address of each */
	uint8_t  page[AREAS][AREA_PAGES];       /* enum page_state */
	uint8_t  kind[AREAS][AREA_BYTES];       /* enum byte_kind */
	uint32_t blocks;
	struct block block[BLOCKS_MAX];
	uint64_t cuts[AREAS][8]; /* page-aligned addresses: borders of the segments that the ledger is given */
	uint32_t cut_count[AREAS];
};

/* Figures of three rows: requested, slack, free. */
struct heap_figures {
	uint64_t mapped[3], resident[3], shared[3];
	uint64_t fill_pages[CAPTURE_FILL_BUCKETS];
	uint64_t free_on_empty, live_blocks;
};

/* Maps the areas, once. False: no memory. */
static inline bool heap_map_areas(struct heap *h)
{
	char *place = mmap(NULL, 4 * LEAF_SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (place == MAP_FAILED)
		return false;
	h->zero_page = zero_page_exists();
	for (uint64_t i = 0; i < AREAS; i++) {
		h->area[i] = (((uint64_t)place + LEAF_SPAN - 1) & ~(LEAF_SPAN - 1)) + (i + 1) * LEAF_SPAN -
			     AREA_BYTES / 2;
		if (mprotect((void *)h->area[i], AREA_BYTES, PROT_READ | PROT_WRITE) ||
		    madvise((void *)h->area[i], AREA_BYTES, MADV_NOHUGEPAGE))
			return false;
	}
	return true;
}

/* Notes a block in the model. It may reach beyond its area, and into the next one. */
static inline void heap_add_block(struct heap *h, uint64_t address, uint64_t requested, uint64_t usable)
{
	h->block[h->blocks++] = (struct block){ address, requested, usable };
	for (int i = 0; i < AREAS; i++) {
		uint64_t from = max_u64(address, h->area[i]), end = min_u64(address + usable, h->area[i] + AREA_BYTES);

		for (uint64_t at = from; at < end; at++)
			h->kind[i][at - h->area[i]] = at < address + requested ? BYTE_REQUESTED : BYTE_SLACK;
	}
}

static inline void heap_clear(struct heap *h)
{
	h->blocks = 0;
	memset(h->kind, BYTE_FREE, sizeof(h->kind));
	memset(h->page, PAGE_UNTOUCHED, sizeof(h->page));
	memset(h->cut_count, 0, sizeof(h->cut_count));
}

/* Random layouts */

enum heap_style { STYLE_SMALL, STYLE_PAIRS, STYLE_MIXED, STYLE_PAGES, STYLE_LARGE, HEAP_STYLES };

static inline uint64_t heap_any_usable(struct random *random, enum heap_style style)
{
	static const uint16_t borders[] = { 8, 16, 24, 32, 40, 48, 56, 64, 104, 112, 120, 128, 1024, 4080, 4096, 8192 };

	switch (style) {
	case STYLE_SMALL: /* as glibc's: 24, 40 … 120 */
		return 24 + 16 * random_below(random, 7);
	case STYLE_PAIRS:
		return random_percent(random, 70) ? 8 : 16 + 8 * random_below(random, 3);
	case STYLE_PAGES:
		return PAGE_BYTES * (1 + random_below(random, 5)) - 8 * random_below(random, 4);
	case STYLE_LARGE:
		return 8 + 8 * random_below(random, 8192);
	default:
		return borders[random_below(random, sizeof(borders) / sizeof(borders[0]))];
	}
}

static inline uint64_t heap_any_request(struct random *random, uint64_t usable)
{
	uint64_t near = min_u64(usable, 24);

	return random_percent(random, 20) ? usable : random_percent(random, 60) ? usable - random_below(random, near) :
	       random_percent(random, 10) ? 0 : random_below(random, usable + 1);
}

/* Blocks from @from on until the area is full; one may reach over its end. Returns where the last one ends. */
static inline uint64_t heap_fill_area(struct heap *h, struct random *random, int area, uint64_t from)
{
	const uint64_t end = h->area[area] + AREA_BYTES;
	enum heap_style style = (enum heap_style)random_below(random, HEAP_STYLES);
	unsigned gaps = (unsigned)random_below(random, 3) * 20;
	bool reach = random_percent(random, 50);

	while (from < end) {
		uint64_t usable = heap_any_usable(random, style);

		if (random_percent(random, gaps))
			from += 16 * random_below(random, random_percent(random, 90) ? 8 : 2048);
		if (random_percent(random, 5))
			style = (enum heap_style)random_below(random, HEAP_STYLES);
		if (usable > 8)
			from = (from + (style == STYLE_PAGES && random_percent(random, 50) ? PAGE_BYTES - 1 : 15)) &
			       ~(style == STYLE_PAGES && from % PAGE_BYTES == 0 ? PAGE_BYTES - 1 : 15UL);
		if (from >= end)
			break;
		if (from + usable > end && !reach)
			break;
		if (from + usable > end && area + 1 < AREAS && random_percent(random, 50)) /* into the next area */
			usable = h->area[area + 1] - from + 8 * random_below(random, AREA_BYTES / 8);
		heap_add_block(h, from, heap_any_request(random, usable), usable);
		from += usable > 8 ? (usable + 15) & ~15UL : 8; /* only blocks of eight bytes share a granule */
	}
	return from;
}

/* @read: pages that were only read, too; @shared: pages that a fork left shared, too. */
static inline void heap_lay_out(struct heap *h, struct random *random, bool read, bool shared)
{
	uint64_t from = 0;

	heap_clear(h);
	for (int i = 0; i < AREAS; i++) {
		unsigned resident = (unsigned)random_below(random, 5) * 25;
		unsigned stretch = random_percent(random, 50) ? 1 : 16;

		from = heap_fill_area(h, random, i, max_u64(from, h->area[i]));
		for (uint64_t page = 0; page < AREA_PAGES;) {
			uint64_t end = page + 1 + random_below(random, stretch);
			enum page_state state = random_percent(random, resident) ? PAGE_OWN : PAGE_UNTOUCHED;

			if (state == PAGE_OWN && shared && random_percent(random, 50))
				state = PAGE_SHARED;
			if (state == PAGE_UNTOUCHED && read && random_percent(random, 30))
				state = PAGE_READ;
			for (; page < end && page < AREA_PAGES; page++)
				h->page[i][page] = (uint8_t)state;
		}
		for (uint64_t cut = random_below(random, 4), at = 0; cut; cut--) {
			at += random_below(random, AREA_PAGES / 4);
			h->cuts[i][h->cut_count[i]++] = h->area[i] + at * PAGE_BYTES;
		}
	}
}

/* What the model says, byte by byte. */

static inline bool heap_page_is_resident(const struct heap *h, int area, uint64_t page)
{
	return h->page[area][page] >= PAGE_OWN || (h->page[area][page] == PAGE_READ && !h->zero_page);
}

static inline void heap_count_page(const struct heap *h, int area, uint64_t page, struct heap_figures *f)
{
	const uint8_t *kind = &h->kind[area][page * PAGE_BYTES];
	bool shared = h->page[area][page] == PAGE_SHARED, resident = heap_page_is_resident(h, area, page);
	uint64_t requested = 0, taken = 0;

	for (uint64_t at = 0; at < PAGE_BYTES; at++) {
		int row = kind[at] == BYTE_REQUESTED ? 0 : kind[at] == BYTE_SLACK ? 1 : 2;

		f->mapped[row]++;
		f->resident[row] += resident;
		f->shared[row] += shared;
		requested += row == 0;
		taken += row != 2;
	}
	if (!resident)
		return;
	f->fill_pages[requested ? min_u64(1 + requested * 10 / PAGE_BYTES, 10) : 0]++;
	f->free_on_empty += taken ? 0 : PAGE_BYTES;
}

static inline void heap_expect(const struct heap *h, struct heap_figures *f)
{
	memset(f, 0, sizeof(*f));
	for (int i = 0; i < AREAS; i++)
		for (uint64_t page = 0; page < AREA_PAGES; page++)
			heap_count_page(h, i, page, f);
	f->live_blocks = h->blocks;
}

/* From the model into the block map and into memory */

static inline bool heap_enter(const struct heap *h)
{
	for (uint32_t i = 0; i < h->blocks; i++)
		if (!blockmap_set(h->block[i].address, h->block[i].requested, h->block[i].usable))
			return false;
	return true;
}

/* Empties the map; its pages are then as if they had never been written. */
static inline void heap_erase(void)
{
	for (uint32_t i = 1; i <= blockmap.leaves; i++)
		madvise(blockmap.leaf[i], LEAF_BYTES, MADV_DONTNEED);
}

/* Writes or reads the pages in one of the states from @first to @last. */
static inline void heap_touch(const struct heap *h, enum page_state first, enum page_state last)
{
	for (int i = 0; i < AREAS; i++) {
		for (uint64_t page = 0; page < AREA_PAGES; page++) {
			volatile uint8_t *byte = (uint8_t *)(h->area[i] + page * PAGE_BYTES);

			if (h->page[i][page] < first || h->page[i][page] > last)
				continue;
			if (h->page[i][page] == PAGE_READ)
				(void)*byte;
			else
				*byte = 1;
		}
	}
}

static inline void heap_give_back(const struct heap *h)
{
	for (int i = 0; i < AREAS; i++)
		madvise((void *)h->area[i], AREA_BYTES, MADV_DONTNEED);
}

#endif
