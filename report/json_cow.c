/* SPDX-License-Identifier: MIT */
/* Copy-on-write as JSON. */
#include "cow_figures.h"
#include "report_json.h"
#include "rows.h"

static void put_pages(json_t *object, const struct cow_pages *pages)
{
	json_put_figure(object, "inherited_pages", pages->inherited);
	json_put_figure(object, "copied_pages", pages->unshared);
	json_put(object, "reused_pages", json_null());
	json_put_figure(object, "still_shared_pages", pages->still_shared);
	json_put_figure(object, "gone_pages", pages->gone);
}

static json_t *pages_of(const struct cow_pages *pages)
{
	json_t *object = json_object();

	put_pages(object, pages);
	return object;
}

static json_t *by_row(const struct cow_fork *total)
{
	json_t *object = json_object();

	json_put(object, "heap", pages_of(&total->rows[ROW_HEAP_LIVE]));
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		json_put(object, row_keys[row], row <= ROW_HEAP_FREE ? json_null() : pages_of(&total->rows[row]));
	return object;
}

static json_t *forks(const struct recording *recording, const struct cow_figures *figures)
{
	json_t *array = json_array();

	for (size_t i = 0; i < figures->count; i++) {
		const struct cow_fork *fork = &figures->forks[i];
		json_t *object = json_object();

		json_put_figure(object, "child_pid", recording->images[fork->child].pid);
		json_put(object, "side", json_string(fork->side_child ? "child" : "parent"));
		put_pages(object, &fork->sum);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *json_cow(const struct subject *subject)
{
	struct cow_figures figures = cow_figures(subject->recording, subject->index);
	json_t *object;

	if (!figures.count) {
		cow_figures_free(&figures);
		return json_null();
	}
	object = json_object();
	json_put(object, "method", json_string("pagemap"));
	json_put(object, "exact", json_false());
	put_pages(object, &figures.total.sum);
	json_put_figure(object, "unknown_forks", figures.unknown);
	json_put(object, "by_row", by_row(&figures.total));
	json_put(object, "forks", forks(subject->recording, &figures));
	cow_figures_free(&figures);
	return object;
}
