/* SPDX-License-Identifier: MIT */
/* The time of a process as JSON. */
#include "accounting.h"
#include "report_json.h"

static json_t *json_accounting(const struct capture *capture)
{
	struct accounting a = accounting_of(capture);
	json_t *object;

	if (!a.known)
		return json_null();
	object = json_object();
	json_put_figure(object, "threads", a.threads);
	json_put_figure(object, "lived_ns", a.lived_ns);
	json_put_figure(object, "user_ns", a.user_ns);
	json_put_figure(object, "system_ns", a.system_ns);
	json_put_figure(object, "runnable_wait_ns", a.wait_ns);
	json_put_figure(object, "asleep_ns", a.asleep_ns);
	json_put_figure(object, "asleep_in_calls_least_ns", a.least_in_calls_ns);
	json_put_figure(object, "asleep_in_calls_most_ns", a.most_in_calls_ns);
	json_put_figure(object, "bound_ns", a.bound_ns);
	return object;
}

json_t *json_time(const struct subject *subject)
{
	const struct usage *own = &subject->image->own;
	json_t *object = json_object();

	/* An end that is only as late as the parent saw it does not tell how long the process lived. */
	json_put_figure(object, "wall_ns",
			subject->image->end_by_parent ? CAPTURE_UNKNOWN : figures_wall(subject->image));
	json_put_figure(object, "user_ns", own->user_ns);
	json_put_figure(object, "system_ns", own->system_ns);
	json_put_figure(object, "runnable_wait_ns", own->runnable_wait_ns);
	json_put_figure(object, "voluntary_switches", own->voluntary_switches);
	json_put_figure(object, "involuntary_switches", own->involuntary_switches);
	json_put_figure(object, "migrations", own->migrations);
	json_put(object, "accounting", json_accounting(subject->capture));
	return object;
}
