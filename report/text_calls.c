/* SPDX-License-Identifier: MIT */
/* The counted calls, the most frequent first. */
#include <stdlib.h>

#include "calls.h"
#include "report_text.h"

#define SHOWN 12

struct line {
	struct call_figures figures;
	size_t call;
};

static int more_often(const void *a, const void *b)
{
	const struct line *first = a, *second = b;

	if (first->figures.calls != second->figures.calls)
		return first->figures.calls > second->figures.calls ? -1 : 1;
	return first->call < second->call ? -1 : first->call > second->call;
}

void text_calls(struct page *page, const struct subject *subject)
{
	struct call_figures calls[CAPTURE_CALLS];
	struct line lines[CAPTURE_CALLS];
	size_t count = 0, shown = subject->options->all ? CAPTURE_CALLS : SHOWN;

	if (!figures_observed(subject->capture))
		return;
	figures_calls(subject->capture, calls);
	for (size_t i = 0; i < CAPTURE_CALLS; i++)
		if (calls[i].calls)
			lines[count++] = (struct line){ calls[i], i };
	if (!count)
		return;
	qsort(lines, count, sizeof(lines[0]), more_often);
	page_section(page, "Calls",
		     "of libc's memory and process functions by the program itself; what libc does inside itself is "
		     "not seen");
	page_line(page, "  %12s  %10s  %-12s  %s", "calls", "errors", "name", "service");
	for (size_t i = 0; i < count && i < shown; i++)
		page_line(page, "  %12s  %10s  %-12s  %s", COUNT(lines[i].figures.calls),
			  lines[i].figures.errors ? COUNT(lines[i].figures.errors) : "-",
			  call_names[lines[i].call].name, call_names[lines[i].call].category);
	if (count > shown)
		page_line(page, "  and %zu more (--all)", count - shown);
}
