/* SPDX-License-Identifier: MIT */
/* The heap of a process as JSON. */
#include "report_json.h"

static json_t *histogram(const struct subject *subject)
{
	json_t *array;

	if (!subject->capture->has_heap)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < CAPTURE_SIZE_CLASSES; i++) {
		bool last = i == CAPTURE_SIZE_CLASSES - 1;

		if (!subject->heap.size_class[i])
			continue;
		json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "from", json_figure(i ? 1ULL << (i - 1) : 0),
						       "to", last ? json_null() : json_figure(i ? (1ULL << i) - 1 : 0),
						       "allocations", json_figure(subject->heap.size_class[i])));
	}
	return array;
}

json_t *json_heap(const struct subject *subject)
{
	const struct capture_totals *heap = &subject->heap;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "allocator", json_text_or_null(subject->capture->allocator),
			 "allocations", json_figure(heap->allocations), "frees", json_figure(heap->frees),
			 "reallocations", json_figure(heap->reallocations), "failed", json_figure(heap->failed),
			 "requested_bytes", json_figure(heap->requested_bytes), "freed_bytes", json_figure(heap->freed_bytes),
			 "live_blocks", json_figure(heap->live_blocks), "live_requested_bytes", json_figure(heap->live_bytes),
			 "live_usable_bytes", json_figure(heap->usable_live_bytes),
			 "peak_live_requested_bytes", json_figure(heap->peak_live_bytes), "size_histogram", histogram(subject));
}
