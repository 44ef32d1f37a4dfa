/* SPDX-License-Identifier: MIT */
/* A hash table of places; of a machine with so many huge pages that it is full, every place may be one. */
#include "fault_order.h"

#include <stdlib.h>

#include "memory.h"

#define HUGE_SHIFT 21
#define PLACES     65536                /* 64 GiB in huge pages, half of the room */

struct huge_places {
	uint64_t keys[2 * PLACES];      /* address >> HUGE_SHIFT, plus 1; 0: unused */
	size_t   used;
};

struct huge_places *huge_places_new(void)
{
	return memory_get(sizeof(struct huge_places));
}

void huge_places_free(struct huge_places *places)
{
	free(places);
}

static size_t place_of(const struct huge_places *places, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15ULL >> 32) & (2 * PLACES - 1);

	while (places->keys[at] && places->keys[at] != key)
		at = (at + 1) & (2 * PLACES - 1);
	return at;
}

void huge_places_add(struct huge_places *places, uint64_t address)
{
	uint64_t key = (address >> HUGE_SHIFT) + 1;
	size_t at = place_of(places, key);

	if (places->keys[at] || places->used == PLACES)
		return;
	places->keys[at] = key;
	places->used++;
}

bool huge_places_have(const struct huge_places *places, uint64_t address)
{
	uint64_t key = (address >> HUGE_SHIFT) + 1;

	return places->used && (places->used == PLACES || places->keys[place_of(places, key)] == key);
}

static void add(struct capture_order_row *row, const struct sharing_write *write)
{
	if (!write->known)
		*(write->verdict == SHARING_COPIED ? &row->unseen_copied_pages : &row->unseen_reused_pages) += write->pages;
	else if (write->verdict == SHARING_COPIED)
		row->copied_pages += write->pages;
	else if (write->verdict == SHARING_REUSED)
		row->reused_pages += write->pages;
	else
		row->ambiguous_pages += write->pages;
}

void fault_order_count(struct capture_order *order, const struct sharing_write *write, const struct fault_part *part)
{
	struct capture_order_side *side = write->fork ? &write->fork->by_parent : &order->by_child;
	bool placed = part->row < CAPTURE_ROWS;
	enum capture_row row = placed && part->row <= ROW_HEAP_FREE ? ROW_HEAP_LIVE : part->row;

	if (write->verdict == SHARING_NONE)
		return;
	if (placed && (part->backing == BACKING_SHARED || part->backing == BACKING_KERNEL))
		return;
	add(placed ? &side->rows[row] : &side->unplaced, write);
	if (write->fork)
		add(&order->as_parent, write);
}
