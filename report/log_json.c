/* SPDX-License-Identifier: MIT */
/*
 * A log for programs: JSON lines. The first says what it is and how much is missing, each of the others is a call, a signal, or how a
 * process began or ended. log.schema.json has the keys; they are always all there, and what is not known is null.
 */
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "decode.h"
#include "log_write.h"
#include "report_json.h"

#define LINE (JSON_ENSURE_ASCII | JSON_COMPACT)

static void put_line(struct log_output *output, json_t *line)
{
	if (!line || json_dumpf(line, output->to, LINE))
		complain("a line of JSON could not be made: out of memory");
	json_decref(line);
	fputc('\n', output->to);
}

/* A decoded text, which is freed. */
static json_t *word(char *text)
{
	json_t *value = text ? json_text(text, strlen(text)) : json_null();

	free(text);
	return value;
}

static json_t *line_of(const struct log_output *output, const char *event, uint32_t pid, uint32_t tid, uint64_t at_ns)
{
	const struct log_header *header = &output->log->header;
	json_t *line = json_object();

	json_put(line, "event", json_string(event));
	json_put(line, "pid", json_integer(pid));
	json_put(line, "tid", json_integer(tid));
	json_put_figure(line, "at_ns", header->begun_realtime_ns + at_ns - header->begun_ns);
	json_put(line, "since_begin_ns", json_integer((json_int_t)(at_ns - header->begun_ns)));
	return line;
}

static json_t *arguments(const struct log_call *call, const struct decode_options *decoding)
{
	json_t *array = call->begun_ns ? json_array() : json_null();
	char *text;

	for (unsigned i = 0; call->begun_ns && i < 6 && (text = decode_argument(call, i, decoding)); i++)
		json_array_append_new(array, word(text));
	return array;
}

static bool has_failed(const struct log_call *call)
{
	struct log_wish failed;

	log_filter_all(&failed);
	failed.failed = 1;
	return log_filter_matches(&failed, call);
}

static void json_call(struct log_output *output, const struct log_call *call)
{
	struct decode_options decoding = { .descriptors = output->options->descriptors };
	bool known = call->ended_ns && call->result_known;
	const char *error = has_failed(call) ? strerrorname_np((int)-call->result) : NULL;
	json_t *line = line_of(output, "call", call->pid, call->tid, log_call_at(call));

	json_put(line, "comm", json_text(call->comm, strlen(call->comm)));
	json_put(line, "name", word(decode_name(call->number)));
	json_put(line, "number", json_integer(call->number));
	json_put(line, "category", json_string(call_category(call->number)));
	json_put(line, "arguments", arguments(call, &decoding));
	json_put(line, "returned", json_boolean(call->ended_ns));
	json_put(line, "result", known ? json_integer(call->result) : json_null());
	json_put(line, "result_text", known ? word(decode_result(call, &decoding)) : json_null());
	json_put(line, "error", error ? json_string(error) : json_null());
	json_put(line, "duration_ns", log_is_timed(call) ? json_figure(call->ended_ns - call->begun_ns) : json_null());
	put_line(output, line);
}

static void json_signal(struct log_output *output, const struct log_call *call)
{
	json_t *line = line_of(output, "signal", call->pid, call->tid, log_call_at(call));

	json_put(line, "comm", json_text(call->comm, strlen(call->comm)));
	json_put(line, "number", json_integer(call->number));
	json_put(line, "signal", word(decode_signal(call)));
	put_line(output, line);
}

static void json_call_or_signal(struct log_output *output, const struct log_call *call)
{
	(call->kind == LOG_SIGNAL ? json_signal : json_call)(output, call);
}

static void json_life(struct log_output *output, const struct log_life *life)
{
	const struct image *image = &output->lives.recording->images[life->image];
	json_t *line = line_of(output, log_life_name(output, life), image->pid, image->pid, life->at_ns);

	json_put(line, "image", json_integer(image->number));
	json_put(line, "parent_pid", image->parent_pid ? json_integer(image->parent_pid) : json_null());
	json_put(line, "command", image->command ? json_text_or_null(image->command) : json_null());
	json_put(line, "code", life->kind == LIFE_ENDED ? json_integer(image->code) : json_null());
	put_line(output, line);
}

static void json_begin(struct log_output *output)
{
	const struct log_counts *counts = &output->log->counts;
	json_t *line = json_object(), *object = json_object();

	json_put_figure(object, "calls", counts->calls);
	json_put_figure(object, "signals", counts->signals);
	json_put_figure(object, "unfinished", counts->unfinished);
	json_put_figure(object, "lost", counts->lost);
	json_put_figure(object, "skipped", counts->skipped);
	json_put_figure(object, "without_beginning", counts->orphans);
	json_put_figure(object, "bad_records", counts->bad_records);
	json_put_figure(object, "bad_chunks", counts->bad_chunks);
	json_put(line, "format", json_string("pagegap-log"));
	json_put(line, "version", json_integer(1));
	json_put_figure(line, "begun_ns", output->log->header.begun_realtime_ns);
	json_put(line, "threads", json_integer((json_int_t)output->log->threads_used));
	json_put(line, "counts", object);
	put_line(output, line);
}

static void json_end(struct log_output *output)
{
	(void)output;
}

const struct log_format log_json = { "json", json_begin, json_call_or_signal, json_life, json_end };
