/* SPDX-License-Identifier: MIT */
/*
 * pprof's profile: one sample a site, with all figures as its values. Locations keep the addresses that the process had, for which each process
 * has mappings of its own; functions are the same in all.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "complain.h"
#include "escape.h"
#include "memory.h"
#include "numbers.h"
#include "profile.pb-c.h"
#include "site_profile.h"
#include "symbols_internal.h"

/* Profiles are written message by message into the gzip stream, so that not all of them need be in memory; these are the fields' numbers. */
enum { FIELD_SAMPLE_TYPE = 1, FIELD_SAMPLE = 2, FIELD_MAPPING = 3, FIELD_LOCATION = 4, FIELD_FUNCTION = 5, FIELD_STRING = 6 };

struct output {
	FILE *to;
	z_stream stream;
	bool begun;
	size_t column;                  /* the one that is shown first */
	struct symbol_texts texts;
	struct numbers strings, functions;
	struct numbers mappings;        /* of all processes */
	uint64_t locations;
	uint64_t unknown[SITE_COLUMNS];
	int64_t time_nanos, duration_nanos;
	const struct recording *recording;
};

/* --- the stream --- */

static void deflate_bytes(struct output *out, const void *bytes, size_t count, int flush)
{
	unsigned char buffer[16384];

	out->stream.next_in = (void *)(uintptr_t)bytes;
	out->stream.avail_in = (unsigned)count;
	do {
		out->stream.next_out = buffer;
		out->stream.avail_out = sizeof(buffer);
		deflate(&out->stream, flush);
		fwrite(buffer, 1, sizeof(buffer) - out->stream.avail_out, out->to);
	} while (!out->stream.avail_out);
}

static void put_bytes(struct output *out, const void *bytes, size_t count)
{
	deflate_bytes(out, bytes, count, Z_NO_FLUSH);
}

/* A field of length-delimited bytes: https://protobuf.dev/programming-guides/encoding */
static void put_field(struct output *out, unsigned field, const void *bytes, size_t count)
{
	uint8_t head[12] = { (uint8_t)(field << 3 | 2) };
	size_t used = 1;

	for (size_t rest = count; used == 1 || rest; rest >>= 7)
		head[used++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
	put_bytes(out, head, used);
	put_bytes(out, bytes, count);
}

static void put_message(struct output *out, unsigned field, const ProtobufCMessage *message)
{
	size_t count = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = memory_get(count + 1);

	protobuf_c_message_pack(message, bytes);
	put_field(out, field, bytes, count);
	free(bytes);
}

/* --- what is written once --- */

static int64_t string_of(struct output *out, const char *raw)
{
	char *text = escape_text(raw, strlen(raw));
	const char *kept = symbol_texts_keep(&out->texts, text, strlen(text));
	bool fresh;
	uint64_t number = numbers_get(&out->strings, (uintptr_t)kept, 0, 0, &fresh);

	if (fresh)
		put_field(out, FIELD_STRING, kept, strlen(kept));
	free(text);
	return (int64_t)number - 1; /* the first, empty one is 0 */
}

static uint64_t function_of(struct output *out, const struct site_frame *frame, const struct symbol_frame *name)
{
	Pagegap__Pprof__Function function = PAGEGAP__PPROF__FUNCTION__INIT;
	char *place = name->function ? NULL : site_frame_place(frame);
	int64_t called = string_of(out, name->function ? name->function : place), file = string_of(out, name->file ? name->file : "");
	bool fresh;

	free(place);
	function.id = numbers_get(&out->functions, (uint64_t)called, (uint64_t)file, 0, &fresh);
	function.name = function.system_name = called;
	function.filename = file;
	if (fresh)
		put_message(out, FIELD_FUNCTION, &function.base);
	return function.id;
}

static uint64_t mapping_of(struct output *out, const struct capture_module *module, const char *path)
{
	Pagegap__Pprof__Mapping mapping = PAGEGAP__PPROF__MAPPING__INIT;
	char build_id[2 * SITES_BUILD_ID_BYTES + 1] = "";
	int64_t name = string_of(out, path), build;
	bool fresh;

	for (uint32_t i = 0; i < module->build_id_bytes; i++)
		snprintf(build_id + i * 2, 3, "%02x", module->build_id[i]);
	build = string_of(out, build_id);
	mapping.id = numbers_get(&out->mappings, module->start, module->end, (uint64_t)name << 32 | (uint64_t)build, &fresh);
	mapping.memory_start = module->start;
	mapping.memory_limit = module->end;
	mapping.filename = name;
	mapping.build_id = build;
	mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = mapping.has_inline_frames = true;
	if (fresh)
		put_message(out, FIELD_MAPPING, &mapping.base);
	return mapping.id;
}

/* A place without an address: the others, and where a stack was cut. */
static uint64_t put_location(struct output *out, const struct site_frame *frame)
{
	Pagegap__Pprof__Location location = PAGEGAP__PPROF__LOCATION__INIT;
	Pagegap__Pprof__Line *lines = memory_get(frame->count * sizeof(lines[0])), **line = memory_get(frame->count * sizeof(line[0]));

	location.id = ++out->locations;
	location.mapping_id = frame->module ? mapping_of(out, frame->module, frame->path) : 0;
	location.address = frame->address;
	location.n_line = frame->count;
	location.line = line;
	for (size_t i = 0; i < frame->count; i++) {
		line[i] = &lines[i];
		pagegap__pprof__line__init(line[i]);
		line[i]->function_id = function_of(out, frame, &frame->names[i]);
		line[i]->line = frame->names[i].line;
	}
	put_message(out, FIELD_LOCATION, &location.base);
	free(lines);
	free(line);
	return location.id;
}

static uint64_t put_words(struct output *out, const char *words)
{
	const struct symbol_frame name = { .function = words };

	return put_location(out, &(struct site_frame){ .path = "", .names = &name, .count = 1 });
}

/* --- samples --- */

static void put_sample(struct output *out, const struct site_profile *profile, uint32_t number, uint64_t end, uint64_t *locations)
{
	const struct capture_site *site = &profile->table->sites[number];
	struct site_values values = site_values_of(profile->table, site);
	Pagegap__Pprof__Sample sample = PAGEGAP__PPROF__SAMPLE__INIT;
	Pagegap__Pprof__Label label = PAGEGAP__PPROF__LABEL__INIT, *labels[] = { &label };
	int64_t value[SITE_COLUMNS];

	for (uint32_t i = 0; i < site->depth; i++)
		locations[i] = site_profile_frame(profile, site, i)->number;
	sample.n_location_id = site->depth;
	if (end)
		locations[sample.n_location_id++] = end;
	sample.location_id = locations;
	for (size_t i = 0; i < SITE_COLUMNS; i++) {
		out->unknown[i] += values.of[i] == CAPTURE_UNKNOWN;
		value[i] = values.of[i] == CAPTURE_UNKNOWN ? 0 : (int64_t)values.of[i];
	}
	sample.n_value = SITE_COLUMNS;
	sample.value = value;
	label.key = string_of(out, "pid");
	label.num = profile->subject->image->pid;
	sample.n_label = 1;
	sample.label = labels;
	put_message(out, FIELD_SAMPLE, &sample.base);
}

static void put_types(struct output *out)
{
	string_of(out, "");
	for (size_t i = 0; i < SITE_COLUMNS; i++) {
		Pagegap__Pprof__ValueType type = PAGEGAP__PPROF__VALUE_TYPE__INIT;

		type.type = string_of(out, site_columns[i].name);
		type.unit = string_of(out, site_columns[i].unit == SITE_BYTES ? "bytes" : "count");
		put_message(out, FIELD_SAMPLE_TYPE, &type.base);
	}
}

static void add(struct site_profile *profile, void *data)
{
	struct output *out = data;
	const struct site_table *table = profile->table;
	const struct capture *capture = profile->subject->capture;
	const struct image *image = profile->subject->image;
	uint64_t *locations = memory_get((SITES_DEPTH_MOST + UINT16_MAX + 2) * sizeof(locations[0])), cut[3] = { 0 };
	static const char *const ends[] = { "(others)", "(deeper)", "(lost)" };

	if (!out->begun) {
		out->begun = true;
		if (deflateInit2(&out->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) /* 16: gzip */
			complain("zlib: %s", out->stream.msg ? out->stream.msg : "out of memory"), exit(STATUS_FAILED);
		put_types(out);
		out->time_nanos = (int64_t)capture->start_realtime_ns;
		out->duration_nanos = image->end_ns != CAPTURE_UNKNOWN && image->end_ns > image->start_ns ? (int64_t)(image->end_ns - image->start_ns) : 0;
	}
	for (uint32_t i = 0; i < table->head.modules_used; i++) /* the executable first */
		if (!*table->modules[i].path)
			mapping_of(out, &table->modules[i], capture->exe);
	for (size_t i = 0; i < profile->frame_count; i++)
		profile->frames[i].number = put_location(out, &profile->frames[i]);
	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		unsigned end = i ? table->sites[i].end : 0;

		if (!site_profile_has(profile, i))
			continue;
		if (end > 2)
			end = 2;
		if ((!i || end) && !cut[end])
			cut[end] = put_words(out, ends[end]);
		put_sample(out, profile, i, !i || end ? cut[end] : 0, locations);
	}
	free(locations);
}

/* Fields that stand alone: a message with nothing else in it can follow others, and readers merge it. */
static void put_rest(struct output *out)
{
	Pagegap__Pprof__Profile rest = PAGEGAP__PPROF__PROFILE__INIT;
	char *words = memory_format("pagegap: the call sites of %s", out->recording->path);
	int64_t comment = string_of(out, words);
	size_t count;
	uint8_t *bytes;

	free(words);
	rest.time_nanos = out->time_nanos;
	rest.duration_nanos = out->duration_nanos;
	rest.n_comment = 1;
	rest.comment = &comment;
	rest.default_sample_type = string_of(out, site_columns[out->column].name);
	count = protobuf_c_message_get_packed_size(&rest.base);
	bytes = memory_get(count + 1);
	protobuf_c_message_pack(&rest.base, bytes);
	put_bytes(out, bytes, count);
	free(bytes);
}

int report_pprof(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct output out = { .column = options->site_sort, .recording = recording, .to = to };
	int status = site_profiles_each(recording, options, false, add, &out);

	if (out.begun) {
		put_rest(&out);
		deflate_bytes(&out, NULL, 0, Z_FINISH);
		deflateEnd(&out.stream);
		for (size_t i = 0; i < SITE_COLUMNS; i++)
			site_unknown_said(out.unknown[i], i);
	}
	numbers_free(&out.strings), numbers_free(&out.functions), numbers_free(&out.mappings);
	symbol_texts_free(&out.texts);
	return status;
}
