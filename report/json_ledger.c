/* SPDX-License-Identifier: MIT */
/* Ledgers, samples and mappings of a process as JSON. Times count from the start of the image. */
#include <string.h>
#include <sys/mman.h>

#include "report_json.h"
#include "rows.h"

static json_t *rows_of(const struct subject *subject, const struct capture_snapshot *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		bool unknown = !subject->capture->has_heap && i <= ROW_HEAP_FREE;
		const struct capture_amounts *row = &s->rows[i];
		json_t *object = json_object();

		json_put(object, "row", json_string(row_keys[i]));
		json_put_figure(object, "mapped_bytes", unknown ? CAPTURE_UNKNOWN : row->mapped_bytes);
		json_put_figure(object, "resident_bytes", unknown ? CAPTURE_UNKNOWN : row->resident_bytes);
		json_put_figure(object, "dirty_bytes", unknown ? CAPTURE_UNKNOWN : row->dirty_bytes);
		json_put_figure(object, "shared_bytes", unknown ? CAPTURE_UNKNOWN : row->shared_bytes);
		json_put_figure(object, "swap_bytes", unknown ? CAPTURE_UNKNOWN : row->swap_bytes);
		json_put_figure(object, "huge_bytes", unknown ? CAPTURE_UNKNOWN : row->huge_bytes);
		json_array_append_new(array, object);
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
		json_t *bucket = json_object();

		json_put_figure(bucket, "from_percent", (uint64_t)i * 10);
		json_put_figure(bucket, "pages",
				i ? s->fill_pages[i + 1] : figure_sum(s->fill_pages[0], s->fill_pages[1]));
		json_array_append_new(array, bucket);
	}
	return array;
}

/* What the allocator says of itself, and the parts of heap.free by it. */
static json_t *holdings_of(const struct subject *subject, const struct capture_snapshot *s)
{
	json_t *object, *parts;

	if (!figures_holdings(subject->capture, s))
		return json_null();
	object = json_object();
	parts = json_array();
	json_put_figure(object, "mapped_bytes", s->holdings.mapped_bytes);
	json_put_figure(object, "live_usable_bytes", s->holdings.live_bytes);
	for (size_t i = 0; i < CAPTURE_FREE_PARTS; i++) {
		json_t *part = json_object();

		json_put(part, "part", json_string(part_keys[i]));
		json_put_figure(part, "mapped_bytes", s->holdings.free_bytes[i]);
		json_array_append_new(parts, part);
	}
	json_put(object, "free", parts);
	json_put(object, "unnamed_bytes", json_integer(figures_unnamed(s)));
	return object;
}

static json_t *one_snapshot(const struct subject *subject, const struct capture_snapshot *s)
{
	static const char *const whys[] = {
		[WHY_NONE] = "request",
		[WHY_PEAK] = "peak",
		[WHY_EXIT] = "exit",
		[WHY_EXEC] = "exec",
		[WHY_REQUEST] = "request",
		[WHY_MARK] = "mark",
		[WHY_REFUSED] = "refused",
	};
	json_t *object = json_object();

	json_put(object, "why", json_string(whys[s->why]));
	json_put(object, "name", s->why == WHY_MARK ? json_text_or_null(s->name) : json_null());
	json_put_figure(object, "at_ns", figure_less(s->at_ns, subject->capture->start_ns));
	json_put_figure(object, "vm_size_bytes", s->vm_size_bytes);
	json_put_figure(object, "rss_bytes", s->rss_bytes);
	json_put_figure(object, "page_table_bytes", s->page_table_bytes);
	json_put_figure(object, "huge_eligible_bytes", s->thp_eligible_bytes);
	json_put_figure(object, "hugetlb_mapped_bytes", s->hugetlb_mapped_bytes);
	json_put_figure(object, "hugetlb_bytes", s->hugetlb_bytes);
	json_put_figure(object, "locked_bytes", s->locked_bytes);
	json_put_figure(object, "locked_resident_bytes", s->locked_resident_bytes);
	json_put(object, "rows", rows_of(subject, s));
	json_put(object, "unexplained_mapped_bytes", json_integer(s->unexplained_mapped_bytes));
	json_put(object, "unexplained_resident_bytes", json_integer(s->unexplained_resident_bytes));
	json_put(object, "page_fill", fill_of(subject, s));
	json_put(object, "allocator", holdings_of(subject, s));
	return object;
}

json_t *json_snapshots(const struct subject *subject)
{
	const struct capture_snapshot *sorted[CAPTURE_SNAPSHOTS] = { NULL };
	size_t count = figures_snapshots(subject->capture, sorted);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, one_snapshot(subject, sorted[i]));
	return array;
}

json_t *json_samples(const struct subject *subject)
{
	bool unknown = !subject->capture->has_heap;
	json_t *array;

	if (!figures_observed(subject->capture))
		return json_null();
	array = json_array();
	for (size_t i = 0; i < subject->capture->samples_used; i++) {
		const struct capture_sample *s = &subject->capture->samples[i];
		json_t *object = json_object();

		json_put_figure(object, "at_ns", figure_less(s->at_ns, subject->capture->start_ns));
		json_put_figure(object, "live_requested_bytes", unknown ? CAPTURE_UNKNOWN : s->live_bytes);
		json_put_figure(object, "live_usable_bytes", unknown ? CAPTURE_UNKNOWN : s->usable_bytes);
		json_put_figure(object, "mapped_bytes", s->mapped_bytes);
		json_put_figure(object, "resident_bytes", s->resident_bytes);
		json_put_figure(object, "minor_faults", s->minor_faults);
		json_put_figure(object, "major_faults", s->major_faults);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *one_mapping(const struct capture_mapping *m)
{
	const char access[] = {
		m->protection & PROT_READ ? 'r' : '-',
		m->protection & PROT_WRITE ? 'w' : '-',
		m->protection & PROT_EXEC ? 'x' : '-',
		m->protection & CAPTURE_SHARED ? 's' : 'p',
		'\0',
	};
	json_t *object = json_object();

	json_put_figure(object, "start", m->start);
	json_put_figure(object, "end", m->end);
	json_put(object, "row", json_string(row_keys[m->row]));
	json_put(object, "access", json_string(access));
	json_put_figure(object, "mapped_bytes", m->end - m->start);
	json_put_figure(object, "resident_bytes", m->resident_bytes);
	json_put_figure(object, "dirty_bytes", m->dirty_bytes);
	json_put_figure(object, "shared_bytes", m->shared_bytes);
	json_put_figure(object, "swap_bytes", m->swap_bytes);
	json_put_figure(object, "huge_bytes", m->huge_bytes);
	json_put_figure(object, "hugetlb_bytes", m->hugetlb_bytes);
	json_put(object, "locked", json_boolean(m->protection & CAPTURE_LOCKED));
	json_put(object, "name", json_text_or_null(m->name));
	return object;
}

json_t *json_mappings(const struct subject *subject)
{
	json_t *array;

	if (!figures_observed(subject->capture))
		return json_null();
	array = json_array();
	for (size_t i = 0; i < subject->capture->mappings_used; i++)
		json_array_append_new(array, one_mapping(&subject->capture->mappings[i]));
	return array;
}
