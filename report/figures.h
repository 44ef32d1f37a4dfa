/* SPDX-License-Identifier: MIT */
/* What the fields of a checked capture add up to. */
#ifndef PAGEGAP_FIGURES_H
#define PAGEGAP_FIGURES_H

#include <stdbool.h>

#include "../preload/capture.h"
#include "recording.h"

/*
 * a + b and a - b of figures that can be unknown; a difference below zero is unknown too: the counts were read while
 * they moved.
 */
uint64_t figure_sum(uint64_t a, uint64_t b);
uint64_t figure_less(uint64_t a, uint64_t b);

/* Whether the allocator said, with this ledger, what it holds. */
bool figures_holdings(const struct capture *capture, const struct capture_snapshot *s);

/* Mapped bytes of heap.free that it did not name: 0 where nothing went on meanwhile. */
int64_t figures_unnamed(const struct capture_snapshot *s);

/* The heap of one image; all CAPTURE_UNKNOWN when malloc was not interposed. */
void figures_heap(const struct capture *capture, struct capture_totals *heap);

/* The library ran in it: what it counted means something. */
bool figures_observed(const struct capture *capture);

/* Several threads allocated or were made. */
bool figures_threaded(const struct capture *capture);

/* The ledger nearest to the end of the image, or NULL. */
const struct capture_snapshot *figures_snapshot(const struct capture *capture);

/* All ledgers that are whole, oldest first. Returns their number. */
size_t figures_snapshots(const struct capture *capture, const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS]);

/* Sum of the rows of a ledger. */
struct capture_amounts figures_sum(const struct capture_snapshot *snapshot);

const struct capture_noted *figures_note(const struct capture *capture, enum capture_note kind);

/*
 * The page faults of an image. What is counted adds up: attributed + in_kernel + lost = minor + major, which are the
 * kernel's own counts, from the end of the image before this one in the same process to the end of this one.
 */
struct fault_figures {
	uint64_t minor, major;
	bool     sampled;               /* else nothing below is known */
	bool     partial;               /* only some of the minor ones were: in_kernel is unknown, by row they are a sample */
	uint64_t attributed;            /* taken in user mode: by row, unplaced or early */
	uint64_t unplaced;              /* of memory that was gone before anybody asked whose it was */
	uint64_t early;                 /* of the process before this program was executed in it */
	uint64_t in_kernel;             /* inside system calls */
	uint64_t lost;
	uint64_t minor_fault_ns;        /* what a first touch costs here; CAPTURE_UNKNOWN: not measured */
};
struct fault_figures figures_faults(const struct recording *recording, size_t index, const struct capture *capture);

/* Wall clock time of an image, from its exec if that is how it began; of one that runs, until now. */
uint64_t figures_wall(const struct image *image);

uint64_t now_ns(void); /* CLOCK_MONOTONIC */

#endif
