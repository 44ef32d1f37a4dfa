/* SPDX-License-Identifier: MIT */
/* The counted calls of a process as JSON. */
#include "calls.h"
#include "coverage.h"

#include <string.h>

#include "memory.h"
#include "syscalls.h"
#include "report_json.h"

/* What a signal makes of a call that is made again (include/linux/errno.h): a tracer sees it, the program does not. NULL: no name */
static const char *error_name(unsigned error)
{
	switch (error) {
	case 512: return "ERESTARTSYS";
	case 513: return "ERESTARTNOINTR";
	case 514: return "ERESTARTNOHAND";
	case 516: return "ERESTART_RESTARTBLOCK";
	default:  return strerrorname_np((int)error);
	}
}

static json_t *errors_of(const struct call_figures *figures)
{
	json_t *object = json_object();
	uint64_t named = 0;

	for (size_t i = 0; i < CALL_ERRORS && figures->by_error[i].count; i++) {
		const char *name = error_name(figures->by_error[i].error);
		char *number = name ? NULL : memory_format("%u", figures->by_error[i].error);

		json_put_figure(object, name ? name : number, figures->by_error[i].count);
		free(number);
		named += figures->by_error[i].count;
	}
	if (figures->errors > named)
		json_put_figure(object, "other", figures->errors - named);
	return object;
}

static json_t *one_call(const struct call_figures *figures)
{
	json_t *object = json_object();

	json_put(object, "name", json_string(call_name(figures->number)));
	json_put_figure(object, "number", figures->number);
	json_put(object, "category", json_string(call_category(figures->number)));
	json_put_figure(object, "calls", figures->calls);
	json_put_figure(object, "errors", figures->errors);
	json_put(object, "by_error", errors_of(figures));
	json_put_figure(object, "bytes", figures->bytes);
	json_put_figure(object, "bytes_in", call_bytes_in(figures));
	json_put_figure(object, "bytes_out", call_bytes_out(figures));
	json_put_figure(object, "timed", figures->timed);
	json_put_figure(object, "time_ns", figures->time_ns);
	json_put_figure(object, "min_ns", figures->least_ns);
	json_put_figure(object, "p50_ns", figures->half_ns);
	json_put_figure(object, "p99_ns", figures->p99_ns);
	json_put_figure(object, "max_ns", figures->most_ns);
	return object;
}

static json_t *categories(const struct call_figures *figures, size_t count)
{
	struct service services[SYSCALL_CATEGORIES];
	size_t used = calls_services(figures, count, services);
	json_t *array = json_array();

	for (size_t i = 0; i < used; i++) {
		json_t *object = json_object();

		json_put(object, "name", json_string(services[i].name));
		json_put_figure(object, "calls", services[i].calls);
		json_put_figure(object, "errors", services[i].errors);
		json_put_figure(object, "time_ns", services[i].time_ns);
		json_put_figure(object, "bytes_in", services[i].bytes_in);
		json_put_figure(object, "bytes_out", services[i].bytes_out);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *coverage(const struct capture *capture)
{
	struct coverage c = coverage_of(capture);
	json_t *object = json_object();

	json_put_figure(object, "kernel_reads", c.kernel_reads);
	json_put_figure(object, "seen_reads", c.seen_reads);
	json_put_figure(object, "kernel_writes", c.kernel_writes);
	json_put_figure(object, "seen_writes", c.seen_writes);
	json_put_figure(object, "unseen_least", c.unseen_least);
	return object;
}

static json_t *vdso(const struct capture *capture)
{
	json_t *object;

	if (!capture->vdso_counted)
		return json_null();
	object = json_object();
	for (size_t i = 0; i < CAPTURE_VDSO; i++)
		json_put_figure(object, calls_vdso_names[i], calls_vdso(capture, (enum capture_vdso)i));
	return object;
}

json_t *json_calls(const struct subject *subject)
{
	static struct call_figures figures[CAPTURE_NUMBERS];
	bool all = subject->capture->calls_mode == CALLS_ALL;
	json_t *object, *array;
	size_t count;

	if (!figures_observed(subject->capture))
		return json_null();
	count = calls_of(subject->capture, figures);
	array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, one_call(&figures[i]));
	object = json_object();
	json_put(object, "mode", json_string(calls_mode_names[subject->capture->calls_mode]));
	json_put_figure(object, "uncounted", subject->capture->uncounted_calls);
	json_put(object, "coverage", coverage(subject->capture));
	json_put(object, "calls", array);
	json_put(object, "categories", categories(figures, count));
	json_put(object, "vdso", vdso(subject->capture));
	json_put(object, "descriptors", json_traffic(subject->capture));
	json_put(object, "threads", json_threads(subject->capture));
	json_put(object, "caught", all ? json_figure(subject->capture->caught_calls) : json_null());
	json_put(object, "patched_sites", all ? json_figure(subject->capture->patched_sites) : json_null());
	json_put(object, "refused_sites", all ? json_figure(subject->capture->refused_sites) : json_null());
	return object;
}
