/* SPDX-License-Identifier: MIT */
/* How the figures moved between start and end: a few of the samples, evenly over time. */
#include "report_text.h"
#include "table.h"

#define SHOWN 8

static void add_sample(struct page *page, struct table *table, const struct subject *subject,
		       const struct capture_sample *sample)
{
	char label[48];
	struct table_row *row;

	snprintf(label, sizeof(label), "  %.40s",
		 figure_time(figure_less(sample->at_ns, subject->capture->start_ns), false).text);
	row = table_add(table, label);
	table_cell(table, row, 0, "%s", figure_cell((int64_t)sample->live_bytes, page->exact).text);
	table_cell(table, row, 1, "%s", figure_cell((int64_t)sample->usable_bytes, page->exact).text);
	table_cell(table, row, 2, "%s", figure_cell((int64_t)sample->mapped_bytes, page->exact).text);
	table_cell(table, row, 3, "%s", figure_cell((int64_t)sample->resident_bytes, page->exact).text);
	table_cell(table, row, 4, "%s", COUNT(sample->minor_faults));
}

void text_series(struct page *page, const struct subject *subject)
{
	static const char *const headings[] = { "asked for", "usable", "mapped", "resident", "minor faults" };
	const struct capture *c = subject->capture;
	size_t count = c->samples_used, shown = subject->options->all ? TABLE_ROWS - 1 : SHOWN;
	struct table table = { 0 };
	struct table_row *row;

	if (count < 2)
		return;
	if (shown > count)
		shown = count;
	row = table_add(&table, page->exact ? "Over time (bytes)" : "Over time");
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		table_cell(&table, row, i, "%s", headings[i]);
	for (size_t i = 0; i < shown; i++)
		add_sample(page, &table, subject, &c->samples[i * (count - 1) / (shown - 1)]);
	page_gap(page);
	table_print(page, &table);
}
