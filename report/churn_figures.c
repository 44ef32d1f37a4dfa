/* SPDX-License-Identifier: MIT */
/*
 * Advice is given where it is known to apply: by whose memory it was, by how glibc had got it, and by what the allocator calls the
 * setting in its documentation (mallopt(3); jemalloc(3), TUNING; mimalloc's and gperftools's lists of environment variables).
 *
 * glibc moves its threshold for mapping blocks alone upwards as such blocks are freed, and the threshold for trimming with it; who
 * sets one of the two fixes both. So where blocks are large enough to be concerned, both are named.
 */
#include "churn_figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define MIB             (1ULL << 20)
#define ENOUGH          1000            /* faults: fewer are not worth a setting */
#define PAD             (256ULL << 10)  /* what trimming leaves at the end of the heap (M_TOP_PAD), and more */
#define MAPPED_CLASS    18              /* of sizes: from here on, blocks may be mapped alone: 128 KiB, M_MMAP_THRESHOLD */
#define HEADER          4096            /* a block's, and more: it counts where the threshold is compared */
#define MOST_THRESHOLD  (32 * MIB)      /* that M_MMAP_THRESHOLD takes: HEAP_MAX_SIZE / 2, malloc.c */
#define ARENA           (64 * MIB)      /* HEAP_MAX_SIZE: what an arena for threads gives back from its end is less */

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

/* The largest block was smaller than this; 0: none was large enough to be mapped alone. */
static uint64_t largest_block(const struct capture_totals *heap)
{
	for (size_t class = CAPTURE_SIZE_CLASSES - 1; class >= MAPPED_CLASS; class--)
		if (heap->size_class[class])
			return 1ULL << class;
	return 0;
}

/* Blocks that glibc would map alone must come from the heap too; those that are too large for that only do when none is mapped. */
static void advise_glibc(struct churn_figures *figures, const struct capture *c, const struct capture_totals *heap)
{
	const struct capture_faults *faults = &c->faults;
	bool arena = faults->churn_arena_faults && faults->churn_pages[ROW_HEAP_LIVE] * c->page_size < ARENA; /* else it may have parts */
	uint64_t largest = largest_block(heap), trim = faults->churn_break_bytes + PAD;

	if (arena && trim < ARENA)
		trim = ARENA;
	if (largest && heap->peak_live_bytes != CAPTURE_UNKNOWN) /* all of which may lie at its end */
		trim += heap->peak_live_bytes + heap->peak_live_bytes / 8;
	figures->advice = memory_format("MALLOC_TRIM_THRESHOLD_=%" PRIu64, round_up(trim));
	if (largest > MOST_THRESHOLD)
		memory_append(&figures->advice, " MALLOC_MMAP_MAX_=0");
	else if (largest)
		memory_append(&figures->advice, " MALLOC_MMAP_THRESHOLD_=%" PRIu64,
			      largest < MOST_THRESHOLD ? (uint64_t)(largest + HEADER) : (uint64_t)MOST_THRESHOLD);
	figures->advice_faults = figure_sum(faults->churn_break_faults, faults->churn_block_faults);
	if (arena)
		figures->advice_faults += faults->churn_arena_faults;
}

/* The name of the file, without its folder. */
static bool is_called(const char *path, const char *start)
{
	const char *slash = strrchr(path, '/');

	return !strncmp(slash ? slash + 1 : path, start, strlen(start));
}

static void advise_other(struct churn_figures *figures, const struct capture *c)
{
	if (is_called(c->allocator, "libjemalloc"))
		figures->advice = memory_format("MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1");
	else if (is_called(c->allocator, "libmimalloc.so.2.0") || is_called(c->allocator, "libmimalloc.so.1"))
		figures->advice = memory_format("MIMALLOC_PAGE_RESET=0 MIMALLOC_ALLOW_DECOMMIT=0");
	else if (is_called(c->allocator, "libmimalloc"))
		figures->advice = memory_format("MIMALLOC_PURGE_DELAY=-1");
	else if (is_called(c->allocator, "libtcmalloc"))
		figures->advice = memory_format("TCMALLOC_RELEASE_RATE=0");
	figures->advice_faults = figures->advice ? c->faults.churn_faults[ROW_HEAP_LIVE] : 0;
}

struct churn_figures churn_figures(const struct subject *subject)
{
	const struct capture *c = subject->capture;
	const struct capture_faults *faults = &c->faults;
	struct churn_figures figures = { .known = faults->method == FAULTS_SAMPLED };

	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		figures.pages = figure_sum(figures.pages, faults->churn_pages[row]);
		figures.faults = figure_sum(figures.faults, faults->churn_faults[row]);
	}
	figures.known &= figures.faults != CAPTURE_UNKNOWN && figures.pages != CAPTURE_UNKNOWN;
	figures.at_least = faults->partial || faults->lost || faults->churn_cut || faults->unplaced_minor > figures.faults / 100;
	if (!figures.known || !c->has_heap || faults->churn_faults[ROW_HEAP_LIVE] < ENOUGH)
		return figures;
	if (strcmp(c->allocator, "glibc"))
		advise_other(&figures, c);
	else if (!c->trims) /* a program that trims for itself does so whatever the threshold is */
		advise_glibc(&figures, c, &subject->heap);
	if (figures.advice_faults < ENOUGH || figures.advice_faults == CAPTURE_UNKNOWN) {
		free(figures.advice);
		figures.advice = NULL;
	}
	return figures;
}
