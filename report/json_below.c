/* SPDX-License-Identifier: MIT */
/*
 * What stands beside the ledger: page tables around a fork, memory asked for with its pages, memory that was refused.
 */
#include "births.h"
#include "refusals.h"
#include "report_json.h"

json_t *json_fork(const struct subject *subject)
{
	struct birth_figures birth = births_of(subject);
	json_t *object;

	if (subject->image->born != BORN_FORK)
		return json_null();
	object = json_object();
	json_put_figure(object, "page_table_bytes", birth.page_table_bytes);
	json_put_figure(object, "parent_page_table_bytes", birth.parent_page_table_bytes);
	json_put_figure(object, "fork_ns", birth.fork_ns);
	return object;
}

json_t *json_populated(const struct subject *subject)
{
	json_t *object;

	if (!figures_observed(subject->capture))
		return json_null();
	object = json_object();
	json_put_figure(object, "calls", subject->capture->populate_calls);
	json_put_figure(object, "bytes", subject->capture->populate_bytes);
	return object;
}

static json_t *requests(const struct capture *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < CAPTURE_REQUESTS; i++) {
		const struct capture_refused *r = &c->exhaustion.refused[i];
		json_t *object;

		if (!r->count)
			continue;
		object = json_object();
		json_put(object, "request", json_string(request_keys[i]));
		json_put_figure(object, "count", r->count);
		json_put_figure(object, "least_bytes", r->least_bytes);
		json_put_figure(object, "most_bytes", r->most_bytes);
		json_put_figure(object, "first_at_ns", figure_less(r->first_ns, c->start_ns));
		json_put_figure(object, "last_at_ns", figure_less(r->last_ns, c->start_ns));
		json_array_append_new(array, object);
	}
	return array;
}

json_t *json_refused(const struct subject *subject)
{
	const struct capture_exhaustion *e = &subject->capture->exhaustion;
	struct refusal refusal = refusal_of(e);
	bool in_bytes = refusal.cause != REFUSAL_UNKNOWN && refusal.cause != REFUSAL_MAPPINGS &&
			refusal.cause != REFUSAL_HUGE_PAGES;
	json_t *object;

	if (!e->noted)
		return json_null();
	object = json_object();
	json_put(object, "limit", refusal_keys[refusal.cause] ? json_string(refusal_keys[refusal.cause]) : json_null());
	json_put_figure(object, "limit_bytes", in_bytes ? refusal.limit : CAPTURE_UNKNOWN);
	json_put_figure(object, "used_bytes", in_bytes ? refusal.used : CAPTURE_UNKNOWN);
	json_put(object, "first_request", json_string(request_keys[e->first_request]));
	json_put_figure(object, "first_bytes", e->first_bytes);
	json_put_figure(object, "mapped_bytes", e->mapped_bytes);
	json_put_figure(object, "mappings", e->mappings);
	json_put_figure(object, "mappings_limit", e->mappings_limit);
	json_put(object, "requests", requests(subject->capture));
	return object;
}
