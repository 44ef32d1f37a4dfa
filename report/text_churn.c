/* SPDX-License-Identifier: MIT */
/* Memory that was given back and faulted in again, and what to set so that it is not. */
#include <stdlib.h>

#include "churn_figures.h"
#include "memory.h"
#include "report_text.h"
#include "rows.h"

#define SHOWN 100 /* faults of a row: fewer are nobody's concern */

static char *describe(const struct page *page, const struct subject *subject, enum capture_row row, bool at_least)
{
	const struct capture_faults *faults = &subject->capture->faults;
	uint64_t pages = faults->churn_pages[row], times = pages ? faults->churn_faults[row] / pages : 0;
	char *line = memory_format("churn: %s of %s given back and faulted in again", BYTES(pages * subject->capture->page_size),
				   row_names[row]);

	if (times > 1)
		memory_append(&line, " %s times", COUNT(times));
	memory_append(&line, ", %s%s faults", at_least ? "at least " : "", COUNT(faults->churn_faults[row]));
	return line;
}

void text_churn(struct page *page, const struct subject *subject)
{
	struct churn_figures figures = churn_figures(subject);
	uint64_t order_by[CAPTURE_ROWS];
	enum capture_row order[CAPTURE_ROWS];
	size_t used = 0;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		order_by[row] = figures.known && subject->capture->faults.churn_faults[row] >= SHOWN ?
				subject->capture->faults.churn_faults[row] : 0;
	used = rows_by_size(order_by, order);
	for (size_t i = 0; i < used; i++) {
		char *line = describe(page, subject, order[i], figures.at_least);

		if (order[i] == ROW_ANON)
			memory_append(&line, "; the program gives it back itself (munmap, madvise)");
		else if (order[i] == ROW_HEAP_LIVE && figures.advice)
			memory_append(&line, "; %s in its environment removes %s of them", figures.advice, COUNT(figures.advice_faults));
		page_under(page, "%s", line);
		free(line);
	}
	free(figures.advice);
}
