/* SPDX-License-Identifier: MIT */
/* The calls of a process by thread as JSON. */
#include "calls.h"
#include "report_json.h"
#include "threads.h"

static const char *const kinds[] = { [THREAD_ONE] = "thread", [THREAD_SEQUENCE] = "sequence", [THREAD_SHARED] = "shared" };

static json_t *one_thread(const struct thread_figures *t)
{
	bool shared = t->kind == THREAD_SHARED;
	json_t *object = json_object();

	json_put(object, "kind", json_string(kinds[t->kind]));
	json_put_figure(object, "threads", t->threads);
	json_put(object, "tid", t->tid ? json_figure(t->tid) : json_null());
	json_put(object, "name", json_text_or_null(t->name));
	json_put(object, "ended", shared ? json_null() : json_boolean(t->ended));
	json_put(object, "complete", json_boolean(t->complete));
	json_put_figure(object, "calls", t->calls);
	json_put_figure(object, "errors", t->errors);
	json_put_figure(object, "timed", t->timed);
	json_put_figure(object, "time_ns", t->time_ns);
	json_put(object, "busiest", t->calls ? json_string(call_name(t->busiest)) : json_null());
	json_put_figure(object, "lived_ns", t->life.lived_ns);
	json_put_figure(object, "user_ns", t->life.user_ns);
	json_put_figure(object, "system_ns", t->life.system_ns);
	json_put_figure(object, "runnable_wait_ns", t->life.wait_ns);
	json_put_figure(object, "asleep_ns", t->life.asleep_ns);
	json_put_figure(object, "asleep_in_calls_least_ns", t->life.least_in_calls_ns);
	json_put_figure(object, "asleep_in_calls_most_ns", t->life.most_in_calls_ns);
	json_put_figure(object, "bound_ns", t->life.known ? t->life.bound_ns : CAPTURE_UNKNOWN);
	return object;
}

json_t *json_threads(const struct capture *capture)
{
	static struct thread_figures threads[CAPTURE_COUNTERS];
	size_t count = threads_of(capture, threads);
	json_t *array;

	if (capture->calls_mode == CALLS_TRACED)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, one_thread(&threads[i]));
	return array;
}
