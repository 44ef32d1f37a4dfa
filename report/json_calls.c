/* SPDX-License-Identifier: MIT */
/* The counted calls of a process as JSON. */
#include "calls.h"
#include "report_json.h"

static json_t *one_call(const struct call_name *call, const struct call_figures *figures)
{
	json_t *object = json_object();

	json_put(object, "name", json_string(call->name));
	json_put_figure(object, "number", (uint64_t)call->number);
	json_put(object, "category", json_string(call->category));
	json_put_figure(object, "calls", figures->calls);
	json_put_figure(object, "errors", figures->errors);
	json_put(object, "time_ns", json_null());
	json_put(object, "max_ns", json_null());
	return object;
}

json_t *json_calls(const struct subject *subject)
{
	struct call_figures figures[CAPTURE_CALLS];
	json_t *object, *array;

	if (!figures_observed(subject->capture))
		return json_null();
	figures_calls(subject->capture, figures);
	array = json_array();
	for (size_t i = 0; i < CAPTURE_CALLS; i++)
		if (figures[i].calls)
			json_array_append_new(array, one_call(&call_names[i], &figures[i]));
	object = json_object();
	json_put(object, "mode", json_string("wrappers"));
	json_put(object, "calls", array);
	return object;
}
