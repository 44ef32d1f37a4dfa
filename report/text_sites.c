/* SPDX-License-Identifier: MIT */
/* The call sites that hold the most at the end, each with its innermost functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "sites.h"

#define SITES_SHOWN   10
#define FRAMES_SHOWN  3
#define NAME_AT       44                /* column */
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

/* A text that is too long loses its middle. To be freed. */
static char *fit(const char *text, size_t columns)
{
	size_t head = (columns - 3) / 2;

	if (text_columns(text) <= columns)
		return memory_copy(text, strlen(text));
	return memory_format("%.*s...%s", (int)text_fitting(text, head), text, last_columns(text, columns - 3 - head));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "function  file:line", or what is known of it. To be freed. */
static char *describe(const struct symbol_frame *name, const struct capture_module *module, const struct capture *capture, uint64_t frame)
{
	const char *path = !module ? "" : base_name(*module->path ? module->path : capture->exe);
	char *raw, *text;

	if (!name->function)
		raw = *path ? memory_format("%s+0x%llx", path, (unsigned long long)(frame - module->bias)) :
			      memory_format("0x%llx", (unsigned long long)frame);
	else if (name->file && name->line)
		raw = memory_format("%s  %s:%u", name->function, base_name(name->file), name->line);
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

/* The second line of a site's cells, where its figures are estimates: how sure they are. NULL: they are none. To be freed. */
static char *intervals_of(const struct site_table *table, uint32_t number, bool exact)
{
	const struct capture_site *site = &table->sites[number];
	struct figure live, requested;

	if (!table->head.sample_bytes)
		return NULL;
	live = plus_minus(site_live_interval(table, number), site_live_bytes(site), exact);
	requested = plus_minus(site_requested_interval(table, number), site->requested_bytes, exact);
	return memory_format("%*s%s %10s %*s%s %8s  ", 10 - (int)text_columns(live.text), "", live.text, "", 10 - (int)text_columns(requested.text), "",
			     requested.text, "");
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
		char *name = fit(names.text[i], PAGE_COLUMNS - NAME_AT);

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

static void by_live_bytes(struct page *page, const struct subject *subject, const struct site_table *table, struct rank *ranks)
{
	bool exact = subject->options->exact;
	size_t count = 0, most;

	for (uint32_t i = 0; i < table->head.sites_used; i++)
		if (table->sites[i].allocations || table->sites[i].inherited_blocks)
			ranks[count++] = (struct rank){ &table->sites[i], (int64_t)site_live_bytes(&table->sites[i]), (int64_t)table->sites[i].requested_bytes };
	qsort(ranks, count, sizeof(ranks[0]), by_rank);
	most = shown(subject, count, SITES_SHOWN);
	page_section(page, "Call sites", "%s%s of %s, by the bytes that are live at the end", most < count ? "the first " : "", COUNT(most), COUNT(count));
	page_line(page, "%10s %10s %10s %8s  %s", "live", "blocks", "asked for", "calls", "by, called from");
	for (size_t i = 0; i < most; i++) {
		const struct capture_site *site = ranks[i].site;
		char *cells = memory_format("%10s %10s %10s %8s  ", figure_cell(ranks[i].first, exact).text, COUNT(site_live_blocks(site)),
					    figure_cell(ranks[i].then, exact).text, COUNT(site->allocations));
		char *below = intervals_of(table, (uint32_t)(site - table->sites), exact);

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
	page_section(page, "Tags", "%s names that the program gave to what it did", COUNT(table->head.tags_used));
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
		fitting = fit(name, PAGE_COLUMNS - NAME_AT);
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
	by_live_bytes(page, subject, table, ranks);
	by_pages(page, subject, table, ranks);
	by_growth(page, subject, table, ranks);
	by_tag(page, subject, table);
	if (table->head.sites_dropped)
		page_paragraph(page, 2, 2, "%s blocks are among the others: the table of call sites was full.", COUNT(table->head.sites_dropped));
	free(ranks);
	site_table_free(table);
}
