/* SPDX-License-Identifier: MIT */
/*
 * The run that was observed: ledgers of its largest heap, how full that heap's pages were, and what all its forks made
 * the kernel copy.
 */
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "comparison.h"
#include "cow_figures.h"
#include "figures.h"
#include "memory.h"

/* Without pagegap's own memory. */
static struct observed_ledger ledger_of_snapshot(const struct capture_snapshot *snapshot)
{
	struct observed_ledger ledger = { .known = true };

	ledger.rss_bytes = figure_less(snapshot->rss_bytes, snapshot->rows[ROW_INSTRUMENT].resident_bytes);
	memcpy(ledger.rows, snapshot->rows, sizeof(ledger.rows));
	ledger.rows[ROW_INSTRUMENT] = (struct capture_amounts){ 0 };
	memcpy(ledger.fill_pages, snapshot->fill_pages, sizeof(ledger.fill_pages));
	return ledger;
}

/* How much was live, whatever the allocator made of it; without a heap, what was resident. */
static uint64_t height(const struct capture *capture, const struct capture_snapshot *snapshot)
{
	return capture->has_heap ? snapshot->rows[ROW_HEAP_LIVE].mapped_bytes : snapshot->rss_bytes;
}

static void take_ledgers(struct observed *observed, const struct capture *capture)
{
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS] = { NULL }, *highest;
	size_t count = figures_snapshots(capture, sorted);

	if (!count)
		return;
	highest = sorted[0];
	for (size_t i = 1; i < count; i++)
		if (height(capture, sorted[i]) > height(capture, highest))
			highest = sorted[i];
	free(observed->exe);
	free(observed->malloc);
	*observed = (struct observed){ .known = true, .has_heap = capture->has_heap };
	observed->exe = memory_copy(capture->exe, strlen(capture->exe));
	observed->malloc = *capture->allocator ? memory_copy(capture->allocator, strlen(capture->allocator)) : NULL;
	observed->note = figures_note(capture, NOTE_OWN_MALLOC) ? NOTE_OWN_MALLOC : NOTE_NONE;
	observed->ledgers[MOMENT_PEAK] = ledger_of_snapshot(highest);
	observed->ledgers[MOMENT_END] = ledger_of_snapshot(sorted[count - 1]);
}

/* The first process could not be preloaded, and nothing else was. */
static void take_reason(struct observed *observed, const struct capture *capture)
{
	for (size_t i = 0; i < CAPTURE_NOTES && !observed->known; i++) {
		enum capture_note kind = (enum capture_note)capture->notes[i].kind;

		if (kind == NOTE_STATIC || kind == NOTE_SETUID || kind == NOTE_ARCHITECTURE || kind == NOTE_LIBC ||
		    kind == NOTE_NOT_PRELOADED)
			observed->note = kind;
	}
}

/* Pages of all rows but the instrument's. */
static uint64_t pages_of(const struct cow_fork *fork, uint64_t sum, uint64_t instrument)
{
	return fork->sum.copied == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : figure_less(sum, instrument);
}

/* A fork that was watched has a figure for either side; of others one figure stands for both. */
static void take_fork(struct observed *sums, const struct cow_fork *fork)
{
	const struct cow_pages *instrument = &fork->rows[ROW_INSTRUMENT];
	uint64_t copied = pages_of(fork, fork->sum.copied, instrument->copied);
	uint64_t inherited = pages_of(fork, fork->sum.inherited, instrument->inherited);

	sums->forks += fork->side_child;
	if (!fork->side_child && !fork->watched)
		return;
	if (copied == CAPTURE_UNKNOWN) {
		sums->unknown_forks += fork->side_child;
		sums->copies_exact = sums->copies_exact && !fork->side_child;
		return;
	}
	sums->copied_pages += copied;
	sums->inherited_pages += fork->side_child && inherited != CAPTURE_UNKNOWN ? inherited : 0;
	sums->copies_exact = sums->copies_exact && fork->watched && !fork->bound;
}

static void take_forks(struct observed *sums, const struct recording *recording, size_t index)
{
	struct cow_figures figures = cow_figures(recording, index);

	for (size_t i = 0; i < figures.count; i++)
		take_fork(sums, &figures.forks[i]);
	cow_figures_free(&figures);
}

/* The same process under every allocator: what it asked for at most is the program's own doing. */
static bool is_larger(const struct capture *capture, bool known, bool has_heap, int64_t peak)
{
	if (!known || capture->has_heap != has_heap)
		return !known || capture->has_heap;
	return capture->peak_live_bytes > peak;
}

static void read_all(const struct recording *recording, struct observed *observed, struct observed *sums)
{
	int64_t peak = 0;

	for (size_t i = 0; i < recording->count; i++) {
		struct capture *capture = recording->buffer;

		if (!recording_load(recording, i, capture))
			continue;
		sums->processes += !recording->images[i].number;
		if (is_larger(capture, observed->known, observed->has_heap, peak)) {
			take_ledgers(observed, capture);
			peak = capture->peak_live_bytes;
		}
		take_reason(observed, capture);
		take_forks(sums, recording, i);
	}
}

struct observed observed_of(const char *path)
{
	struct observed observed = { 0 }, sums = { .copies_exact = true };
	int complaints = complain_fd;
	struct recording *recording;

	complain_fd = -1;
	recording = recording_open(path);
	if (recording)
		read_all(recording, &observed, &sums);
	if (recording)
		recording_close(recording);
	complain_fd = complaints;
	observed.processes = sums.processes;
	observed.forks = sums.forks;
	observed.unknown_forks = sums.unknown_forks;
	observed.inherited_pages = sums.inherited_pages;
	observed.copied_pages = sums.copied_pages;
	observed.copies_exact = sums.copies_exact;
	return observed;
}

void observed_free(struct observed *observed)
{
	free(observed->exe);
	free(observed->malloc);
}

uint64_t ledger_heap(const struct observed_ledger *ledger)
{
	uint64_t sum = 0;

	for (size_t row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE; row++)
		sum = figure_sum(sum, ledger->rows[row].resident_bytes);
	return sum;
}
