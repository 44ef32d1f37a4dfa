/* SPDX-License-Identifier: MIT */
/* The page faults of a process as JSON. */
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
	return object;
}
