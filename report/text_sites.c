/* SPDX-License-Identifier: MIT */
/* The call sites that hold the most at the end, each with its innermost functions. */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "sites.h"

#define SITES_SHOWN   10
#define FRAMES_SHOWN  3
#define NAME_AT       44                /* column */

static int by_live(const void *a, const void *b)
{
	const struct capture_site *first = *(const struct capture_site *const *)a, *second = *(const struct capture_site *const *)b;
	uint64_t x = site_live_bytes(first), y = site_live_bytes(second);

	if (x != y)
		return x > y ? -1 : 1;
	if (first->requested_bytes != second->requested_bytes)
		return first->requested_bytes > second->requested_bytes ? -1 : 1;
	return first < second ? -1 : first > second;
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

static void print_site(struct page *page, const struct subject *subject, const struct site_table *table, const struct capture_site *site)
{
	bool exact = subject->options->exact, others = site == table->sites;
	struct names names;

	names_of(subject, table, site, &names);
	if (!names.used)
		names.text[names.used++] = others ? memory_copy("(others)", 8) : memory_copy("?", 1);
	for (size_t i = 0; i < names.used; i++) {
		char *name = fit(names.text[i], PAGE_COLUMNS - NAME_AT);

		if (i)
			page_line(page, "%*s%s", NAME_AT, "", name);
		else
			page_line(page, "%10s %10s %10s %8s  %s", figure_cell((int64_t)site_live_bytes(site), exact).text,
				  COUNT(site_live_blocks(site)), figure_cell((int64_t)site->requested_bytes, exact).text,
				  COUNT(site->allocations), name);
		free(name);
		free(names.text[i]);
	}
}

void text_sites(struct page *page, const struct subject *subject)
{
	struct site_table *table = site_table_read(subject->recording, subject->image);
	const struct capture_site **order;
	size_t count = 0, most;

	if (!table)
		return;
	order = memory_get((table->head.sites_used + 1) * sizeof(order[0]));
	for (uint32_t i = 0; i < table->head.sites_used; i++)
		if (table->sites[i].allocations || table->sites[i].inherited_blocks)
			order[count++] = &table->sites[i];
	qsort(order, count, sizeof(order[0]), by_live);
	most = subject->options->sites ? subject->options->sites : SITES_SHOWN;
	most = most < count ? most : count;
	page_gap(page);
	page_section(page, "Call sites", "%s%s of %s, by the bytes that are live at the end", most < count ? "the first " : "", COUNT(most), COUNT(count));
	page_line(page, "%10s %10s %10s %8s  %s", "live", "blocks", "asked for", "calls", "by, called from");
	for (size_t i = 0; i < most; i++)
		print_site(page, subject, table, order[i]);
	if (table->head.sites_dropped)
		page_paragraph(page, 2, 2, "%s blocks are among the others: the table of call sites was full.", COUNT(table->head.sites_dropped));
	free(order);
	site_table_free(table);
}
