/* SPDX-License-Identifier: MIT */
/* Ledgers, samples and mappings of a process as JSON. Times count from the start of the image. */
#include <string.h>
#include <sys/mman.h>

#include "report_json.h"

#define ROW_NAME(constant, name) [constant] = name,
static const char *const row_names[] = { CAPTURE_ROWS_TABLE(ROW_NAME) };

static json_t *rows_of(const struct subject *subject, const struct capture_snapshot *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		bool unknown = !subject->capture->has_heap && i <= ROW_HEAP_FREE;
		const struct capture_amounts *row = &s->rows[i];

#define AMOUNT(field) unknown ? json_null() : json_figure(row->field)
		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "row", row_names[i],
						       "mapped_bytes", AMOUNT(mapped_bytes), "resident_bytes", AMOUNT(resident_bytes),
						       "dirty_bytes", AMOUNT(dirty_bytes), "shared_bytes", AMOUNT(shared_bytes),
						       "swap_bytes", AMOUNT(swap_bytes), "huge_bytes", AMOUNT(huge_bytes)));
#undef AMOUNT
	}
	return array;
}

/* Buckets of ten percent; pages without a single live byte count to the first. */
static json_t *fill_of(const struct subject *subject, const struct capture_snapshot *s)
{
	json_t *array;

	if (!subject->capture->has_heap)
		return json_null();
	array = json_array();
	for (int i = 0; i < CAPTURE_FILL_BUCKETS - 1; i++) {
		uint64_t pages = i ? s->fill_pages[i + 1] : figure_sum(s->fill_pages[0], s->fill_pages[1]);

		json_array_append_new(array, json_pack("{s:i, s:o}", "from_percent", i * 10, "pages", json_figure(pages)));
	}
	return array;
}

json_t *json_snapshots(const struct subject *subject)
{
	static const char *const whys[] = {
		[WHY_NONE] = "request", [WHY_PEAK] = "peak", [WHY_EXIT] = "exit", [WHY_EXEC] = "exec", [WHY_REQUEST] = "request",
		[WHY_MARK] = "mark",
	};
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS] = { NULL };
	size_t count = figures_snapshots(subject->capture, sorted);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct capture_snapshot *s = sorted[i];

		json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "why", whys[s->why],
						       "name", s->why == WHY_MARK ? json_text_or_null(s->name) : json_null(),
						       "at_ns", json_figure(figure_less(s->at_ns, subject->capture->start_ns)),
						       "vm_size_bytes", json_figure(s->vm_size_bytes), "rss_bytes", json_figure(s->rss_bytes),
						       "page_table_bytes", json_figure(s->page_table_bytes), "rows", rows_of(subject, s),
						       "unexplained_mapped_bytes", (json_int_t)s->unexplained_mapped_bytes,
						       "unexplained_resident_bytes", (json_int_t)s->unexplained_resident_bytes,
						       "page_fill", fill_of(subject, s)));
	}
	return array;
}

json_t *json_samples(const struct subject *subject)
{
	json_t *array;

	if (!figures_observed(subject->capture))
		return json_null();
	array = json_array();
	for (size_t i = 0; i < subject->capture->samples_used; i++) {
		const struct capture_sample *s = &subject->capture->samples[i];
		bool unknown = !subject->capture->has_heap;

		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
						       "at_ns", json_figure(figure_less(s->at_ns, subject->capture->start_ns)),
						       "live_requested_bytes", unknown ? json_null() : json_figure(s->live_bytes),
						       "live_usable_bytes", unknown ? json_null() : json_figure(s->usable_bytes),
						       "mapped_bytes", json_figure(s->mapped_bytes),
						       "resident_bytes", json_figure(s->resident_bytes),
						       "minor_faults", json_figure(s->minor_faults),
						       "major_faults", json_figure(s->major_faults)));
	}
	return array;
}

json_t *json_mappings(const struct subject *subject)
{
	json_t *array;

	if (!figures_observed(subject->capture))
		return json_null();
	array = json_array();
	for (size_t i = 0; i < subject->capture->mappings_used; i++) {
		const struct capture_mapping *m = &subject->capture->mappings[i];
		const char access[] = {
			m->protection & PROT_READ ? 'r' : '-', m->protection & PROT_WRITE ? 'w' : '-',
			m->protection & PROT_EXEC ? 'x' : '-', m->protection & 1U << 31 ? 's' : 'p', '\0',
		};

		json_array_append_new(array, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
						       "start", json_figure(m->start), "end", json_figure(m->end), "row", row_names[m->row],
						       "access", access, "mapped_bytes", json_figure(m->end - m->start),
						       "resident_bytes", json_figure(m->resident_bytes),
						       "dirty_bytes", json_figure(m->dirty_bytes), "shared_bytes", json_figure(m->shared_bytes),
						       "swap_bytes", json_figure(m->swap_bytes), "name", json_text_or_null(m->name)));
	}
	return array;
}
