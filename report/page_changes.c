/* SPDX-License-Identifier: MIT */
/* Linear probing: all changes of a page lie between the place of its hash and the next empty one. */
#include "page_changes.h"

#include <stdlib.h>

#include "memory.h"

#define FAULT_NS 15000ULL               /* what a fault takes at most, unless its processor is taken away meanwhile */
#define NEIGHBOURS 8                    /* two cache lines */
#define LEAVE_NS 100ULL                 /* the same for a page that is let go */

/* Neighbours are written one after the other, and so lie beside each other. */
static size_t place_of(const struct page_changes *changes, uint64_t page)
{
	uint64_t group = page / NEIGHBOURS * 0x9e3779b97f4a7c15ULL >> 32;

	return (group * NEIGHBOURS + page % NEIGHBOURS) & (changes->room - 1);
}

/* The next change of a page from a place on; NULL: no more. */
static struct page_change *find(const struct page_changes *changes, uint64_t page, size_t *place)
{
	struct page_change *change;

	while (changes->room) {
		change = &changes->changes[*place];
		*place = (*place + 1) & (changes->room - 1);
		if (!change->page)
			return NULL;
		if (change->page == page)
			return change;
	}
	return NULL;
}

static bool is_in(const struct pages_left *left, uint64_t page)
{
	return page >= left->first && page < left->end;
}

uint64_t page_changes_last(const struct page_changes *changes, uint64_t page, uint64_t until_ns)
{
	size_t place = place_of(changes, page);
	const struct page_change *change;
	uint64_t last = 0;

	while ((change = find(changes, page, &place)))
		if (change->at_ns <= until_ns && change->at_ns > last)
			last = change->at_ns;
	for (size_t i = 0; i < changes->lefts_used; i++) {
		const struct pages_left *left = &changes->lefts[i];

		if (is_in(left, page) && left->at_ns <= until_ns && left->at_ns > last)
			last = left->at_ns;
	}
	return last;
}

uint64_t page_changes_first(const struct page_changes *changes, uint64_t page, uint64_t after_ns)
{
	size_t place = place_of(changes, page);
	const struct page_change *change;
	uint64_t first = PAGE_CHANGES_NEVER;

	while ((change = find(changes, page, &place)))
		if (change->at_ns > after_ns && change->at_ns < first)
			first = change->at_ns;
	for (size_t i = 0; i < changes->lefts_used; i++) {
		const struct pages_left *left = &changes->lefts[i];

		if (is_in(left, page) && left->at_ns > after_ns && left->at_ns < first)
			first = left->at_ns;
	}
	return first;
}

uint64_t page_changes_settled(const struct page_changes *changes, uint64_t page, uint64_t at_ns)
{
	for (size_t i = 0; i < changes->lefts_used; i++) {
		const struct pages_left *left = &changes->lefts[i];

		if (left->at_ns == at_ns && is_in(left, page))
			return at_ns + FAULT_NS + (left->end - left->first) * LEAVE_NS;
	}
	return at_ns + FAULT_NS;
}

bool page_changes_moved(const struct page_changes *changes, uint64_t page, uint64_t at_ns)
{
	for (size_t i = 0; i < changes->lefts_used; i++)
		if (changes->lefts[i].moved && changes->lefts[i].at_ns == at_ns && is_in(&changes->lefts[i], page))
			return true;
	return false;
}

static void put(struct page_changes *changes, uint64_t page, uint64_t at_ns)
{
	size_t place = place_of(changes, page);

	while (changes->changes[place].page)
		place = (place + 1) & (changes->room - 1);
	changes->changes[place] = (struct page_change){ page, at_ns };
	changes->used++;
}

/* Makes a new table of what is later than a time; 0: of all. */
static void rebuild(struct page_changes *changes, size_t room, uint64_t after_ns)
{
	struct page_change *old = changes->changes;
	size_t old_room = changes->room;

	changes->changes = memory_get(room * sizeof(changes->changes[0]));
	changes->room = room;
	changes->used = 0;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].page && (!after_ns || old[i].at_ns > after_ns))
			put(changes, old[i].page, old[i].at_ns);
	free(old);
}

void page_changes_add(struct page_changes *changes, uint64_t page, uint64_t at_ns)
{
	if (2 * changes->used >= changes->room)
		rebuild(changes, changes->room ? changes->room * 2 : 64, 0);
	put(changes, page, at_ns);
}

bool page_changes_move(struct page_changes *changes, uint64_t page, uint64_t from_ns, uint64_t to_ns)
{
	size_t place = place_of(changes, page);
	struct page_change *change;

	while ((change = find(changes, page, &place)))
		if (change->at_ns == from_ns) {
			change->at_ns = to_ns;
			return true;
		}
	return false;
}

void page_changes_leave(struct page_changes *changes, uint64_t first, uint64_t end, uint64_t at_ns, bool moved)
{
	if (changes->lefts_used == changes->lefts_room) {
		changes->lefts_room = changes->lefts_room ? changes->lefts_room * 2 : 8;
		changes->lefts = memory_more(changes->lefts, changes->lefts_room * sizeof(changes->lefts[0]));
	}
	changes->lefts[changes->lefts_used++] = (struct pages_left){ first, end, at_ns, moved };
}

void page_changes_merge(struct page_changes *into, const struct page_changes *from, uint64_t until_ns)
{
	for (size_t i = 0; i < from->room; i++) {
		const struct page_change *change = &from->changes[i];

		if (change->page && change->at_ns <= until_ns && !page_changes_last(into, change->page, until_ns))
			page_changes_add(into, change->page, change->at_ns);
	}
	for (size_t i = 0; i < from->lefts_used; i++)
		if (from->lefts[i].at_ns <= until_ns)
			page_changes_leave(into, from->lefts[i].first, from->lefts[i].end, from->lefts[i].at_ns,
					   from->lefts[i].moved);
}

void page_changes_forget(struct page_changes *changes, uint64_t until_ns)
{
	size_t kept = 0, room = 64;

	if (until_ns == PAGE_CHANGES_NEVER) {
		free(changes->changes);
		free(changes->lefts);
		*changes = (struct page_changes){ 0 };
		return;
	}
	for (size_t i = 0; i < changes->room; i++)
		kept += changes->changes[i].page && changes->changes[i].at_ns > until_ns;
	while (room < 2 * kept)
		room *= 2;
	rebuild(changes, room, until_ns);
	kept = 0;
	for (size_t i = 0; i < changes->lefts_used; i++)
		if (changes->lefts[i].at_ns > until_ns)
			changes->lefts[kept++] = changes->lefts[i];
	changes->lefts_used = kept;
}
