/* SPDX-License-Identifier: MIT */
/* The page faults of a process as JSON. */
#include <stdlib.h>

#include "churn_figures.h"
#include "report_json.h"
#include "rows.h"

static json_t *minor_and_major(uint64_t minor, uint64_t major)
{
	json_t *object = json_object();

	json_put_figure(object, "minor", minor);
	json_put_figure(object, "major", major);
	return object;
}

static json_t *by_row(const struct capture_faults *faults)
{
	json_t *object = json_object();

	json_put(object, "heap", minor_and_major(faults->minor[ROW_HEAP_LIVE], faults->major[ROW_HEAP_LIVE]));
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		json_put(object, row_keys[row],
			 row <= ROW_HEAP_FREE ? json_null() : minor_and_major(faults->minor[row], faults->major[row]));
	return object;
}

static json_t *by_kind(const struct capture_faults *faults)
{
	json_t *object = json_object();

	for (size_t kind = 0; kind < CAPTURE_KINDS; kind++)
		json_put_figure(object, kind_keys[kind], faults->kinds[kind]);
	return object;
}

/* The rows that anonymous memory can be in: other pages are not followed. */
static json_t *churn(const struct subject *subject)
{
	static const enum capture_row rows[] = { ROW_HEAP_LIVE, ROW_ANON, ROW_IMAGE, ROW_STACK };
	const struct capture_faults *faults = &subject->capture->faults;
	struct churn_figures figures = churn_figures(subject);
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t pages = faults->churn_pages[rows[i]];
		json_t *row = json_object();

		json_put_figure(row, "pages", pages);
		json_put_figure(row, "faults", faults->churn_faults[rows[i]]);
		json_put_figure(row, "bytes", pages == CAPTURE_UNKNOWN ? pages : pages * subject->capture->page_size);
		json_put(object, rows[i] == ROW_HEAP_LIVE ? "heap" : row_keys[rows[i]], row);
	}
	json_put(object, "at_least", json_boolean(figures.at_least));
	json_put(object, "advice", json_text_or_null(figures.advice ? figures.advice : ""));
	free(figures.advice);
	if (figures.known)
		return object;
	json_decref(object);
	return json_null();
}

json_t *json_faults(const struct subject *subject)
{
	struct fault_figures figures = figures_faults(subject->recording, subject->index, subject->capture);
	json_t *object = json_object();

	json_put_figure(object, "minor", figures.minor);
	json_put_figure(object, "major", figures.major);
	json_put_figure(object, "attributed", figures.attributed);
	json_put_figure(object, "in_kernel", figures.in_kernel);
	json_put_figure(object, "lost", figures.lost);
	json_put_figure(object, "unplaced", figures.unplaced);
	json_put_figure(object, "before_exec", figures.early);
	json_put(object, "method", json_string(!figures.sampled ? "counts" : figures.partial ? "samples" : "all"));
	json_put_figure(object, "minor_fault_ns", figures.minor_fault_ns);
	json_put(object, "by_row", figures.sampled ? by_row(&subject->capture->faults) : json_null());
	json_put(object, "by_kind", figures.sampled ? by_kind(&subject->capture->faults) : json_null());
	json_put(object, "churn", churn(subject));
	return object;
}
