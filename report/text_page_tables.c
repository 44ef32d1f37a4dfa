/* SPDX-License-Identifier: MIT */
/* Page tables around a fork: what of them a child was born with, and how long copying took its parent. */
#include <stdlib.h>

#include "births.h"
#include "memory.h"
#include "report_text.h"

#define LEAST_NS 1000000ULL     /* forks that took less in all are not worth a line */

void text_page_tables(struct page *page, const struct subject *subject)
{
	struct birth_figures birth = births_of(subject);
	struct fork_times times = births_by(subject);
	char *line = memory_copy("", 0);

	if (subject->image->born == BORN_FORK && birth.page_table_bytes != CAPTURE_UNKNOWN) {
		memory_append(&line, "born with %s, copied by the fork", BYTES(birth.page_table_bytes));
		if (birth.parent_page_table_bytes != CAPTURE_UNKNOWN)
			memory_append(&line, " of its parent's %s", BYTES(birth.parent_page_table_bytes));
		if (birth.fork_ns != CAPTURE_UNKNOWN)
			memory_append(&line, ", which took %s", TIME(birth.fork_ns));
	}
	if (times.sum_ns >= LEAST_NS)
		memory_append(&line, "%s%s fork%s of its own took %s%s%s", *line ? "; " : "", COUNT(times.forks),
			      times.forks == 1 ? "" : "s", TIME(times.sum_ns), times.forks == 1 ? "" : ", the longest ",
			      times.forks == 1 ? "" : TIME(times.longest_ns));
	if (*line)
		page_section(page, "Page tables", "%s", line);
	free(line);
}
