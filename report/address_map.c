/* SPDX-License-Identifier: MIT */
/* A sorted array of disjoint pieces. Names are kept once for all the pieces that one event makes or splits into. */
#include "address_map.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define PIECES_MOST 4096

struct address_name { uint32_t holders; char text[]; };

struct address_map {
	struct address_piece *pieces;
	size_t used, room;
	uint32_t holders;
	bool cut;                       /* a piece found no place */
};

static struct address_name *hold(struct address_name *name)
{
	if (name)
		name->holders++;
	return name;
}

static void let_go(struct address_name *name)
{
	if (name && !--name->holders)
		free(name);
}

struct address_map *address_map_new(void)
{
	struct address_map *map = memory_get(sizeof(*map));

	map->holders = 1;
	return map;
}

struct address_map *address_map_share(struct address_map *map)
{
	if (map)
		map->holders++;
	return map;
}

void address_map_drop(struct address_map *map)
{
	if (!map || --map->holders)
		return;
	for (size_t i = 0; i < map->used; i++)
		let_go(map->pieces[i].name);
	free(map->pieces);
	free(map);
}

static struct address_map *own(struct address_map *shared)
{
	struct address_map *map;

	if (shared->holders == 1)
		return shared;
	map = address_map_new();
	map->cut = shared->cut;
	map->used = map->room = shared->used;
	if (map->used) {
		map->pieces = memory_get(map->room * sizeof(map->pieces[0]));
		memcpy(map->pieces, shared->pieces, map->used * sizeof(map->pieces[0]));
	}
	for (size_t i = 0; i < map->used; i++)
		hold(map->pieces[i].name);
	shared->holders--;
	return map;
}

/* The first piece that ends above an address. */
static size_t piece_after(const struct address_map *map, uint64_t address)
{
	size_t low = 0, high = map ? map->used : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->pieces[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Takes the piece's name over. */
static void insert(struct address_map *map, size_t at, struct address_piece piece)
{
	if (map->used == PIECES_MOST) {
		map->cut = true;
		let_go(piece.name);
		return;
	}
	if (map->used == map->room) {
		map->room = map->room ? map->room * 2 : 64;
		map->pieces = memory_more(map->pieces, map->room * sizeof(map->pieces[0]));
	}
	memmove(map->pieces + at + 1, map->pieces + at, (map->used - at) * sizeof(map->pieces[0]));
	map->pieces[at] = piece;
	map->used++;
}

static void move_start(struct address_piece *piece, uint64_t start)
{
	piece->offset += start - piece->start;
	piece->start = start;
}

/* Takes addresses out of all pieces. */
static void cut(struct address_map *map, uint64_t start, uint64_t end)
{
	size_t at = piece_after(map, start), gone;

	if (at == map->used)
		return;
	if (map->pieces[at].start < start) {
		struct address_piece tail = map->pieces[at];

		map->pieces[at++].end = start;
		if (tail.end > end) {
			move_start(&tail, end);
			hold(tail.name);
			insert(map, at, tail);
			return;
		}
	}
	for (gone = at; gone < map->used && map->pieces[gone].end <= end; gone++)
		let_go(map->pieces[gone].name);
	memmove(map->pieces + at, map->pieces + gone, (map->used - gone) * sizeof(map->pieces[0]));
	map->used -= gone - at;
	if (at < map->used && map->pieces[at].start < end)
		move_start(&map->pieces[at], end);
}

/* The kernel calls anonymous memory "//anon" here. */
static struct address_name *name_of(const struct fault_event *event)
{
	size_t length = event->name ? strlen(event->name) : 0;
	struct address_name *name;

	if (!length || !strcmp(event->name, "//anon"))
		return NULL;
	name = memory_get(sizeof(*name) + length + 1);
	name->holders = 1;
	memcpy(name->text, event->name, length);
	return name;
}

void address_map_note(struct address_map **map, const struct fault_event *event)
{
	uint64_t start = event->address, end = start + event->size;
	struct address_piece piece = {
		.start = start, .end = end, .protection = event->protection,
		.offset = event->offset, .device = event->device, .inode = event->inode,
	};

	if (end <= start)
		return;
	*map = own(*map);
	cut(*map, start, end);
	piece.name = name_of(event);
	insert(*map, piece_after(*map, start), piece);
}

bool address_map_complete(const struct address_map *map)
{
	return map && !map->cut;
}

const struct address_piece *address_map_at(const struct address_map *map, uint64_t address)
{
	size_t at = piece_after(map, address);

	return map && at < map->used && map->pieces[at].start <= address ? &map->pieces[at] : NULL;
}

const struct address_piece *address_map_below(const struct address_map *map, uint64_t address)
{
	size_t at = piece_after(map, address);

	return at ? &map->pieces[at - 1] : NULL;
}

const struct address_piece *address_map_above(const struct address_map *map, uint64_t address)
{
	size_t at = piece_after(map, address);

	if (map && at < map->used && map->pieces[at].start <= address)
		at++;
	return map && at < map->used ? &map->pieces[at] : NULL;
}

const char *address_piece_name(const struct address_piece *piece)
{
	return piece->name ? piece->name->text : "";
}
