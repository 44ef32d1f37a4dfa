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
		json_t *band;

		if (!subject->heap.size_class[i])
			continue;
		band = json_object();
		json_put_figure(band, "from", i ? 1ULL << (i - 1) : 0);
		json_put_figure(band, "to", last ? CAPTURE_UNKNOWN : i ? (1ULL << i) - 1 : 0);
		json_put_figure(band, "allocations", subject->heap.size_class[i]);
		json_array_append_new(array, band);
	}
	return array;
}

json_t *json_heap(const struct subject *subject)
{
	const struct capture_totals *heap = &subject->heap;
	json_t *object = json_object();

	json_put(object, "allocator", json_text_or_null(subject->capture->allocator));
	json_put_figure(object, "allocations", heap->allocations);
	json_put_figure(object, "frees", heap->frees);
	json_put_figure(object, "reallocations", heap->reallocations);
	json_put_figure(object, "failed", heap->failed);
	json_put_figure(object, "requested_bytes", heap->requested_bytes);
	json_put_figure(object, "freed_bytes", heap->freed_bytes);
	json_put_figure(object, "live_blocks", heap->live_blocks);
	json_put_figure(object, "live_requested_bytes", heap->live_bytes);
	json_put_figure(object, "live_usable_bytes", heap->usable_live_bytes);
	json_put_figure(object, "peak_live_requested_bytes", heap->peak_live_bytes);
	json_put(object, "size_histogram", histogram(subject));
	return object;
}
