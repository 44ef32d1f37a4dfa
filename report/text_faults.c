/* SPDX-License-Identifier: MIT */
/* The page faults: how many, of which memory, and about how long they took. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_text.h"
#include "rows.h"

static bool ends_with_colon(const char *line)
{
	size_t length = strlen(line);

	return length > 1 && line[length - 2] == ':';
}

static void add(char **line, const char *name, uint64_t faults)
{
	if (faults && faults != CAPTURE_UNKNOWN)
		memory_append(line, "%s%s %s", **line && !ends_with_colon(*line) ? ", " : "", name, COUNT(faults));
}

/* The largest first. */
static void add_rows(char **line, const struct capture_faults *faults)
{
	uint64_t sums[CAPTURE_ROWS];
	enum capture_row order[CAPTURE_ROWS];
	size_t used;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		sums[row] = figure_sum(faults->minor[row], faults->major[row]);
	used = rows_by_size(sums, order);
	for (size_t i = 0; i < used; i++)
		add(line, row_names[order[i]], sums[order[i]]);
}

/* Likewise. What could not be told apart at all is unknown, and the rest says little then. */
static void print_kinds(struct page *page, const struct capture_faults *faults)
{
	bool said[CAPTURE_KINDS] = { false };
	char *line = memory_copy("", 0);

	for (;;) {
		size_t largest = CAPTURE_KINDS;

		for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
			if (!said[kind] && faults->kinds[kind] && faults->kinds[kind] != CAPTURE_UNKNOWN &&
			    (largest == CAPTURE_KINDS || faults->kinds[kind] > faults->kinds[largest]))
				largest = kind;
		if (largest == CAPTURE_KINDS)
			break;
		said[largest] = true;
		memory_append(&line, "%s%s %s", *line ? ", " : "by kind: ", kind_names[largest], COUNT(faults->kinds[largest]));
	}
	said[KIND_UNKNOWN] = false;
	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		if (said[kind]) {
			page_under(page, "%s", line);
			break;
		}
	free(line);
}

void text_faults(struct page *page, const struct subject *subject)
{
	struct fault_figures figures = figures_faults(subject->recording, subject->index, subject->capture);
	char *line;

	if (figures.minor == CAPTURE_UNKNOWN && figures.major == CAPTURE_UNKNOWN && !figures.sampled)
		return;
	line = memory_format("minor %s, major %s", COUNT(figures.minor), COUNT(figures.major));
	if (figures.minor != CAPTURE_UNKNOWN && figures.minor_fault_ns != CAPTURE_UNKNOWN)
		memory_append(&line, "; the minor ones took about %s, estimated at %s each, what a first touch costs here",
			      TIME(figures.minor * figures.minor_fault_ns), TIME(figures.minor_fault_ns));
	page_section(page, "Faults", "%s", line);
	free(line);
	if (!figures.sampled)
		return;
	line = figures.partial ? memory_format("of %s that were sampled: ", COUNT(figures.attributed)) : memory_copy("", 0);
	add_rows(&line, &subject->capture->faults);
	add(&line, "in system calls", figures.in_kernel);
	add(&line, "memory that was gone too soon to tell", figures.unplaced);
	add(&line, "before it was executed", figures.early);
	if (figures.in_kernel == CAPTURE_UNKNOWN)
		memory_append(&line, "%sthose in system calls are not told apart", *line ? "; " : "");
	if (*line)
		page_under(page, "%s", line);
	free(line);
	print_kinds(page, &subject->capture->faults);
	if (figures.lost)
		page_under(page, "%s samples were lost: the figures by memory are too low by that much at most",
			   COUNT(figures.lost));
}
