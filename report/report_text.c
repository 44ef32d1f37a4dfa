/* SPDX-License-Identifier: MIT */
/* The report for people: which processes get a page, and the sections of a page. */
#include "report_text.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "memory.h"

#define DASHES "----------------------------------------" /* half of PAGE_COLUMNS */

typedef void section(struct page *page, const struct subject *subject);

static section *const sections[] = {
	text_what_happened,
	text_death,
	text_notes,
	text_ledger,
	text_refused,
	text_why,
	text_fill,
	text_mappings,
	text_heap,
	text_sites,
	text_faults,
	text_churn,
	text_cow,
	text_page_tables,
	text_processes,
	text_time,
	text_series,
	text_calls,
	text_cost,
};

struct subject subject_of(const struct recording *recording, const struct report_options *options, size_t index,
			  const struct capture *capture)
{
	struct subject subject = {
		.recording = recording,
		.options = options,
		.index = index,
		.image = &recording->images[index],
		.capture = capture,
		.snapshot = figures_snapshot(capture),
	};

	figures_heap(capture, &subject.heap);
	return subject;
}

static bool print_page(struct page *page, const struct recording *recording, const struct report_options *options,
		       size_t index, struct capture *buffer)
{
	struct subject subject;

	if (!recording_load(recording, index, buffer))
		return false;
	subject = subject_of(recording, options, index, buffer);
	if (page->anything) {
		page_gap(page);
		page_line(page, DASHES DASHES);
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		sections[i](page, &subject);
	return true;
}

int report_text(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct page page = page_on(to, options->exact);
	struct capture *buffer = recording->buffer;
	int status = recording->bad ? STATUS_PARTIAL : STATUS_GOOD;
	size_t one = options->process ? recording_find(recording, options->process)
				      : recording_last(recording, recording->root);

	if (one == NO_IMAGE) {
		complain("%s: no process %u in this recording (pagegap report --all shows all)", recording->path,
			 options->process);
		status = STATUS_FAILED;
	} else if (!print_page(&page, recording, options, one, buffer)) {
		status = STATUS_PARTIAL;
	}
	for (size_t i = 0; options->all && i < recording->count; i++)
		if (i != one && !print_page(&page, recording, options, i, buffer))
			status = STATUS_PARTIAL;
	return status;
}
