/* SPDX-License-Identifier: MIT */
/* A sorted array of parts, found by bisection. */
#include "fault_space.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct fault_space {
	struct fault_part *parts;
	size_t used, room;
	uint32_t holders;
};

/* The heap is one; so is an arena with what it has given back, for a fault takes that out again. */
static enum capture_row whole_heap(uint32_t row, enum ledger_backing backing)
{
	return row == ROW_HEAP_SLACK || row == ROW_HEAP_FREE || backing == BACKING_ARENA ? ROW_HEAP_LIVE : (enum capture_row)row;
}

static void add(void *context, uint64_t start, uint64_t end, enum capture_row row, enum ledger_backing backing)
{
	struct fault_space *space = context;
	struct fault_part *last = space->used ? &space->parts[space->used - 1] : NULL;

	row = whole_heap(row, backing);
	if (row == ROW_RESERVE) /* without access nothing comes there: what has a fault later has been changed since */
		return;
	if (last && last->end == start && last->row == row && last->backing == backing && backing != BACKING_BLOCK) {
		last->end = end;
		return;
	}
	if (space->used == space->room) {
		space->room = space->room ? space->room * 2 : 64;
		space->parts = memory_more(space->parts, space->room * sizeof(space->parts[0]));
	}
	space->parts[space->used++] = (struct fault_part){ start, end, row, backing };
}

static int by_start(const void *a, const void *b)
{
	const struct fault_part *first = a, *second = b;

	return first->start < second->start ? -1 : first->start > second->start;
}

static struct fault_space *new_space(void)
{
	struct fault_space *space = memory_get(sizeof(*space));

	space->holders = 1;
	return space;
}

static struct fault_space *finish(struct fault_space *space)
{
	if (!space->used) {
		fault_space_drop(space);
		return NULL;
	}
	qsort(space->parts, space->used, sizeof(space->parts[0]), by_start);
	return space;
}

struct fault_space *fault_space_of(const struct capture *capture, pid_t pid)
{
	struct fault_space *space = new_space();

	if (ledger_claims(capture, pid, add, space))
		space->used = 0;
	return finish(space);
}

/* Which part of the heap a mapping is was not recorded, but for the break. */
static enum ledger_backing recorded_backing(const struct capture_mapping *mapping)
{
	if (mapping->row == ROW_KERNEL)
		return BACKING_KERNEL;
	if (mapping->protection & CAPTURE_SHARED)
		return BACKING_SHARED;
	if (!strcmp(mapping->name, "[heap]") && mapping->row == ROW_HEAP_LIVE)
		return BACKING_BREAK;
	return mapping->name[0] && mapping->name[0] != '[' && strcmp(mapping->name, "/dev/zero") ? BACKING_PRIVATE_FILE
											      : BACKING_ANONYMOUS;
}

struct fault_space *fault_space_recorded(const struct capture *capture)
{
	struct fault_space *space = new_space();

	for (uint32_t i = 0; i < capture->mappings_used && i < CAPTURE_MAPPINGS; i++) {
		const struct capture_mapping *mapping = &capture->mappings[i];

		if (mapping->row < CAPTURE_ROWS && mapping->start < mapping->end)
			add(space, mapping->start, mapping->end, (enum capture_row)mapping->row, recorded_backing(mapping));
	}
	return finish(space);
}

struct fault_space *fault_space_share(struct fault_space *space)
{
	if (space)
		space->holders++;
	return space;
}

void fault_space_drop(struct fault_space *space)
{
	if (!space || --space->holders)
		return;
	free(space->parts);
	free(space);
}

struct fault_part fault_space_part(const struct fault_space *space, uint64_t address)
{
	size_t low = 0, high = space ? space->used : 0;

	while (low < high) { /* the first part that ends above the address */
		size_t middle = low + (high - low) / 2;

		if (space->parts[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	if (!space || low == space->used || space->parts[low].start > address)
		return (struct fault_part){ .row = CAPTURE_ROWS };
	return space->parts[low];
}
