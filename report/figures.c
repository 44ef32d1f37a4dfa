/* SPDX-License-Identifier: MIT */
/*
 * Sums over a capture. Counters of one thread mean nothing, their sum does; a figure that one part does not know is
 * unknown.
 */
#include "figures.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t figure_sum(uint64_t a, uint64_t b)
{
	uint64_t sum;

	if (a == CAPTURE_UNKNOWN || b == CAPTURE_UNKNOWN || __builtin_add_overflow(a, b, &sum))
		return CAPTURE_UNKNOWN;
	return sum;
}

uint64_t figure_less(uint64_t a, uint64_t b)
{
	return a == CAPTURE_UNKNOWN || b == CAPTURE_UNKNOWN || b > a ? CAPTURE_UNKNOWN : a - b;
}

bool figures_holdings(const struct capture *capture, const struct capture_snapshot *s)
{
	const struct capture_holdings *h = &s->holdings;

	for (size_t i = 0; i < CAPTURE_FREE_PARTS; i++)
		if (h->free_bytes[i] == CAPTURE_UNKNOWN)
			return false;
	return capture->has_heap && h->mapped_bytes && h->mapped_bytes != CAPTURE_UNKNOWN &&
	       s->rows[ROW_HEAP_FREE].mapped_bytes != CAPTURE_UNKNOWN;
}

int64_t figures_unnamed(const struct capture_snapshot *s)
{
	int64_t unnamed = (int64_t)s->rows[ROW_HEAP_FREE].mapped_bytes;

	for (size_t i = 0; i < CAPTURE_FREE_PARTS; i++)
		unnamed -= (int64_t)s->holdings.free_bytes[i];
	return unnamed;
}

static bool slot_used(const struct capture_counters *slot)
{
	return slot->tid || slot->requested_bytes || slot->frees || slot->failed;
}

bool figures_observed(const struct capture *capture)
{
	static const enum capture_note unobserved[] = {
		NOTE_STATIC, NOTE_SETUID, NOTE_ARCHITECTURE, NOTE_LIBC, NOTE_NOT_PRELOADED,
	};

	for (size_t i = 0; i < sizeof(unobserved) / sizeof(unobserved[0]); i++)
		if (figures_note(capture, unobserved[i]))
			return false;
	return true;
}

const struct capture_noted *figures_note(const struct capture *capture, enum capture_note kind)
{
	for (size_t i = 0; i < CAPTURE_NOTES; i++)
		if (capture->notes[i].kind == kind)
			return &capture->notes[i];
	return NULL;
}

/* A figure out of capture_totals, whose sums may have wrapped: below zero, or nonsense. */
static uint64_t plausible(uint64_t figure)
{
	return figure > UINT64_MAX >> 2 ? CAPTURE_UNKNOWN : figure;
}

void figures_heap(const struct capture *c, struct capture_totals *heap)
{
	uint64_t *figures[] = {
		&heap->allocations,
		&heap->frees,
		&heap->reallocations,
		&heap->failed,
		&heap->requested_bytes,
		&heap->freed_bytes,
		&heap->live_blocks,
		&heap->live_bytes,
		&heap->usable_live_bytes,
		&heap->peak_live_bytes,
		&heap->untracked,
		&heap->untracked_bytes,
		&heap->unknown_frees,
	};

	if (!c->has_heap) {
		memset(heap, 0xff, sizeof(*heap)); /* CAPTURE_UNKNOWN everywhere */
		heap->writers = 0;
		return;
	}
	capture_totals(c, heap);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		*figures[i] = plausible(*figures[i]);
	if (heap->peak_live_bytes != CAPTURE_UNKNOWN && heap->live_bytes != CAPTURE_UNKNOWN &&
	    heap->live_bytes > heap->peak_live_bytes)
		heap->peak_live_bytes = heap->live_bytes; /* what lives now was reached */
}

bool figures_threaded(const struct capture *capture)
{
	size_t used = 0;

	for (size_t i = 1; i < CAPTURE_COUNTERS; i++)
		used += slot_used(&capture->counters[i]);
	return used > 1;
}

static int earlier(const void *a, const void *b)
{
	const struct capture_snapshot *first = *(const struct capture_snapshot *const *)a;
	const struct capture_snapshot *second = *(const struct capture_snapshot *const *)b;

	if (first->at_ns != second->at_ns)
		return first->at_ns < second->at_ns ? -1 : 1;
	return first < second ? 1 : -1; /* the last ledger stands first in the file */
}

size_t figures_snapshots(const struct capture *capture, const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS])
{
	size_t count = 0;

	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++)
		if (capture->snapshots[i].sequence)
			sorted[count++] = &capture->snapshots[i];
	qsort(sorted, count, sizeof(sorted[0]), earlier);
	return count;
}

const struct capture_snapshot *figures_snapshot(const struct capture *capture)
{
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS] = { NULL };
	size_t count = figures_snapshots(capture, sorted);

	return count ? sorted[count - 1] : NULL;
}

struct capture_amounts figures_sum(const struct capture_snapshot *snapshot)
{
	struct capture_amounts sum = { 0 };

	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		const struct capture_amounts *row = &snapshot->rows[i];

		sum.mapped_bytes = figure_sum(sum.mapped_bytes, row->mapped_bytes);
		sum.resident_bytes = figure_sum(sum.resident_bytes, row->resident_bytes);
		sum.dirty_bytes = figure_sum(sum.dirty_bytes, row->dirty_bytes);
		sum.shared_bytes = figure_sum(sum.shared_bytes, row->shared_bytes);
		sum.swap_bytes = figure_sum(sum.swap_bytes, row->swap_bytes);
		sum.huge_bytes = figure_sum(sum.huge_bytes, row->huge_bytes);
	}
	return sum;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t figures_wall(const struct image *image)
{
	return figure_less(image->end == END_RUNNING ? now_ns() : image->end_ns, image->since_ns);
}
