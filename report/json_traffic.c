/* SPDX-License-Identifier: MIT */
/* Bytes by descriptor as JSON. */
#include "report_json.h"
#include "traffic.h"

static json_t *one_descriptor(const struct traffic_line *line)
{
	json_t *object = json_object();

	json_put(object, "fd", line->target < TARGET_FIRST ? json_null() : json_figure(line->fd));
	json_put(object, "kind", json_string(traffic_kind(line)));
	json_put(object, "path", json_text_or_null(line->name));
	json_put_figure(object, "calls", line->calls);
	json_put_figure(object, "errors", line->errors);
	json_put_figure(object, "bytes_in", line->bytes_in);
	json_put_figure(object, "bytes_out", line->bytes_out);
	json_put_figure(object, "timed", line->timed);
	json_put_figure(object, "time_ns", line->time_ns);
	return object;
}

json_t *json_traffic(const struct capture *capture)
{
	struct traffic traffic = { NULL };
	json_t *array;

	if (capture->calls_mode == CALLS_TRACED)
		return json_null();
	array = json_array();
	traffic_add(&traffic, capture);
	traffic_sort(&traffic);
	for (size_t i = 0; i < traffic.count; i++)
		json_array_append_new(array, one_descriptor(&traffic.lines[i]));
	traffic_free(&traffic);
	return array;
}
