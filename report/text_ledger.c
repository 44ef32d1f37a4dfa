/* SPDX-License-Identifier: MIT */
/* The ledger: its rows, their sum, what the kernel says, and the difference. */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "table.h"

static const char *const row_labels[CAPTURE_ROWS] = {
	[ROW_HEAP_LIVE] = "  heap, live", [ROW_HEAP_SLACK] = "  heap, slack", [ROW_HEAP_FREE] = "  heap, free",
	[ROW_RESERVE] = "  reserve", [ROW_ANON] = "  own mappings", [ROW_FILE] = "  files", [ROW_IMAGE] = "  images",
	[ROW_STACK] = "  stacks", [ROW_INSTRUMENT] = "  pagegap", [ROW_KERNEL] = "  kernel",
};

static const struct {
	const char *heading;
	size_t offset;
} columns[] = {
	{ "mapped",   offsetof(struct capture_amounts, mapped_bytes) },
	{ "resident", offsetof(struct capture_amounts, resident_bytes) },
	{ "dirty",    offsetof(struct capture_amounts, dirty_bytes) },
	{ "shared",   offsetof(struct capture_amounts, shared_bytes) },
	{ "swap",     offsetof(struct capture_amounts, swap_bytes) },
	{ "huge",     offsetof(struct capture_amounts, huge_bytes) },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static uint64_t amount(const struct capture_amounts *amounts, size_t column)
{
	return *(const uint64_t *)(const void *)((const char *)amounts + columns[column].offset);
}

/* Rows that nobody knows: the heap's, when malloc was not interposed. */
static bool row_unknown(const struct subject *subject, size_t row)
{
	return !subject->capture->has_heap && row <= ROW_HEAP_FREE;
}

static void add_amounts(struct table *table, const char *label, const struct capture_amounts *amounts,
			const size_t *shown, size_t count, bool unknown, bool exact)
{
	struct table_row *row = table_add(table, label);

	for (size_t i = 0; i < count; i++)
		table_cell(table, row, i, "%s",
			   unknown ? "?" : figure_cell((int64_t)amount(amounts, shown[i]), exact).text);
}

/* Adds how far from the image's end the ledger is, when it is not the ledger of the end. */
static void add_age(char **heading, struct page *page, const struct subject *subject, const struct capture_snapshot *s)
{
	const struct image *image = subject->image;
	uint64_t age = figure_less(image->end == END_RUNNING ? now_ns() : image->end_ns, s->at_ns);

	if ((s->why == WHY_EXIT && image->end == END_EXIT) || (s->why == WHY_EXEC && image->end == END_EXEC))
		return;
	if (age == CAPTURE_UNKNOWN)
		memory_append(heading, ", when it ended is unknown");
	else
		memory_append(heading, image->end == END_RUNNING ? ", %s ago" : ", %s before the end", TIME(age));
}

static char *title(struct page *page, const struct subject *subject, const struct capture_snapshot *s)
{
	static const char *const moments[] = {
		[WHY_NONE] = "once",
		[WHY_PEAK] = "at its highest recorded",
		[WHY_EXIT] = "at exit",
		[WHY_EXEC] = "at the exec",
		[WHY_REQUEST] = "on request",
		[WHY_MARK] = "at the mark",
		[WHY_REFUSED] = "when memory was refused",
	};
	char *name = escape_text(s->name, strlen(s->name));
	char *heading = memory_format("Where the pages are, %s", moments[s->why]);

	if (s->why == WHY_MARK)
		memory_append(&heading, " %s", name);
	add_age(&heading, page, subject, s);
	if (page->exact)
		memory_append(&heading, " (bytes)");
	free(name);
	return heading;
}

/* What is the process's and in no row, or in the rows' columns and seen in another light. */
static void below_the_line(struct page *page, const struct subject *subject, const struct capture_snapshot *s,
			   const struct capture_amounts *sum)
{
	const struct capture *c = subject->capture;
	char *line = memory_format("below the line: page tables %s", BYTES(s->page_table_bytes));

	if (s->thp_eligible_bytes && s->thp_eligible_bytes != CAPTURE_UNKNOWN)
		memory_append(&line, "; huge pages %s of %s eligible", BYTES(sum->huge_bytes),
			      BYTES(s->thp_eligible_bytes));
	if (s->hugetlb_mapped_bytes)
		memory_append(&line, "; explicit huge pages %s of %s mapped, beside what is resident",
			      BYTES(s->hugetlb_bytes), BYTES(s->hugetlb_mapped_bytes));
	if (s->locked_bytes && s->locked_bytes != CAPTURE_UNKNOWN)
		memory_append(&line, "; locked %s, %s of that resident", BYTES(s->locked_bytes),
			      BYTES(s->locked_resident_bytes));
	if (c->populate_calls && c->populate_calls != CAPTURE_UNKNOWN)
		memory_append(&line, "; asked for with its pages at once (MAP_POPULATE) %s in %s call%s",
			      BYTES(c->populate_bytes), COUNT(c->populate_calls), c->populate_calls == 1 ? "" : "s");
	page_paragraph(page, 2, 4, "%s", line);
	free(line);
}

void text_ledger_of(struct page *page, const struct subject *subject, const struct capture_snapshot *s)
{
	struct capture_amounts sum = figures_sum(s);
	struct table table = { 0 };
	struct table_row *row;
	size_t shown[COLUMNS], count = 0;
	char *heading;

	for (size_t i = 0; i < COLUMNS; i++)
		if (i < 2 || amount(&sum, i)) /* a column of nothing but zeros says nothing */
			shown[count++] = i;
	heading = title(page, subject, s);
	row = table_add(&table, heading);
	free(heading);
	for (size_t i = 0; i < count; i++)
		table_cell(&table, row, i, "%s", columns[shown[i]].heading);
	for (size_t i = 0; i < CAPTURE_ROWS; i++)
		add_amounts(&table, row_labels[i], &s->rows[i], shown, count, row_unknown(subject, i), page->exact);
	add_amounts(&table, "  sum", &sum, shown, count, false, page->exact);
	row = table_add(&table, "  kernel says");
	table_cell(&table, row, 0, "%s", figure_cell((int64_t)s->vm_size_bytes, page->exact).text);
	table_cell(&table, row, 1, "%s", figure_cell((int64_t)s->rss_bytes, page->exact).text);
	row = table_add(&table, "  unexplained");
	row->unusual = s->unexplained_mapped_bytes || s->unexplained_resident_bytes;
	table_cell(&table, row, 0, "%s",
		   s->unexplained_mapped_bytes ? figure_cell(s->unexplained_mapped_bytes, page->exact).text : "0");
	table_cell(&table, row, 1, "%s",
		   s->unexplained_resident_bytes ? figure_cell(s->unexplained_resident_bytes, page->exact).text : "0");
	page_gap(page);
	table_print(page, &table);
	below_the_line(page, subject, s, &sum);
}

void text_ledger(struct page *page, const struct subject *subject)
{
	if (subject->snapshot)
		text_ledger_of(page, subject, subject->snapshot);
	else if (figures_observed(subject->capture) && subject->image->end != END_RUNNING)
		page_unusual_paragraph(page, 0, 2, "no ledger: it ended before one could be taken");
	else if (figures_observed(subject->capture))
		page_paragraph(page, 0, 2, "no ledger yet: pagegap snapshot %u takes one", subject->image->pid);
}
