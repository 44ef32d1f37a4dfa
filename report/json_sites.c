/* SPDX-License-Identifier: MIT */
/* Call sites as JSON. */
#include <string.h>

#include "report_json.h"
#include "sites.h"

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

static json_t *stack_of(const struct site_table *table, const struct capture_site *site, const struct capture *capture)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < site->depth; i++) {
		uint64_t frame = table->frames[site->frames_at + i];
		const struct capture_module *module = site_module(table, site, frame);
		const struct symbol_frame *names;
		size_t count = site_frame_names(module, capture, frame, &names);

		for (size_t j = 0; j < count; j++)
			json_array_append_new(array, one_frame(&names[j], module, capture, frame));
	}
	return array;
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
	json_put(object, "stack", stack_of(table, site, subject->capture));
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

json_t *json_sites(const struct subject *subject)
{
	struct site_table *table = site_table_read(subject->recording, subject->image, subject->capture);
	json_t *array;

	if (!table)
		return json_null();
	array = json_array();
	for (uint32_t i = 0; i < table->head.sites_used; i++)
		if (i || table->sites[0].allocations || table->sites[0].inherited_blocks)
			json_array_append_new(array, one_site(subject, table, i));
	site_table_free(table);
	return array;
}
