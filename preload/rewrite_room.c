/* SPDX-License-Identifier: MIT */
/* One sorted array of trampolines; questions about pages are questions about neighbours in it. */
#include "rewrite_room.h"

#include <string.h>

static uint64_t page_of(uint64_t address)
{
	return address & ~(ROOM_PAGE - 1);
}

/* The first trampoline that ends above an address. */
static uint64_t trampoline_after(const struct rewrite_room *room, uint64_t address)
{
	uint64_t low = 0, high = room->used;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (room->trampolines[middle].start + room->trampolines[middle].bytes > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool has_trampoline(const struct rewrite_room *room, uint64_t start, uint64_t end)
{
	uint64_t next = trampoline_after(room, start);

	return next < room->used && room->trampolines[next].start < end;
}

static bool is_mapped(const struct rewrite_space *space, uint64_t start, uint64_t end)
{
	uint64_t low = 0, high = space->ranges;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (space->mapped[middle].end > start)
			high = middle;
		else
			low = middle + 1;
	}
	return low < space->ranges && space->mapped[low].start < end;
}

static bool meets(struct address_range range, uint64_t start, uint64_t end)
{
	return start < range.end && range.start < end;
}

bool room_has_page(const struct rewrite_room *room, uint64_t page)
{
	return has_trampoline(room, page, page + ROOM_PAGE);
}

enum rewrite_refusal room_refuses(const struct rewrite_room *room, const struct rewrite_space *space, uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes;

	if (start < USER_START || start >= USER_END || end > USER_END)
		return REFUSE_RANGE;
	if (room->used == ROOM_MOST)
		return REFUSE_FULL;
	if (has_trampoline(room, start, end))
		return REFUSE_OVERLAP;
	for (uint64_t page = page_of(start); page < end; page += ROOM_PAGE) {
		if (room_has_page(room, page)) /* mapped, by us */
			continue;
		if (meets(space->break_zone, page, page + ROOM_PAGE))
			return REFUSE_BREAK;
		if (meets(space->stack_zone, page, page + ROOM_PAGE))
			return REFUSE_STACK;
		if (is_mapped(space, page, page + ROOM_PAGE))
			return REFUSE_TAKEN;
	}
	return REFUSE_ACCEPTED;
}

struct search {
	const struct rewrite_room *room;
	const struct rewrite_space *space;
	uint64_t site, bytes, best;     /* best: 0: none yet */
};

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void try(struct search *search, uint64_t start)
{
	uint64_t nearest = search->best ? distance(search->best, search->site) : ROOM_REACH + 1;

	if (distance(start, search->site) < nearest && !room_refuses(search->room, search->space, start, search->bytes))
		search->best = start;
}

/* The free page that is nearest begins or ends where something else ends or begins. */
static void try_beside(struct search *search, uint64_t start, uint64_t end)
{
	try(search, end);
	try(search, start - ROOM_PAGE);
}

uint64_t room_near(const struct rewrite_room *room, const struct rewrite_space *space, uint64_t site, uint64_t bytes)
{
	struct search search = { room, space, site, bytes, 0 };

	for (uint64_t i = 0; i < room->used; i++) {
		uint64_t start = room->trampolines[i].start + room->trampolines[i].bytes;

		if (start % ROOM_PAGE && start % ROOM_PAGE + bytes <= ROOM_PAGE)
			try(&search, start);
	}
	if (search.best)
		return search.best;
	for (uint64_t i = 0; i < space->ranges; i++)
		try_beside(&search, space->mapped[i].start, space->mapped[i].end);
	for (uint64_t i = 0; i < room->used; i++)
		try_beside(&search, page_of(room->trampolines[i].start),
			   page_of(room->trampolines[i].start + room->trampolines[i].bytes - 1) + ROOM_PAGE);
	try_beside(&search, space->break_zone.start, space->break_zone.end);
	try_beside(&search, space->stack_zone.start, space->stack_zone.end);
	return search.best;
}

void room_enter(struct rewrite_room *room, struct trampoline trampoline)
{
	uint64_t at = trampoline_after(room, trampoline.start);

	memmove(&room->trampolines[at + 1], &room->trampolines[at], (room->used - at) * sizeof(room->trampolines[0]));
	room->trampolines[at] = trampoline;
	room->used++;
}

void room_forget(struct rewrite_room *room, uint64_t start, uint64_t end)
{
	uint64_t kept = 0;

	for (uint64_t i = 0; i < room->used; i++)
		if (room->trampolines[i].site < start || room->trampolines[i].site >= end)
			room->trampolines[kept++] = room->trampolines[i];
	room->used = kept;
}
