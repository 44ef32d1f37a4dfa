/* SPDX-License-Identifier: MIT */
/*
 * Ranges that overlap, made disjoint once, so that each lookup is one binary search whatever the file says. All bounds are sorted; between
 * two neighbours is a cell; the ranges paint their cells, the last one first, and no cell twice.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_internal.h"

#define NOBODY UINT32_MAX
#define RANGES_MOST ((size_t)4 << 20)      /* 96 MiB; a browser has a third of that */

static void append(struct symbol_ranges *r, struct symbol_range range)
{
	if (r->used == r->room) {
		r->room = r->room ? r->room * 2 : 64;
		r->ranges = memory_more(r->ranges, r->room * sizeof(r->ranges[0]));
	}
	r->ranges[r->used++] = range;
}

void symbol_ranges_add(struct symbol_ranges *r, uint64_t start, uint64_t end, uint32_t value)
{
	if (start < end && r->used < RANGES_MOST)
		append(r, (struct symbol_range){ start, end, value });
}

static int by_number(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int by_start(const void *left, const void *right)
{
	const struct symbol_range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

/* The bounds of all ranges, each once. Returns how many. */
static size_t bounds_of(const struct symbol_ranges *r, uint64_t *bounds)
{
	size_t count = 0;

	for (size_t i = 0; i < r->used; i++) {
		bounds[2 * i] = r->ranges[i].start;
		bounds[2 * i + 1] = r->ranges[i].end;
	}
	qsort(bounds, 2 * r->used, sizeof(bounds[0]), by_number);
	for (size_t i = 0; i < 2 * r->used; i++)
		if (!count || bounds[i] != bounds[count - 1])
			bounds[count++] = bounds[i];
	return count;
}

static size_t cell_at(const uint64_t *bounds, size_t count, uint64_t bound)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bounds[middle] < bound)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first cell from here on that is not painted; on the way, what led here leads farther. */
static size_t unpainted(uint32_t *next, size_t cell)
{
	while (next[cell] != cell) {
		next[cell] = next[next[cell]];
		cell = next[cell];
	}
	return cell;
}

static void paint(const struct symbol_ranges *r, const uint64_t *bounds, size_t count, uint32_t *owner)
{
	uint32_t *next = memory_get((count + 1) * sizeof(next[0]));

	for (size_t i = 0; i <= count; i++)
		next[i] = (uint32_t)i;
	for (size_t i = r->used; i--;) {
		size_t end = cell_at(bounds, count, r->ranges[i].end);

		for (size_t cell = unpainted(next, cell_at(bounds, count, r->ranges[i].start)); cell < end; cell = unpainted(next, cell)) {
			owner[cell] = (uint32_t)i;
			next[cell] = (uint32_t)cell + 1;
		}
	}
	free(next);
}

static void make_disjoint(struct symbol_ranges *r)
{
	uint64_t *bounds = memory_get(2 * r->used * sizeof(bounds[0]));
	size_t count = bounds_of(r, bounds);
	uint32_t *owner = memory_get(count * sizeof(owner[0]));
	struct symbol_ranges pieces = { 0 };

	memset(owner, 0xff, count * sizeof(owner[0]));
	paint(r, bounds, count, owner);
	for (size_t i = 0; i + 1 < count; i++) {
		if (owner[i] == NOBODY)
			continue;
		if (i && owner[i - 1] == owner[i])
			pieces.ranges[pieces.used - 1].end = bounds[i + 1];
		else
			append(&pieces, (struct symbol_range){ bounds[i], bounds[i + 1], r->ranges[owner[i]].value });
	}
	free(owner);
	free(bounds);
	free(r->ranges);
	*r = pieces;
}

/* Whether sorting would be enough; then it has been done. */
static bool sorts_disjoint(struct symbol_ranges *r)
{
	struct symbol_range *sorted;

	if (!r->used)
		return true;
	sorted = memory_get(r->used * sizeof(sorted[0]));
	memcpy(sorted, r->ranges, r->used * sizeof(sorted[0]));
	qsort(sorted, r->used, sizeof(sorted[0]), by_start);
	for (size_t i = 1; i < r->used; i++)
		if (sorted[i].start < sorted[i - 1].end) {
			free(sorted);
			return false;
		}
	free(r->ranges);
	r->ranges = sorted;
	r->room = r->used;
	return true;
}

void symbol_ranges_settle(struct symbol_ranges *r)
{
	if (!sorts_disjoint(r))
		make_disjoint(r);
}

const struct symbol_range *symbol_ranges_find(const struct symbol_ranges *r, uint64_t address)
{
	size_t low = 0, high = r->used;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->used && r->ranges[low].start <= address ? &r->ranges[low] : NULL;
}

void symbol_ranges_free(struct symbol_ranges *r)
{
	free(r->ranges);
	*r = (struct symbol_ranges){ 0 };
}
