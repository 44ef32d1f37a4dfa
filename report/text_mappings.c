/* SPDX-License-Identifier: MIT */
/*
 * Who holds the pages: the largest mappings, as they were when the last ledger was taken from inside; and the files
 * that the program has mapped, however little of them is resident.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "table.h"

#define SHOWN 8

static int larger(const void *a, const void *b)
{
	const struct capture_mapping *first = *(const struct capture_mapping *const *)a;
	const struct capture_mapping *second = *(const struct capture_mapping *const *)b;

	if (first->resident_bytes != second->resident_bytes)
		return first->resident_bytes > second->resident_bytes ? -1 : 1;
	return first->start < second->start ? -1 : first->start > second->start;
}

/* Its name with what matters of its path: the end. */
static void add_mapping(struct page *page, struct table *table, const struct capture_mapping *m)
{
	static const char *const rows[] = {
		[ROW_HEAP_LIVE] = "(heap)",
		[ROW_HEAP_SLACK] = "(heap)",
		[ROW_HEAP_FREE] = "(heap)",
		[ROW_RESERVE] = "(reserve)",
		[ROW_ANON] = "(own mapping)",
		[ROW_FILE] = "(file)",
		[ROW_IMAGE] = "(image)",
		[ROW_STACK] = "(stack)",
		[ROW_INSTRUMENT] = "(pagegap)",
		[ROW_KERNEL] = "(kernel)",
	};
	const char *name = !m->name[0] || !strcmp(m->name, "[heap]") ? rows[m->row] : m->name;
	const char *slash = name[0] == '[' ? NULL : strrchr(name, '/');
	const char *shown = slash && slash[1] ? slash + 1 : name;
	char *escaped = escape_text(shown, strlen(shown));
	char *label = memory_format("  %s", escaped);
	struct table_row *row = table_add(table, label);

	table_cell(table, row, 0, "%c%c%c%c", m->protection & PROT_READ ? 'r' : '-',
		   m->protection & PROT_WRITE ? 'w' : '-', m->protection & PROT_EXEC ? 'x' : '-',
		   m->protection & CAPTURE_SHARED ? 's' : 'p');
	table_cell(table, row, 1, "%s", figure_cell((int64_t)(m->end - m->start), page->exact).text);
	table_cell(table, row, 2, "%s", figure_cell((int64_t)m->resident_bytes, page->exact).text);
	table_cell(table, row, 3, "%s", figure_cell((int64_t)m->dirty_bytes, page->exact).text);
	table_cell(table, row, 4, "%s", figure_cell((int64_t)m->shared_bytes, page->exact).text);
	free(label);
	free(escaped);
}

static void head(struct page *page, struct table *table, const char *title)
{
	static const char *const headings[] = { "access", "mapped", "resident", "dirty", "shared" };
	char *heading = memory_format("%s%s", title, page->exact ? " (bytes)" : "");
	struct table_row *row = table_add(table, heading);

	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(table, row, i, "%s", headings[i]);
	free(heading);
}

/* Those that the table above has not shown. */
static void print_files(struct page *page, const struct capture_mapping *const *rest, size_t count, size_t limit)
{
	struct table table = { 0 };
	size_t shown = 0;

	head(page, &table, "Mapped files, further ones");
	for (size_t i = 0; i < count && shown < limit; i++)
		if (rest[i]->row == ROW_FILE) {
			add_mapping(page, &table, rest[i]);
			shown++;
		}
	if (!shown)
		return;
	page_gap(page);
	table_print(page, &table);
}

void text_mappings(struct page *page, const struct subject *subject)
{
	const struct capture *c = subject->capture;
	const struct capture_mapping *sorted[CAPTURE_MAPPINGS];
	struct table table = { 0 };
	size_t shown = 0, limit = subject->options->all ? 32 : SHOWN;

	if (!c->mappings_used || !subject->snapshot)
		return;
	for (size_t i = 0; i < c->mappings_used; i++)
		sorted[i] = &c->mappings[i];
	qsort(sorted, c->mappings_used, sizeof(sorted[0]), larger);
	head(page, &table, "Largest mappings");
	for (; shown < c->mappings_used && shown < limit && sorted[shown]->resident_bytes; shown++)
		add_mapping(page, &table, sorted[shown]);
	if (shown) {
		page_gap(page);
		table_print(page, &table);
	}
	print_files(page, sorted + shown, c->mappings_used - shown, limit);
}
