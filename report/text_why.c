/* SPDX-License-Identifier: MIT */
/*
 * Why mapped and resident exceed what was asked for: one sentence for each row that is large enough to matter, and the
 * page fill.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_text.h"
#include "rows.h"

#define LEAST_BYTES (64ULL << 10)
#define LEAST_SHARE 100         /* a row matters from 1/100 of the whole */

struct why {
	struct page *page;
	const struct subject *subject;
	const struct capture_snapshot *s;
	bool begun;
};

/* Large beside the kernel's own figure of the same kind. */
static bool matters(uint64_t bytes, uint64_t whole)
{
	return bytes != CAPTURE_UNKNOWN && bytes >= LEAST_BYTES &&
	       (whole == CAPTURE_UNKNOWN || bytes >= whole / LEAST_SHARE);
}

static bool row_matters(const struct why *why, enum capture_row row)
{
	const struct capture_amounts *amounts = &why->s->rows[row];

	return matters(amounts->mapped_bytes, why->s->vm_size_bytes) ||
	       matters(amounts->resident_bytes, why->s->rss_bytes);
}

static void say(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct why *why, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!why->begun) {
		page_gap(why->page);
		page_line(why->page, "Why mapped and resident exceed what was asked for");
	}
	why->begun = true;
	if (text)
		page_paragraph(why->page, 2, 4, "%s", text);
	free(text);
}

static void live(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_HEAP_LIVE];
	uint64_t untouched = figure_less(row->mapped_bytes, figure_sum(row->resident_bytes, row->swap_bytes));

	if (matters(untouched, row->mapped_bytes))
		say(why,
		    "%s of the %s asked for have never been touched, or were given back: no page stands behind them.",
		    BYTES(untouched), BYTES(row->mapped_bytes));
}

static void slack(struct why *why)
{
	struct page *page = why->page;
	uint64_t bytes = why->s->rows[ROW_HEAP_SLACK].mapped_bytes, blocks = why->s->live_blocks;

	if (!row_matters(why, ROW_HEAP_SLACK) || !blocks || blocks == CAPTURE_UNKNOWN)
		return;
	say(why, "%s are slack: the allocator rounds each block up, by %s on average for %s live blocks.", BYTES(bytes),
	    BYTES(bytes / blocks), COUNT(blocks));
}

/* Pages of the heap that hold some live bytes and room for more. */
static uint64_t mixed_pages(const struct capture_snapshot *s)
{
	uint64_t pages = 0;

	for (size_t i = 1; i + 1 < CAPTURE_FILL_BUCKETS; i++)
		pages = figure_sum(pages, s->fill_pages[i]);
	return pages;
}

/* The largest part that was not said yet, or CAPTURE_FREE_PARTS. */
static size_t next_part(const struct capture_holdings *h, const bool said[CAPTURE_FREE_PARTS])
{
	size_t most = CAPTURE_FREE_PARTS;

	for (size_t i = 0; i < CAPTURE_FREE_PARTS; i++)
		if (!said[i] && h->free_bytes[i] &&
		    (most == CAPTURE_FREE_PARTS || h->free_bytes[i] > h->free_bytes[most]))
			most = i;
	return most;
}

/* The parts of it, as the allocator names them. */
static void name_parts(struct why *why)
{
	struct page *page = why->page;
	const struct capture_holdings *h = &why->s->holdings;
	int64_t unnamed = figures_unnamed(why->s);
	bool said[CAPTURE_FREE_PARTS] = { false };
	char *parts = memory_format("By the allocator's own account these are");
	const char *between = " ";

	for (size_t i; (i = next_part(h, said)) < CAPTURE_FREE_PARTS; said[i] = true, between = ", ")
		memory_append(&parts, "%s%s %s", between, BYTES(h->free_bytes[i]), part_names[i]);
	if (unnamed)
		memory_append(&parts, "%s%s without a name", between, figure_cell(unnamed, page->exact).text);
	say(why, "%s.", parts);
	free(parts);
}

static void heap_free(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_HEAP_FREE];
	uint64_t empty = why->s->free_on_empty_bytes, pinned = figure_less(row->resident_bytes, empty);
	uint64_t untouched = figure_less(row->mapped_bytes, figure_sum(row->resident_bytes, row->swap_bytes));
	bool trims = !strcmp(why->subject->capture->allocator, "glibc") || figures_holdings(why->subject->capture, why->s);

	if (!row_matters(why, ROW_HEAP_FREE))
		return;
	if (matters(untouched, row->mapped_bytes))
		say(why,
		    "%s are free inside the allocator, headers and its own tables included; %s of them have no page "
		    "behind them.",
		    BYTES(row->mapped_bytes), BYTES(untouched));
	else
		say(why, "%s are free inside the allocator, headers and its own tables included.",
		    BYTES(row->mapped_bytes));
	if (figures_holdings(why->subject->capture, why->s))
		name_parts(why);
	if (matters(pinned, row->resident_bytes))
		say(why,
		    "%s of the resident part lie on pages that also hold live blocks (%s pages less than 90 %% full), "
		    "so no trim can return them.",
		    BYTES(pinned), COUNT(mixed_pages(why->s)));
	if (matters(empty, row->resident_bytes))
		say(why, "%s lie on pages without any live block and could be returned%s.", BYTES(empty),
		    trims ? " (malloc_trim)" : "");
}

static void reserve(struct why *why)
{
	struct page *page = why->page;

	if (row_matters(why, ROW_RESERVE))
		say(why,
		    "%s are addresses without access (arena reservations, guard pages, gaps inside libraries): they "
		    "cost no memory.",
		    BYTES(why->s->rows[ROW_RESERVE].mapped_bytes));
}

static void own_mappings(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_ANON];
	uint64_t untouched = figure_less(row->mapped_bytes, figure_sum(row->resident_bytes, row->swap_bytes));

	if (!row_matters(why, ROW_ANON))
		return;
	if (matters(untouched, row->mapped_bytes))
		say(why, "%s are anonymous memory that the program mapped itself; %s of it have no page behind them.",
		    BYTES(row->mapped_bytes), BYTES(untouched));
	else
		say(why, "%s are anonymous memory that the program mapped itself.", BYTES(row->mapped_bytes));
}

static void files(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_FILE];
	uint64_t clean = figure_less(row->resident_bytes, row->dirty_bytes);

	if (!row_matters(why, ROW_FILE))
		return;
	if (clean != CAPTURE_UNKNOWN && matters(row->resident_bytes, why->s->rss_bytes))
		say(why,
		    "%s are files and shared memory that it mapped; %s are resident, %s of that clean, which the "
		    "kernel can drop.",
		    BYTES(row->mapped_bytes), BYTES(row->resident_bytes), BYTES(clean));
	else
		say(why, "%s are files and shared memory that it mapped; %s are resident.", BYTES(row->mapped_bytes),
		    BYTES(row->resident_bytes));
}

static void images(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_IMAGE];

	if (row_matters(why, ROW_IMAGE))
		say(why,
		    "%s are the program and its libraries; %s are resident, %s of that shared with other processes.",
		    BYTES(row->mapped_bytes), BYTES(row->resident_bytes), BYTES(row->shared_bytes));
}

static void stacks(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_STACK];

	if (row_matters(why, ROW_STACK))
		say(why, "%s are stacks; %s of that have been used so deep that they are resident.",
		    BYTES(row->mapped_bytes), BYTES(row->resident_bytes));
}

static void instrument(struct why *why)
{
	struct page *page = why->page;
	const struct capture_amounts *row = &why->s->rows[ROW_INSTRUMENT];

	if (row_matters(why, ROW_INSTRUMENT))
		say(why, "%s are pagegap itself, %s of that resident: without it the program would have %s.",
		    BYTES(row->mapped_bytes), BYTES(row->resident_bytes),
		    BYTES(figure_less(why->s->rss_bytes, row->resident_bytes)));
}

static void unexplained(struct why *why)
{
	struct page *page = why->page;
	int64_t bytes = why->s->unexplained_resident_bytes;

	if (bytes || why->s->unexplained_mapped_bytes)
		say(why,
		    "%s resident and %s mapped are in no row, or in two: other threads or processes changed the map "
		    "while it was read, or nothing tells whose they are.",
		    bytes ? figure_cell(bytes, page->exact).text : "0",
		    why->s->unexplained_mapped_bytes ? figure_cell(why->s->unexplained_mapped_bytes, page->exact).text
						     : "0");
}

void text_why(struct page *page, const struct subject *subject)
{
	struct why why = { .page = page, .subject = subject, .s = subject->snapshot };

	if (!why.s)
		return;
	if (subject->capture->has_heap) {
		live(&why);
		slack(&why);
		heap_free(&why);
	}
	reserve(&why);
	own_mappings(&why);
	files(&why);
	images(&why);
	stacks(&why);
	instrument(&why);
	unexplained(&why);
}

void text_fill(struct page *page, const struct subject *subject)
{
	static const struct {
		const char *label;
		size_t first, last;
	} bands[] = {
		{ "none", 0, 0 }, { "<10 %", 1, 1 }, { "10-50 %", 2, 5 }, { "50-90 %", 6, 9 }, { ">90 %", 10, 10 }
	};
	uint64_t pages[sizeof(bands) / sizeof(bands[0])] = { 0 }, most = 0, all = 0;
	const char *title = "  Pages by fill";

	if (!subject->snapshot || !subject->capture->has_heap)
		return;
	for (size_t i = 0; i < sizeof(bands) / sizeof(bands[0]); i++) {
		for (size_t bucket = bands[i].first; bucket <= bands[i].last; bucket++)
			pages[i] = figure_sum(pages[i], subject->snapshot->fill_pages[bucket]);
		if (pages[i] == CAPTURE_UNKNOWN)
			return;
		all = figure_sum(all, pages[i]);
		most = pages[i] > most ? pages[i] : most;
	}
	if (!all || all == CAPTURE_UNKNOWN)
		return;
	for (size_t i = 0; i < sizeof(bands) / sizeof(bands[0]); i++) {
		page_line(page, "%-17s%8s  %s%s%s", title, bands[i].label, page_bar(pages[i], most, 40).text,
			  pages[i] ? "  " : "", COUNT(pages[i]));
		title = "";
	}
}
