/* SPDX-License-Identifier: MIT */
/*
 * callgrind's output: all figures are events. A site's are the own cost of the function that asked, at its line, and the cost of the call that
 * led to each function of its stack. Of a function that is there more than once only what its innermost frame called counts, so that what a function
 * and its calls cost together is right, however it recurs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "memory.h"
#include "numbers.h"
#include "site_profile.h"
#include "symbols_internal.h"

struct function {
	const char *object, *file, *name; /* kept, fit to print */
	uint64_t seen;                  /* in the stack of this number */
	size_t first;                   /* of its costs, an index + 1; 0: none */
};

/* What a function costs at a line: its own, or that of a call from there. */
struct cost {
	size_t function, callee;        /* indices; the same: its own */
	uint32_t line;
	size_t next;                    /* of the same function, an index + 1 */
	uint64_t values[SITE_COLUMNS];
};

struct output {
	FILE *to;
	struct symbol_texts texts;
	struct numbers by_function, by_cost;
	struct function *functions;
	struct cost *costs;
	size_t function_room, cost_room;
	uint64_t stacks;
	uint64_t unknown[SITE_COLUMNS];
	char *command;
	uint32_t pid;
};

static const char *keep(struct output *out, const char *raw)
{
	char *text = escape_text(raw, strlen(raw));
	const char *kept = symbol_texts_keep(&out->texts, text, strlen(text));

	free(text);
	return kept;
}

static size_t function_of(struct output *out, const char *object, const char *file, const char *name)
{
	bool fresh;
	size_t number;

	object = keep(out, object), file = keep(out, file), name = keep(out, name);
	number = numbers_get(&out->by_function, (uintptr_t)object, (uintptr_t)file, (uintptr_t)name, &fresh);
	if (number > out->function_room) {
		out->function_room = number * 2;
		out->functions = memory_more(out->functions, out->function_room * sizeof(out->functions[0]));
	}
	if (fresh)
		out->functions[number - 1] = (struct function){ .object = object, .file = file, .name = name };
	return number - 1;
}

static void add_cost(struct output *out, size_t function, uint32_t line, size_t callee, const struct site_values *values)
{
	bool fresh;
	size_t number = numbers_get(&out->by_cost, function, callee, line, &fresh);

	if (number > out->cost_room) {
		out->cost_room = number * 2;
		out->costs = memory_more(out->costs, out->cost_room * sizeof(out->costs[0]));
	}
	if (fresh) {
		out->costs[number - 1] = (struct cost){ .function = function, .callee = callee, .line = line, .next = out->functions[function].first };
		out->functions[function].first = number;
	}
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		if (values->of[i] != CAPTURE_UNKNOWN)
			out->costs[number - 1].values[i] += values->of[i];
}

/* The functions of all frames, as indices; those of a frame begin at its number. */
static size_t *functions_of(struct output *out, struct site_profile *profile)
{
	size_t count = 0, used = 0, *all;

	for (size_t i = 0; i < profile->frame_count; i++)
		count += profile->frames[i].count;
	all = memory_get((count + 1) * sizeof(all[0]));
	for (size_t i = 0; i < profile->frame_count; i++) {
		struct site_frame *frame = &profile->frames[i];

		frame->number = used;
		for (size_t j = 0; j < frame->count; j++) {
			const struct symbol_frame *name = &frame->names[j];
			char *place = name->function ? NULL : site_frame_place(frame);

			all[used++] = function_of(out, *frame->path ? frame->path : "???", name->file ? name->file : "???",
						  name->function ? name->function : place);
			free(place);
		}
	}
	return all;
}

static void add_site(struct output *out, struct site_profile *profile, uint32_t number, const size_t *functions)
{
	const struct capture_site *site = &profile->table->sites[number];
	struct site_values values = site_values_of(profile->table, site);
	size_t callee = SIZE_MAX;

	for (size_t i = 0; i < SITE_COLUMNS; i++)
		out->unknown[i] += values.of[i] == CAPTURE_UNKNOWN;
	out->stacks++;
	for (uint32_t i = 0; i < site->depth; i++) {
		struct site_frame *frame = site_profile_frame(profile, site, i);

		for (size_t j = 0; j < frame->count; j++) {
			size_t function = functions[frame->number + j];

			if (out->functions[function].seen != out->stacks)
				add_cost(out, function, frame->names[j].line, callee == SIZE_MAX ? function : callee, &values);
			out->functions[function].seen = out->stacks;
			callee = function;
		}
	}
	if (callee == SIZE_MAX) {
		callee = function_of(out, "???", "???", "(others)");
		add_cost(out, callee, 0, callee, &values);
	}
}

static void add(struct site_profile *profile, void *data)
{
	struct output *out = data;
	const struct image *image = profile->subject->image;
	size_t *functions = functions_of(out, profile);

	if (!out->command) {
		out->command = memory_format("%s", image->command ? image->command : "?");
		out->pid = image->pid;
	}
	for (uint32_t i = 0; i < profile->table->head.sites_used; i++)
		if (site_profile_has(profile, i))
			add_site(out, profile, i, functions);
	free(functions);
}

static void put_values(struct output *out, const uint64_t values[SITE_COLUMNS], const size_t order[SITE_COLUMNS])
{
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		fprintf(out->to, " %" PRIu64, values[order[i]]);
	putc('\n', out->to);
}

/* "fl=(3) name"; from then on the number is enough. */
static void put_name(struct output *out, const char *key, struct numbers *numbers, const char *name)
{
	bool fresh;
	uint64_t number = numbers_get(numbers, (uintptr_t)name, 0, 0, &fresh);

	fprintf(out->to, fresh ? "%s=(%" PRIu64 ") %s\n" : "%s=(%" PRIu64 ")\n", key, number, name);
}

static void put_functions(struct output *out, const size_t order[SITE_COLUMNS])
{
	struct numbers objects = { 0 }, files = { 0 }, names = { 0 };

	for (size_t i = 0; i < out->by_function.used; i++) {
		const struct function *function = &out->functions[i];

		if (!function->first)
			continue;
		putc('\n', out->to);
		put_name(out, "ob", &objects, function->object);
		put_name(out, "fl", &files, function->file);
		put_name(out, "fn", &names, function->name);
		for (size_t next = function->first; next; next = out->costs[next - 1].next) {
			const struct cost *cost = &out->costs[next - 1];
			const struct function *callee = &out->functions[cost->callee];

			if (cost->callee != cost->function) {
				put_name(out, "cob", &objects, callee->object);
				put_name(out, "cfi", &files, callee->file);
				put_name(out, "cfn", &names, callee->name);
				fprintf(out->to, "calls=%" PRIu64 " 0\n", cost->values[COLUMN_ALLOCATIONS]);
			}
			fprintf(out->to, "%" PRIu32, cost->line);
			put_values(out, cost->values, order);
		}
	}
	numbers_free(&objects), numbers_free(&files), numbers_free(&names);
}

static void write_all(struct output *out, const struct recording *recording, size_t first)
{
	uint64_t totals[SITE_COLUMNS] = { 0 };
	size_t order[SITE_COLUMNS] = { first };
	char *path = escape_text(recording->path, strlen(recording->path));

	for (size_t i = 0, used = 1; i < SITE_COLUMNS; i++)
		if (i != first)
			order[used++] = i;
	for (size_t i = 0; i < out->by_cost.used; i++)
		for (size_t j = 0; out->costs[i].callee == out->costs[i].function && j < SITE_COLUMNS; j++)
			totals[j] += out->costs[i].values[j];
	fprintf(out->to, "# callgrind format\nversion: 1\ncreator: pagegap\npid: %" PRIu32 "\ncmd: %s\npart: 1\ndesc: Recording: %s\n", out->pid,
		out->command, path);
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		fprintf(out->to, "event: %s : %s\n", site_columns[order[i]].name, site_columns[order[i]].words);
	fputs("positions: line\nevents:", out->to);
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		fprintf(out->to, " %s", site_columns[order[i]].name);
	fputs("\nsummary:", out->to);
	put_values(out, totals, order);
	put_functions(out, order);
	fputs("\ntotals:", out->to);
	put_values(out, totals, order);
	free(path);
}

int report_callgrind(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct output out = { .to = to };
	int status = site_profiles_each(recording, options, false, add, &out);

	if (status != STATUS_FAILED)
		write_all(&out, recording, options->site_sort);
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		site_unknown_said(out.unknown[i], i);
	numbers_free(&out.by_function), numbers_free(&out.by_cost);
	free(out.functions), free(out.costs), free(out.command);
	symbol_texts_free(&out.texts);
	return status;
}
