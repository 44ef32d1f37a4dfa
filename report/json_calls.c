/* SPDX-License-Identifier: MIT */
/* The counted calls of a process as JSON. */
#include "calls.h"
#include "report_json.h"

json_t *json_calls(const struct subject *subject)
{
	struct call_figures calls[CAPTURE_CALLS];
	json_t *array;

	if (!figures_observed(subject->capture))
		return json_null();
	figures_calls(subject->capture, calls);
	array = json_array();
	for (size_t i = 0; i < CAPTURE_CALLS; i++) {
		if (!calls[i].calls)
			continue;
		json_array_append_new(array, json_pack("{s:s, s:I, s:s, s:o, s:o, s:n, s:n}", "name", call_names[i].name,
						       "number", (json_int_t)call_names[i].number, "category", call_names[i].category,
						       "calls", json_figure(calls[i].calls), "errors", json_figure(calls[i].errors),
						       "time_ns", "max_ns"));
	}
	return json_pack("{s:s, s:o}", "mode", "wrappers", "calls", array);
}
