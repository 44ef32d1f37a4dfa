/* SPDX-License-Identifier: MIT */
/* Call sites as JSON, written one by one: there may be tens of thousands, with stacks that are much alike. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_json.h"
#include "site_profile.h"

static json_t *one_frame(const struct symbol_frame *name, const struct capture_module *module, const struct capture *capture, uint64_t frame)
{
	json_t *object = json_object();
	const char *path = !module ? "" : *module->path ? module->path : capture->exe;

	json_put(object, "function", json_text_or_null(name->function ? name->function : ""));
	json_put(object, "file", json_text_or_null(name->file ? name->file : ""));
	json_put(object, "line", name->line ? json_figure(name->line) : json_null());
	json_put(object, "module", json_text_or_null(path));
	json_put_figure(object, "offset", module ? frame - module->bias : frame);
	json_put(object, "inlined", json_boolean(name->inlined));
	return object;
}

/* What a frame is in the document, made once: most are part of many stacks. */
static void dump_frame(char **text, const struct site_frame *frame, const struct capture *capture)
{
	*text = memory_format("%s", "");
	for (size_t i = 0; i < frame->count; i++) {
		json_t *object = one_frame(&frame->names[i], frame->module, capture, frame->address);
		char *dump = json_dumps(object, JSON_ENSURE_ASCII);

		memory_append(text, "%s%s", i ? ", " : "", dump ? dump : "null");
		free(dump);
		json_decref(object);
	}
}

static void write_stack(FILE *to, const struct site_profile *profile, const struct capture_site *site, char **texts)
{
	for (uint32_t i = 0; i < site->depth; i++) {
		const struct site_frame *frame = site_profile_frame(profile, site, i);
		char **text = &texts[frame - profile->frames];

		if (!*text)
			dump_frame(text, frame, profile->subject->capture);
		fputs(i ? ", " : "", to);
		fputs(*text, to);
	}
}

/* What it held then; null: not known. */
static void put_moment(json_t *object, const char *key, const struct capture_site_moment *moment)
{
	json_t *then = moment ? json_object() : json_null();

	if (moment) {
		json_put_figure(then, "live_blocks", moment->live_blocks);
		json_put_figure(then, "live_requested_bytes", moment->live_bytes);
		json_put_figure(then, "resident_bytes", moment->resident_bytes);
	}
	json_put(object, key, then);
}

static json_t *marks_of(const struct site_table *table, uint32_t number)
{
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS];
	size_t count = figures_snapshots(table->capture, sorted);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct capture_site_moment *moment = site_moment(table, sorted[i], number);
		json_t *mark;

		if (sorted[i]->why != WHY_MARK || !moment || !moment->live_blocks)
			continue;
		mark = json_object();
		json_put(mark, "name", json_text_or_null(sorted[i]->name));
		put_moment(mark, "held", moment);
		json_array_append_new(array, mark);
	}
	return array;
}

static void put_interval(json_t *object, const char *low, const char *high, struct interval interval)
{
	json_put(object, low, interval.known ? json_figure(interval.low) : json_null());
	json_put(object, high, interval.known ? json_figure(interval.high) : json_null());
}

static void put_samples(json_t *object, const struct site_table *table, uint32_t number)
{
	const struct capture_site_samples *samples = &table->samples[number];
	bool sampled = table->head.sample_bytes != 0;

	json_put(object, "sampled", json_boolean(sampled));
	json_put(object, "samples", sampled ? json_figure(samples->samples) : json_null());
	json_put(object, "live_samples", sampled && samples->live_samples >= 0 ? json_figure((uint64_t)samples->live_samples) : json_null());
	put_interval(object, "low_bytes", "high_bytes", site_requested_interval(table, number));
	put_interval(object, "live_low_bytes", "live_high_bytes", site_live_interval(table, number));
}

static json_t *one_site(const struct subject *subject, const struct site_table *table, uint32_t number)
{
	static const char *const ends[] = { "complete", "deeper", "lost" };
	const struct capture_site *site = &table->sites[number];
	bool gone = subject->image->end != END_RUNNING;
	const struct capture_site_moment *end = site_moment(table, &subject->capture->snapshots[SNAPSHOT_END], number);
	json_t *object = json_object();

	json_put_figure(object, "id", number);
	json_put(object, "kind", json_string(number ? "heap" : "others"));
	json_put(object, "stack_end", number && site->end < sizeof(ends) / sizeof(ends[0]) ? json_string(ends[site->end]) : json_null());
	json_put(object, "tag", site_tag(table, site) ? json_text(site_tag(table, site), strlen(site_tag(table, site))) : json_null());
	json_put_figure(object, "allocations", site->allocations);
	json_put_figure(object, "requested_bytes", site->requested_bytes);
	json_put_figure(object, "live_blocks", site_live_blocks(site));
	json_put_figure(object, "live_requested_bytes", site_live_bytes(site));
	json_put_figure(object, "live_usable_bytes", site_live_usable_bytes(site));
	json_put_figure(object, "inherited_blocks", site->inherited_blocks);
	json_put_figure(object, "inherited_requested_bytes", site->inherited_bytes);
	json_put_figure(object, "resident_bytes", end ? end->resident_bytes : CAPTURE_UNKNOWN);
	json_put_figure(object, "pinned_pages", end ? end->pinned_pages : CAPTURE_UNKNOWN);
	json_put_figure(object, "sparse_pages", end ? end->sparse_pages : CAPTURE_UNKNOWN);
	put_moment(object, "at_peak", site_moment(table, site_peak(table), number));
	json_put(object, "marks", marks_of(table, number));
	json_put_figure(object, "temporary", site->temporary);
	json_put(object, "never_freed", gone ? json_figure(site_live_blocks(site)) : json_null());
	json_put(object, "faults", json_null());
	json_put(object, "copied_pages", json_null());
	put_samples(object, table, number);
	return object;
}

static bool write_site(FILE *to, const struct site_profile *profile, uint32_t number, char **texts)
{
	json_t *object = one_site(profile->subject, profile->table, number);
	bool good;

	putc('{', to);
	good = !json_dumpf(object, to, JSON_EMBED | JSON_ENSURE_ASCII);
	json_decref(object);
	fputs(", \"stack\": [", to);
	write_stack(to, profile, &profile->table->sites[number], texts);
	fputs("]}", to);
	return good;
}

bool json_write_sites(FILE *to, const struct subject *subject)
{
	struct site_profile *profile = site_profile_make(subject);
	bool good = true, first = true;
	char **texts;

	if (!profile) {
		fputs("null", to);
		return true;
	}
	texts = memory_get((profile->frame_count + 1) * sizeof(texts[0]));
	putc('[', to);
	for (uint32_t i = 0; i < profile->table->head.sites_used; i++) {
		if (!site_profile_has(profile, i))
			continue;
		fputs(first ? "" : ", ", to);
		first = false;
		good = write_site(to, profile, i, texts) && good;
	}
	putc(']', to);
	for (size_t i = 0; i < profile->frame_count; i++)
		free(texts[i]);
	free(texts);
	site_profile_free(profile);
	return good;
}
