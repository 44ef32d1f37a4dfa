/* SPDX-License-Identifier: MIT */
/*
 * A log as a trace that Perfetto and chrome://tracing open: the Trace Event Format, as a JSON object. Calls are complete events of their
 * thread; one that did not return is a beginning, and its end is the next that is known of its thread. Processes begin and end as
 * instants, an arrow goes from a fork to what its child does first, and beside them run the series of the captures. Written as it comes:
 * of each process that lives, its moments are in memory, and of each thread, whether a call of it is open.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "complain.h"
#include "decode.h"
#include "log_moments.h"
#include "log_write.h"
#include "memory.h"
#include "report_json.h"

#define EVENT (JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(15))

struct chrome {
	struct decode_options decoding;
	struct log_moments moments;
	uint64_t origin_ns;             /* ts 0 */
	uint64_t last_ns;               /* of what has been written */
	bool any;                       /* an event has been written */
	uint16_t *open;                 /* by thread of the log: 1 + the number of its last call, which did not return; 0: it did */
	bool *arrows;                   /* by image: an arrow leads to it */
};

static json_t *microseconds(uint64_t ns)
{
	return json_real((double)ns / 1000);
}

static json_t *event_of(const char *phase, const char *name, uint32_t pid, uint32_t tid)
{
	json_t *event = json_object();

	json_put(event, "ph", json_string(phase));
	json_put(event, "name", json_text(name, strlen(name)));
	json_put(event, "pid", json_integer(pid));
	json_put(event, "tid", json_integer(tid));
	return event;
}

static json_t *timed(struct log_output *output, json_t *event, uint64_t at_ns)
{
	struct chrome *chrome = output->own;

	if (at_ns > chrome->last_ns)
		chrome->last_ns = at_ns;
	json_put(event, "ts", microseconds(at_ns > chrome->origin_ns ? at_ns - chrome->origin_ns : 0));
	return event;
}

static void put_event(struct log_output *output, json_t *event)
{
	struct chrome *chrome = output->own;

	fputs(chrome->any ? ",\n" : "\n", output->to);
	chrome->any = true;
	if (!event || json_dumpf(event, output->to, EVENT))
		complain("an event could not be made: out of memory");
	json_decref(event);
}

static void put_name(struct log_output *output, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
	json_t *event, *args;

	if (output->options->pid && output->options->pid != pid && output->options->pid != tid)
		return;
	event = event_of("M", what, pid, tid);
	args = json_object();
	json_put(args, "name", json_text(name, strlen(name)));
	json_put(event, "args", args);
	put_event(output, event);
}

/* A process that executed another program is called what it was in the end. */
static void put_names(struct log_output *output)
{
	const struct recording *recording = output->lives.recording;
	const struct log_file *log = output->log;

	for (size_t i = 0; recording && i < recording->count; i++) {
		const struct image *image = &recording->images[i];

		if (image->next == NO_IMAGE && image->command && *image->command)
			put_name(output, "process_name", image->pid, image->pid, image->command);
	}
	for (size_t i = 0; i < log->threads_used; i++) {
		const struct log_thread *thread = &log->threads[i];

		if (log_lives_born(&output->lives, thread->pid, 0) == NO_IMAGE && (!i || thread[-1].pid != thread->pid))
			put_name(output, "process_name", thread->pid, thread->tid, thread->comm);
		put_name(output, "thread_name", thread->pid, thread->tid, thread->comm);
	}
}

static void put_counter(struct log_output *output, const char *name, uint32_t pid, uint64_t at_ns, const char *key, uint64_t value)
{
	json_t *event = timed(output, event_of("C", name, pid, pid), at_ns), *args = json_object();

	json_put(args, key, json_figure(value));
	json_put(event, "args", args);
	put_event(output, event);
}

static void put_sample(struct log_output *output, uint32_t pid, const struct capture_sample *sample)
{
	json_t *event, *args;

	if (sample->resident_bytes <= INT64_MAX)
		put_counter(output, "resident", pid, sample->at_ns, "bytes", sample->resident_bytes);
	if (sample->live_bytes <= INT64_MAX)
		put_counter(output, "heap, live", pid, sample->at_ns, "bytes", sample->live_bytes);
	if (sample->minor_faults > INT64_MAX || sample->major_faults > INT64_MAX)
		return;
	event = timed(output, event_of("C", "page faults", pid, pid), sample->at_ns);
	args = json_object();
	json_put_figure(args, "minor", sample->minor_faults);
	json_put_figure(args, "major", sample->major_faults);
	json_put(event, "args", args);
	put_event(output, event);
}

static void put_instant(struct log_output *output, const char *name, const char *category, uint32_t pid, uint32_t tid, uint64_t at_ns,
			const char *scope, json_t *args)
{
	json_t *event = timed(output, event_of("i", name, pid, tid), at_ns);

	json_put(event, "cat", json_string(category));
	json_put(event, "s", json_string(scope));
	json_put(event, "args", args ? args : json_object());
	put_event(output, event);
}

static void put_moment(struct log_output *output, const struct log_moment *moment)
{
	if (moment->name)
		put_instant(output, moment->name, moment->category, moment->pid, moment->pid, moment->at_ns, "p", NULL);
	else
		put_sample(output, moment->pid, &moment->sample);
}

static void put_moments(struct log_output *output, uint64_t until_ns)
{
	struct chrome *chrome = output->own;
	const struct log_moment *moment;

	while ((moment = log_moments_next(&chrome->moments, until_ns)))
		if (!output->options->pid || output->options->pid == moment->pid)
			put_moment(output, moment);
}

static void close_call(struct log_output *output, size_t thread, uint64_t at_ns)
{
	struct chrome *chrome = output->own;
	unsigned number = chrome->open[thread] - 1u;
	json_t *event;
	char *name;

	if (!chrome->open[thread])
		return;
	chrome->open[thread] = 0;
	/* Some readers look for a beginning of the same name and category. */
	name = decode_name(number);
	event = timed(output, event_of("E", name, output->log->threads[thread].pid, output->log->threads[thread].tid), at_ns);
	json_put(event, "cat", json_string(call_category(number)));
	put_event(output, event);
	free(name);
}

/* With the process, or, without one, at the end of all. */
static void close_calls(struct log_output *output, uint32_t pid, uint64_t at_ns)
{
	for (size_t i = 0; i < output->log->threads_used; i++)
		if (!pid || output->log->threads[i].pid == pid)
			close_call(output, i, at_ns);
}

static json_t *word(char *text)
{
	json_t *value = text ? json_text(text, strlen(text)) : json_null();

	free(text);
	return value;
}

static json_t *args_of(const struct log_call *call, const struct decode_options *decoding)
{
	json_t *args = json_object(), *array = json_array();
	char *text;

	for (unsigned i = 0; call->begun_ns && i < 6 && (text = decode_argument(call, i, decoding)); i++)
		json_array_append_new(array, word(text));
	json_put(args, "arguments", array);
	if (call->ended_ns)
		json_put(args, "result", word(decode_result(call, decoding)));
	else if (!log_never_returns(call->number))
		json_put(args, "unfinished", json_true());
	return args;
}

/* Not one that never returns (exit, rt_sigreturn). */
static bool is_open(const struct log_call *call)
{
	return !call->ended_ns && !log_never_returns(call->number);
}

static bool is_birth(const struct log_call *call)
{
	return (call->number == SYS_fork || call->number == SYS_vfork || call->number == SYS_clone || call->number == SYS_clone3) &&
	       call->begun_ns && call->result_known && call->result > 0 && call->result <= INT32_MAX;
}

/* Of an arrow from the call that forked to what the child does next. The call must be there already. */
static void put_arrow(struct log_output *output, const char *phase, size_t image, uint32_t pid, uint32_t tid, uint64_t at_ns)
{
	json_t *event = timed(output, event_of(phase, "fork", pid, tid), at_ns);

	json_put(event, "cat", json_string("process"));
	json_put(event, "id", json_integer((json_int_t)image + 1));
	put_event(output, event);
}

static void begin_arrow(struct log_output *output, const struct log_call *call)
{
	struct chrome *chrome = output->own;
	size_t image = log_lives_born(&output->lives, (uint32_t)call->result, call->begun_ns);

	if (image == NO_IMAGE || chrome->arrows[image] || output->lives.recording->images[image].parent_pid != call->pid)
		return;
	chrome->arrows[image] = true;
	put_arrow(output, "s", image, call->pid, call->tid, call->begun_ns);
}

static void put_call(struct log_output *output, const struct log_call *call)
{
	struct chrome *chrome = output->own;
	char *name = decode_name(call->number);
	json_t *args = args_of(call, &chrome->decoding), *event;

	if (!call->begun_ns) {
		char *resumed = memory_format("%s resumed", name);

		put_instant(output, resumed, call_category(call->number), call->pid, call->tid, call->ended_ns, "t", args);
		free(resumed);
		free(name);
		return;
	}
	event = timed(output, event_of(is_open(call) ? "B" : "X", name, call->pid, call->tid), call->begun_ns);
	json_put(event, "cat", json_string(call_category(call->number)));
	if (!is_open(call))
		json_put(event, "dur", microseconds(call->ended_ns ? call->ended_ns - call->begun_ns : 0));
	json_put(event, "args", args);
	put_event(output, event);
	if (call->ended_ns > chrome->last_ns)
		chrome->last_ns = call->ended_ns;
	if (is_birth(call))
		begin_arrow(output, call);
	free(name);
}

static void chrome_call(struct log_output *output, const struct log_call *call)
{
	struct chrome *chrome = output->own;
	size_t thread = output->stream->heap[0].thread;

	put_moments(output, log_call_at(call));
	close_call(output, thread, log_call_at(call));
	if (call->kind == LOG_SIGNAL) {
		char *text = decode_signal(call);

		put_instant(output, text, "signal", call->pid, call->tid, call->begun_ns, "t", NULL);
		free(text);
		return;
	}
	put_call(output, call);
	chrome->open[thread] = is_open(call) ? (uint16_t)(call->number + 1) : 0;
}

static void chrome_life(struct log_output *output, const struct log_life *life)
{
	const struct image *image = &output->lives.recording->images[life->image];
	struct chrome *chrome = output->own;
	json_t *args = json_object();

	put_moments(output, life->at_ns);
	if (life->kind != LIFE_BEGAN)
		close_calls(output, image->pid, life->at_ns);
	if (life->kind == LIFE_ENDED)
		json_put_figure(args, image->end == END_SIGNAL ? "signal" : "status", (uint64_t)(uint32_t)image->code);
	else
		json_put(args, "command", image->command ? json_text_or_null(image->command) : json_null());
	put_instant(output, log_life_name(output, life), "process", image->pid, image->pid, life->at_ns, "p", args);
	if (life->kind == LIFE_BEGAN && chrome->arrows[life->image])
		put_arrow(output, "f", life->image, image->pid, image->pid, life->at_ns);
}

static void put_head(struct log_output *output)
{
	const struct log_counts *counts = &output->log->counts;
	struct chrome *chrome = output->own;
	json_t *head = json_object();

	json_put(head, "format", json_string("pagegap-log"));
	json_put_figure(head, "begin_ns", output->log->header.begun_realtime_ns + chrome->origin_ns - output->log->header.begun_ns);
	json_put_figure(head, "calls", counts->calls);
	json_put_figure(head, "lost_calls", counts->lost);
	json_put_figure(head, "skipped_calls", counts->skipped);
	fputs("{\"displayTimeUnit\": \"ns\", \"otherData\": ", output->to);
	if (json_dumpf(head, output->to, EVENT))
		complain("an event could not be made: out of memory");
	json_decref(head);
	fputs(", \"traceEvents\": [", output->to);
}

static void chrome_begin(struct log_output *output)
{
	struct chrome *chrome = memory_get(sizeof(*chrome));

	output->own = chrome;
	chrome->decoding.descriptors = output->options->descriptors;
	chrome->open = memory_get(output->log->threads_used * sizeof(chrome->open[0]));
	chrome->arrows = memory_get((output->lives.recording ? output->lives.recording->count : 0) * sizeof(chrome->arrows[0]));
	chrome->origin_ns = output->log->header.begun_ns;
	if (output->lives.used && output->lives.lives[0].at_ns < chrome->origin_ns)
		chrome->origin_ns = output->lives.lives[0].at_ns;
	if (output->stream->used && output->stream->heap[0].at_ns < chrome->origin_ns)
		chrome->origin_ns = output->stream->heap[0].at_ns;
	log_moments_open(&chrome->moments, output->lives.recording);
	put_head(output);
	put_names(output);
}

static void chrome_end(struct log_output *output)
{
	struct chrome *chrome = output->own;

	put_moments(output, LOG_NEVER);
	close_calls(output, 0, chrome->last_ns);
	fputs("\n]}\n", output->to);
	log_moments_close(&chrome->moments);
	free(chrome->open);
	free(chrome->arrows);
	free(chrome);
}

const struct log_format log_chrome = { "chrome", chrome_begin, chrome_call, chrome_life, chrome_end };
