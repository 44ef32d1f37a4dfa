/* SPDX-License-Identifier: MIT */
/* Copy-on-write as JSON. */
#include <stdlib.h>

#include "cow_cause.h"
#include "report_json.h"
#include "rows.h"

#define MOST_FORKS 64 /* of the largest, and as many of the newest */

static void put_pages(json_t *object, const struct cow_pages *pages)
{
	json_put_figure(object, "inherited_pages", pages->inherited);
	json_put_figure(object, "copied_pages", pages->copied);
	json_put_figure(object, "reused_pages", pages->reused);
	json_put_figure(object, "still_shared_pages", pages->still_shared);
	json_put_figure(object, "unshared_pages", pages->unshared);
	json_put_figure(object, "gone_pages", pages->gone);
}

static json_t *pages_of(const struct cow_pages *pages)
{
	json_t *object = json_object();

	put_pages(object, pages);
	return object;
}

static struct cow_pages heap_of(const struct cow_fork *total)
{
	struct cow_pages heap = total->rows[ROW_HEAP_LIVE];
	uint64_t *sum = (uint64_t *)&heap;

	for (size_t row = ROW_HEAP_SLACK; row <= ROW_HEAP_FREE; row++)
		for (size_t i = 0; i < sizeof(heap) / sizeof(*sum); i++)
			sum[i] = figure_sum(sum[i], ((const uint64_t *)&total->rows[row])[i]);
	return heap;
}

static json_t *by_row(const struct cow_fork *total)
{
	struct cow_pages heap = heap_of(total);
	json_t *object = json_object();

	json_put(object, "heap", pages_of(&heap));
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		json_put(object, row_keys[row],
			 row <= ROW_HEAP_FREE && !total->heap_split ? json_null() : pages_of(&total->rows[row]));
	return object;
}

static int by_child(const void *a, const void *b)
{
	const struct cow_fork *first = a, *second = b;

	if (first->side_child != second->side_child)
		return first->side_child ? -1 : 1;
	return first->child < second->child ? -1 : first->child > second->child;
}

static json_t *forks(const struct subject *subject, const struct cow_figures *figures)
{
	const struct recording *recording = subject->recording;
	const struct capture *capture = subject->capture;
	size_t most = figures->count < 2 * MOST_FORKS ? figures->count : 2 * MOST_FORKS;
	json_t *array = json_array();

	if (figures->count > most) { /* the newest are the last; of those before them, the largest */
		qsort(figures->forks, figures->count - MOST_FORKS, sizeof(figures->forks[0]), cow_fork_by_copied);
		qsort(figures->forks, MOST_FORKS, sizeof(figures->forks[0]), by_child);
	}
	for (size_t i = 0; i < most; i++) {
		const struct cow_fork *fork =
			&figures->forks[i < most / 2 || figures->count == most ? i : figures->count - most + i];
		json_t *object = json_object();
		const char *why;

		json_put_figure(object, "child_pid", recording->images[fork->child].pid);
		json_put(object, "side", json_string(fork->side_child ? "child" : "parent"));
		put_pages(object, &fork->sum);
		json_put(object, "order", json_string(fork->ordered ? "samples" : "unknown"));
		json_put_figure(object, "bound_pages", fork->bound);
		why = cow_cause_key(cow_cause(recording, fork, capture->allocator, capture->exe));
		json_put(object, "why", json_text_or_null(why ? why : ""));
		json_array_append_new(array, object);
	}
	return array;
}

/* How it went, of the image's own birth. */
static json_t *series(const struct subject *subject, const struct cow_fork *birth)
{
	const struct capture_cow_course *course = &subject->capture->cow_course;
	json_t *array = json_array();

	for (size_t i = 0; i < course->samples_used; i++) {
		const struct capture_cow_sample *sample = &course->samples[i];
		struct cow_pages pages = cow_pages_of(birth, &sample->pages);
		json_t *object = json_object();

		json_put_figure(object, "at_ns", figure_less(sample->at_ns, subject->capture->start_ns));
		put_pages(object, &pages);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *regions(const struct subject *subject, const struct cow_fork *birth)
{
	const struct capture_cow_course *course = &subject->capture->cow_course;
	json_t *array = json_array();

	for (size_t i = 0; i < course->regions_used; i++) {
		const struct capture_cow_region *region = &course->regions[i];
		struct cow_pages pages = cow_pages_of(birth, &region->pages);
		json_t *object = json_object();

		json_put_figure(object, "start", region->start);
		json_put_figure(object, "end", region->end);
		json_put(object, "row", json_string(row_keys[region->row]));
		json_put(object, "name", json_text_or_null(cow_region_name(subject->capture, region)));
		put_pages(object, &pages);
		json_array_append_new(array, object);
	}
	return array;
}

static const char *method_of(const struct subject *subject, const struct cow_figures *figures)
{
	const struct capture_cow *first = subject->recording->images[figures->forks[0].child].cow;

	if (figures->watched && figures->unknown < figures->count)
		return "write-protect";
	return first->method == COW_SMAPS ? "smaps" : "pagemap";
}

json_t *json_cow(const struct subject *subject)
{
	struct cow_figures figures = cow_figures(subject->recording, subject->index);
	struct cow_fork birth;
	json_t *object;
	bool own;

	if (!figures.count) {
		cow_figures_free(&figures);
		return json_null();
	}
	birth = figures.forks[0]; /* forks() puts them in order */
	own = birth.side_child && subject->capture->cow_course.samples_used;
	object = json_object();
	json_put(object, "method", json_string(method_of(subject, &figures)));
	json_put(object, "order", json_string(figures.ordered && figures.unknown < figures.count ? "samples" : "unknown"));
	json_put(object, "exact", json_boolean(figures.watched && !figures.total.bound && !figures.unknown));
	put_pages(object, &figures.total.sum);
	json_put_figure(object, "bound_pages", figures.total.bound);
	json_put_figure(object, "unknown_forks", figures.unknown);
	json_put_figure(object, "forks_total", figures.count);
	json_put(object, "by_row", by_row(&figures.total));
	json_put(object, "series", own ? series(subject, &birth) : json_null());
	json_put(object, "regions", own ? regions(subject, &birth) : json_null());
	json_put(object, "forks", forks(subject, &figures));
	cow_figures_free(&figures);
	return object;
}
