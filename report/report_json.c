/* SPDX-License-Identifier: MIT */
/*
 * The report for programs: one document, written one process at a time, so that a recording of thousands needs the
 * memory of one. Keys and their meaning are in report.schema.json. All keys are always there; what is not known is
 * null.
 */
#include "report_json.h"

#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "memory.h"
#include "report_text.h"

static bool out_of_memory;      /* some value could not be made */

json_t *json_figure(uint64_t figure)
{
	return figure > INT64_MAX ? json_null() : json_integer((json_int_t)figure);
}

json_t *json_text(const char *bytes, size_t length)
{
	char *text = escape_utf8(bytes, length);
	json_t *value = json_string(text);

	free(text);
	return value;
}

json_t *json_text_or_null(const char *text)
{
	return *text ? json_text(text, strlen(text)) : json_null();
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		out_of_memory = true;
}

void json_put_figure(json_t *object, const char *key, uint64_t figure)
{
	json_put(object, key, json_figure(figure));
}

json_t *json_argv(const struct capture *capture)
{
	json_t *argv;

	if (!capture->argv_bytes)
		return json_null();
	argv = json_array();
	for (uint32_t at = 0; at < capture->argv_bytes;) {
		size_t length = strlen(capture->argv + at);

		json_array_append_new(argv, json_text(capture->argv + at, length));
		at += (uint32_t)length + 1;
	}
	return argv;
}

static json_t *json_pid(const struct subject *subject)
{
	return json_figure(subject->image->pid);
}

static json_t *json_parent_pid(const struct subject *subject)
{
	return subject->image->parent_pid ? json_figure(subject->image->parent_pid) : json_null();
}

static json_t *json_image(const struct subject *subject)
{
	return json_figure(subject->image->number);
}

static json_t *json_exe(const struct subject *subject)
{
	return json_text_or_null(subject->capture->exe);
}

static json_t *json_process_argv(const struct subject *subject)
{
	return json_argv(subject->capture);
}

static json_t *json_born_by(const struct subject *subject)
{
	uint32_t born = subject->image->born;

	return born == BORN_UNKNOWN ? json_null() : json_string(text_born(born));
}

static json_t *json_ended_by(const struct subject *subject)
{
	static const char *const kinds[] = {
		[END_EXIT] = "exit",
		[END_SIGNAL] = "signal",
		[END_EXEC] = "exec",
		[END_RUNNING] = "running",
		[END_LOST] = "lost",
	};
	const struct image *image = subject->image;
	json_t *object = json_object();

	json_put(object, "kind", json_string(kinds[image->end]));
	json_put(object, "code", image->end <= END_SIGNAL ? json_integer(image->code) : json_null());
	return object;
}
_Static_assert(END_EXIT < END_SIGNAL && END_SIGNAL < END_EXEC, "the ends with a code come first");

static const struct {
	const char *key;
	json_t *(*make)(const struct subject *subject);
} keys[] = {
	{ "pid", json_pid },
	{ "parent_pid", json_parent_pid },
	{ "image", json_image },
	{ "exe", json_exe },
	{ "argv", json_process_argv },
	{ "born_by", json_born_by },
	{ "ended_by", json_ended_by },
	{ "time", json_time },
	{ "heap", json_heap },
	{ "snapshots", json_snapshots },
	{ "samples", json_samples },
	{ "faults", json_faults },
	{ "cow", json_cow },
	{ "invalid_access", json_invalid_access },
	{ "killed", json_oom },
	{ "fork", json_fork },
	{ "populated", json_populated },
	{ "refused", json_refused },
	{ "syscalls", json_calls },
	{ "mappings", json_mappings },
};

/* Processes in order of birth, their images in order of exec; stable whatever the directory's order is. */
static int by_start(const void *a, const void *b)
{
	const struct image *first = *(const struct image *const *)a, *second = *(const struct image *const *)b;

	if (first->start_ns != second->start_ns)
		return first->start_ns < second->start_ns ? -1 : 1;
	if (first->pid != second->pid)
		return first->pid < second->pid ? -1 : 1;
	return first->number < second->number ? -1 : first->number > second->number;
}

const struct image **report_in_order(const struct recording *recording)
{
	const struct image **order = memory_get(recording->count * sizeof(order[0]));

	for (size_t i = 0; i < recording->count; i++)
		order[i] = &recording->images[i];
	qsort(order, recording->count, sizeof(order[0]), by_start);
	return order;
}

static bool write_value(FILE *to, json_t *value)
{
	bool good = value && !json_dumpf(value, to, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	json_decref(value);
	return good;
}

/* All but the call sites at once. */
static bool write_process(FILE *to, const struct subject *subject)
{
	json_t *process = json_object();
	bool good;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		json_put(process, keys[i].key, keys[i].make(subject));
	putc('{', to);
	good = !json_dumpf(process, to, JSON_EMBED | JSON_ENSURE_ASCII) && !out_of_memory;
	json_decref(process);
	fputs(", \"sites\": ", to);
	good = json_write_sites(to, subject) && good;
	putc('}', to);
	return good;
}

int report_json(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct capture *buffer = recording->buffer;
	const struct image **order = report_in_order(recording);
	int status = recording->bad ? STATUS_PARTIAL : STATUS_GOOD;
	bool good, first = true;

	fputs("{\"format\": \"pagegap-report\", \"version\": 1, \"command\": ", to);
	if (!recording_load(recording, recording->root, buffer)) {
		memset(buffer, 0, sizeof(*buffer));
		status = STATUS_PARTIAL;
	}
	good = write_value(to, json_argv(buffer));
	fputs(", \"processes\": [", to);
	for (size_t i = 0; i < recording->count; i++) {
		size_t index = (size_t)(order[i] - recording->images);
		struct subject subject;

		if (!recording_load(recording, index, buffer)) {
			status = STATUS_PARTIAL;
			continue;
		}
		subject = subject_of(recording, options, index, buffer);
		fputs(first ? "\n" : ",\n", to);
		first = false;
		good = write_process(to, &subject) && good;
	}
	fputs("\n]}\n", to);
	free(order);
	if (good)
		return status;
	complain("the JSON document could not be made: out of memory");
	return STATUS_FAILED;
}
