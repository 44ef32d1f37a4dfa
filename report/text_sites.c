/* SPDX-License-Identifier: MIT */
/* The call sites with the largest figures, each with its innermost functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "site_profile.h"
#include "text_sites.h"

#define SITES_SHOWN   10
#define FRAMES_SHOWN  3
#define NAME_AT       TEXT_SITES_NAME_AT
#define COLUMNS_SHOWN 4
#define PAGES_SHOWN   5
#define PAGE_BYTES    4096UL
#define PINNED_LEAST  64                /* pages that a sentence is worth … */
#define PINNED_FACTOR 4                 /* … where they are so many times what was asked for */

static uint64_t sum_or_unknown(uint64_t a, uint64_t b)
{
	return a == CAPTURE_UNKNOWN || b == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : a + b;
}

/* What one list of sites is sorted by, the largest first. */
struct rank {
	const struct capture_site *site;
	int64_t first, then;
};

static int by_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->first != y->first)
		return x->first > y->first ? -1 : 1;
	if (x->then != y->then)
		return x->then > y->then ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

/* The bytes from which on the rest of a text has at most so many columns. */
static const char *last_columns(const char *text, size_t columns)
{
	while (text_columns(text) > columns) {
		uint32_t character;
		size_t length = utf8_next(text, strlen(text), &character);

		text += length ? length : 1;
	}
	return text;
}

char *text_cut_middle(const char *text, size_t columns)
{
	size_t head = (columns - 3) / 2;

	if (text_columns(text) <= columns)
		return memory_copy(text, strlen(text));
	return memory_format("%.*s...%s", (int)text_fitting(text, head), text, last_columns(text, columns - 3 - head));
}

/* "function  file:line", or what is known of it. To be freed. */
static char *describe(const struct symbol_frame *name, const struct capture_module *module, const struct capture *capture, uint64_t frame)
{
	const char *path = !module ? "" : site_base_name(*module->path ? module->path : capture->exe);
	char *raw, *text;

	if (!name->function)
		raw = *path ? memory_format("%s+0x%llx", path, (unsigned long long)(frame - module->bias)) :
			      memory_format("0x%llx", (unsigned long long)frame);
	else if (name->file && name->line)
		raw = memory_format("%s  %s:%u", name->function, site_base_name(name->file), name->line);
	else
		raw = *path ? memory_format("%s  %s", name->function, path) : memory_copy(name->function, strlen(name->function));
	text = escape_text(raw, strlen(raw));
	free(raw);
	return text;
}

/* Functions of a site, from the innermost on. */
struct names {
	char *text[FRAMES_SHOWN];
	size_t used;
};

static void names_of(const struct subject *subject, const struct site_table *table, const struct capture_site *site, struct names *names)
{
	names->used = 0;
	for (uint32_t i = 0; i < site->depth && names->used < FRAMES_SHOWN; i++) {
		uint64_t frame = table->frames[site->frames_at + i];
		const struct capture_module *module = site_module(table, site, frame);
		const struct symbol_frame *found;
		size_t count = site_frame_names(module, subject->capture, frame, &found);

		for (size_t j = 0; j < count && names->used < FRAMES_SHOWN; j++) {
			names->text[names->used++] = describe(&found[j], module, subject->capture, frame);
			if (found[j].function && !strcmp(found[j].function, "main"))
				return;
		}
	}
}

/* "±" and how far the farther end of the interval is. */
static struct figure plus_minus(struct interval interval, uint64_t estimate, bool exact)
{
	struct figure figure = { "" };
	uint64_t below = estimate - interval.low, above = interval.high - estimate;

	if (interval.known)
		snprintf(figure.text, sizeof(figure.text), "±%.40s", figure_cell((int64_t)(below > above ? below : above), exact).text);
	return figure;
}

struct figure text_site_value(size_t column, uint64_t value, bool exact)
{
	return site_columns[column].unit == SITE_BYTES ? figure_cell((int64_t)value, exact) : figure_count(value);
}

/* Column i of the page when sites are sorted by another. */
static size_t shown_column(size_t sort, size_t i)
{
	return !i ? sort : i <= sort ? i - 1 : i;
}

void text_site_heading(struct page *page, size_t sort, const char *names)
{
	const char *titles[COLUMNS_SHOWN];

	for (size_t i = 0; i < COLUMNS_SHOWN; i++)
		titles[i] = site_columns[shown_column(sort, i)].title;
	page_line(page, "%10s %10s %10s %8s  %s", titles[0], titles[1], titles[2], titles[3], names);
}

/* To be freed. */
static char *cells_of(size_t sort, const uint64_t values[SITE_COLUMNS], bool exact)
{
	struct figure cells[COLUMNS_SHOWN];

	for (size_t i = 0; i < COLUMNS_SHOWN; i++)
		cells[i] = text_site_value(shown_column(sort, i), values[shown_column(sort, i)], exact);
	return memory_format("%10s %10s %10s %8s  ", cells[0].text, cells[1].text, cells[2].text, cells[3].text);
}

void text_site_row(struct page *page, size_t sort, const uint64_t values[SITE_COLUMNS], const char *name)
{
	char *cells = cells_of(sort, values, page->exact);

	page_line(page, "%s%s", cells, name);
	free(cells);
}

/* The second line of a site's cells, where its figures are estimates: how sure they are. NULL: they are none. To be freed. */
static char *intervals_of(const struct site_table *table, uint32_t number, size_t sort, bool exact)
{
	const struct capture_site *site = &table->sites[number];
	char *cells;

	if (!table->head.sample_bytes)
		return NULL;
	cells = memory_format("%s", "");
	for (size_t i = 0; i < COLUMNS_SHOWN; i++) {
		size_t column = shown_column(sort, i);
		int width = i + 1 < COLUMNS_SHOWN ? 10 : 8;
		struct figure figure = { "" };

		if (column == COLUMN_LIVE)
			figure = plus_minus(site_live_interval(table, number), site_live_bytes(site), exact);
		else if (column == COLUMN_REQUESTED)
			figure = plus_minus(site_requested_interval(table, number), site->requested_bytes, exact);
		memory_append(&cells, "%*s%s%s", width - (int)text_columns(figure.text), "", figure.text, i + 1 < COLUMNS_SHOWN ? " " : "  ");
	}
	return cells;
}

/* Cells of NAME_AT columns, with the innermost functions behind and below them. @below: the second line's cells; NULL: blanks */
static void print_row(struct page *page, const struct subject *subject, const struct site_table *table, const struct capture_site *site,
		      const char *cells, const char *below)
{
	struct names names;

	names_of(subject, table, site, &names);
	if (!names.used)
		names.text[names.used++] = site == table->sites ? memory_copy("(others)", 8) : memory_copy("?", 1);
	if (below && names.used == 1)
		names.text[names.used++] = memory_copy("", 0);
	for (size_t i = 0; i < names.used; i++) {
		char *name = text_cut_middle(names.text[i], PAGE_COLUMNS - NAME_AT);

		if (i == 1 && below)
			page_line(page, "%s%s", below, name);
		else
			page_line(page, "%*s%s", NAME_AT, i ? "" : cells, name);
		free(name);
		free(names.text[i]);
	}
}

static size_t shown(const struct subject *subject, size_t count, size_t otherwise)
{
	size_t most = subject->options->sites ? subject->options->sites : otherwise;

	return most < count ? most : count;
}

/* What the estimates come to beside what was counted. */
static void print_sampling(struct page *page, const struct subject *subject, const struct site_table *table)
{
	uint64_t samples = 0, bytes = 0;

	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		samples += table->samples[i].samples;
		bytes += table->sites[i].requested_bytes;
	}
	page_paragraph(page, 2, 2, "Estimates from %s samples, one in %s that were asked for; in 95 of 100 cases the truth is within what stands behind ±. "
		       "All sites together: %s, where %s were asked for. --stacks=all counts every block.", COUNT(samples),
		       figure_bytes(table->head.sample_bytes, false).text, figure_bytes(bytes, subject->options->exact).text,
		       figure_bytes(subject->heap.requested_bytes, subject->options->exact).text);
	if (table->head.samples_dropped)
		page_paragraph(page, 2, 2, "The release of %s of them could not be seen.", COUNT(table->head.samples_dropped));
}

static void by_column(struct page *page, const struct subject *subject, const struct site_table *table, struct rank *ranks)
{
	bool exact = subject->options->exact;
	size_t count = 0, most, column = subject->options->site_sort;

	for (uint32_t i = 0; i < table->head.sites_used; i++)
		if (table->sites[i].allocations || table->sites[i].inherited_blocks)
			ranks[count++] = (struct rank){ &table->sites[i], (int64_t)site_values_of(table, &table->sites[i]).of[column],
							(int64_t)table->sites[i].requested_bytes };
	qsort(ranks, count, sizeof(ranks[0]), by_rank);
	most = shown(subject, count, SITES_SHOWN);
	page_section(page, "Call sites", "%s%s of %s, by %s", most < count ? "the first " : "", COUNT(most), COUNT(count),
		     site_columns[column].words);
	text_site_heading(page, column, "by, called from");
	for (size_t i = 0; i < most; i++) {
		const struct capture_site *site = ranks[i].site;
		struct site_values values = site_values_of(table, site);
		char *cells = cells_of(column, values.of, exact);
		char *below = intervals_of(table, (uint32_t)(site - table->sites), column, exact);

		print_row(page, subject, table, site, cells, below);
		free(cells);
		free(below);
	}
	if (table->head.sample_bytes)
		print_sampling(page, subject, table);
}

/* The sentence of a site that keeps far more memory than its blocks asked for. */
static void tell_pinned(struct page *page, const struct subject *subject, const struct site_table *table, const struct rank *rank,
			const struct capture_site_moment *held)
{
	struct names names;

	if (held->pinned_pages < PINNED_LEAST || (uint64_t)held->pinned_pages * PAGE_BYTES < held->live_bytes * PINNED_FACTOR || !held->live_blocks)
		return;
	names_of(subject, table, rank->site, &names);
	page_paragraph(page, 2, 2, "%s resident are kept by %s blocks of %s bytes%s from %s", BYTES((uint64_t)held->pinned_pages * PAGE_BYTES),
		       COUNT(held->live_blocks), COUNT(held->live_bytes / held->live_blocks), held->live_bytes % held->live_blocks ? " on average" : "",
		       names.used ? names.text[0] : "a place that is not known");
	for (size_t i = 0; i < names.used; i++)
		free(names.text[i]);
}

static void by_pages(struct page *page, const struct subject *subject, const struct site_table *table, struct rank *ranks)
{
	const struct capture_snapshot *end = &subject->capture->snapshots[SNAPSHOT_END];
	bool exact = subject->options->exact;
	size_t count = 0, most;

	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		const struct capture_site_moment *held = site_moment(table, end, i);

		if (held && held->resident_bytes)
			ranks[count++] = (struct rank){ &table->sites[i], held->pinned_pages, (int64_t)held->resident_bytes };
	}
	if (!count)
		return;
	qsort(ranks, count, sizeof(ranks[0]), by_rank);
	most = shown(subject, count, PAGES_SHOWN);
	page_section(page, "Pages by site", "%s%s of %s, by the pages that only their blocks keep", most < count ? "the first " : "", COUNT(most),
		     COUNT(count));
	page_line(page, "%10s %10s %10s %8s  %s", "kept", "resident", "live", "sparse", "by, called from");
	for (size_t i = 0; i < most; i++) {
		const struct capture_site_moment *held = site_moment(table, end, (uint32_t)(ranks[i].site - table->sites));
		char *cells = memory_format("%10s %10s %10s %8s  ", figure_cell(ranks[i].first * (int64_t)PAGE_BYTES, exact).text,
					    figure_cell(ranks[i].then, exact).text, figure_cell((int64_t)held->live_bytes, exact).text,
					    COUNT(held->sparse_pages));

		print_row(page, subject, table, ranks[i].site, cells, NULL);
		free(cells);
	}
	for (size_t i = 0; i < most; i++)
		tell_pinned(page, subject, table, &ranks[i], site_moment(table, end, (uint32_t)(ranks[i].site - table->sites)));
}

/* The first mark, or the last. */
static const struct capture_snapshot *mark_of(const struct site_table *table, bool last)
{
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS], *found = NULL;
	size_t count = figures_snapshots(table->capture, sorted);

	for (size_t i = 0; i < count && (last || !found); i++)
		if (sorted[i]->why == WHY_MARK && site_moment(table, sorted[i], 0))
			found = sorted[i];
	return found;
}

static void by_growth(struct page *page, const struct subject *subject, const struct site_table *table, struct rank *ranks)
{
	const struct capture_snapshot *from = mark_of(table, false), *upto = mark_of(table, true);
	bool exact = subject->options->exact;
	size_t count = 0, most;
	char *names[2];

	if (!from || from == upto)
		return;
	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		const struct capture_site_moment *then = site_moment(table, from, i), *now = site_moment(table, upto, i);

		if (now->live_bytes > then->live_bytes)
			ranks[count++] = (struct rank){ &table->sites[i], (int64_t)(now->live_bytes - then->live_bytes),
							(int64_t)(now->live_blocks - then->live_blocks) };
	}
	qsort(ranks, count, sizeof(ranks[0]), by_rank);
	most = shown(subject, count, PAGES_SHOWN);
	names[0] = escape_text(from->name, strlen(from->name));
	names[1] = escape_text(upto->name, strlen(upto->name));
	page_section(page, "Grown sites", "%s%s of %s, from the mark %s to %s", most < count ? "the first " : "", COUNT(most), COUNT(count),
		     names[0], names[1]);
	free(names[0]);
	free(names[1]);
	page_line(page, "%10s %10s %10s %8s  %s", "more", "blocks", "resident", "", "by, called from");
	for (size_t i = 0; i < most; i++) {
		uint32_t number = (uint32_t)(ranks[i].site - table->sites);
		int64_t resident = (int64_t)(site_moment(table, upto, number)->resident_bytes - site_moment(table, from, number)->resident_bytes);
		char *cells = memory_format("%10s %10s %10s %8s  ", figure_cell(ranks[i].first, exact).text, ranks[i].then < 0 ? "-" : COUNT((uint64_t)ranks[i].then),
					    figure_cell(resident, exact).text, "");

		print_row(page, subject, table, ranks[i].site, cells, NULL);
		free(cells);
	}
}

/* What was done under each name, and under none. */
static void by_tag(struct page *page, const struct subject *subject, const struct site_table *table)
{
	bool exact = subject->options->exact;

	if (!table->head.tags_used && !table->head.tags_dropped)
		return;
	page_section(page, "Tags", "%s %s that the program gave to what it did", COUNT(table->head.tags_used), table->head.tags_used == 1 ? "name" : "names");
	page_line(page, "%10s %10s %10s %8s  %s", "live", "blocks", "asked for", "calls", "under");
	for (uint32_t tag = 0; tag <= table->head.tags_used; tag++) {
		uint64_t live = 0, blocks = 0, requested = 0, calls = 0;
		char *name = tag ? escape_text(table->tags[tag], strlen(table->tags[tag])) : memory_copy("(no name)", 9), *fitting;

		for (uint32_t i = 0; i < table->head.sites_used; i++) {
			const struct capture_site *site = &table->sites[i];

			if (site->tag != tag && (tag || site_tag(table, site)))
				continue;
			live = sum_or_unknown(live, site_live_bytes(site));
			blocks = sum_or_unknown(blocks, site_live_blocks(site));
			requested += site->requested_bytes;
			calls += site->allocations;
		}
		fitting = text_cut_middle(name, PAGE_COLUMNS - NAME_AT);
		page_line(page, "%10s %10s %10s %8s  %s", figure_cell((int64_t)live, exact).text, COUNT(blocks), figure_cell((int64_t)requested, exact).text,
			  COUNT(calls), fitting);
		free(fitting);
		free(name);
	}
	if (table->head.tags_dropped)
		page_paragraph(page, 2, 2, "There was no room for %s more names of tags: what was done under them has none.", COUNT(table->head.tags_dropped));
}

void text_sites(struct page *page, const struct subject *subject)
{
	struct site_table *table = site_table_read(subject->recording, subject->image, subject->capture);
	struct rank *ranks;

	if (!table)
		return;
	ranks = memory_get((table->head.sites_used + 1) * sizeof(ranks[0]));
	if (subject->options->fold || subject->options->tree)
		text_site_tree(page, subject);
	else
		by_column(page, subject, table, ranks);
	by_pages(page, subject, table, ranks);
	by_growth(page, subject, table, ranks);
	by_tag(page, subject, table);
	if (table->head.sites_dropped)
		page_paragraph(page, 2, 2, "%s blocks are among the others: the table of call sites was full.", COUNT(table->head.sites_dropped));
	free(ranks);
	site_table_free(table);
}
