/* SPDX-License-Identifier: MIT */
/*
 * What the looks at a child found, one after the other; and of the last one, the regions of which most is shared no
 * longer, with those that had been unmapped by then.
 */
#include "cow_internal.h"

#include <string.h>

#include "instrument.h"
#include "series.h"

#define INTERVAL_NS 50000000ULL         /* between two samples, as long as there are few */

static struct {
	struct capture_cow_region region[CAPTURE_COW_REGIONS];
	uint32_t used;
	struct capture_cow_region pending; /* what comes next may continue it */
} found;

static struct capture_cow_region unmapped[CAPTURE_COW_REGIONS];
static uint32_t unmapped_used;

/* Those of which more is shared no longer come first, then the larger ones. */
static bool is_before(const struct capture_cow_row *a, const struct capture_cow_row *b)
{
	uint64_t lost_a = a->unshared_pages + a->written_gone_pages, lost_b = b->unshared_pages + b->written_gone_pages;

	return lost_a != lost_b ? lost_a > lost_b : a->inherited_pages > b->inherited_pages;
}

static void enter_pending(void)
{
	uint32_t place = found.used;

	if (!found.pending.pages.inherited_pages)
		return;
	while (place && is_before(&found.pending.pages, &found.region[place - 1].pages))
		place--;
	if (place == CAPTURE_COW_REGIONS)
		return;
	if (found.used < CAPTURE_COW_REGIONS)
		found.used++;
	memmove(&found.region[place + 1], &found.region[place], (found.used - 1 - place) * sizeof(found.region[0]));
	found.region[place] = found.pending;
}

void cow_regions_begin(void)
{
	found.used = 0;
	for (uint32_t i = 0; i < unmapped_used; i++) {
		found.pending = unmapped[i];
		enter_pending();
	}
	found.pending = (struct capture_cow_region){ 0 };
}

void cow_regions_forked(void)
{
	unmapped_used = 0;
}

/* Of more than there is room for, the larger ones are kept. */
void cow_regions_leave(uint64_t start, uint64_t end, enum capture_row row, const struct capture_cow_row *pages)
{
	struct capture_cow_region region = { .start = start, .end = end, .row = row, .pages = *pages };
	uint32_t last = 0;

	if (!pages->inherited_pages)
		return;
	for (uint32_t i = 0; i < unmapped_used; i++) { /* side by side, and perhaps between two */
		struct capture_cow_region *other = &unmapped[i];

		if (other->row != row || (other->end != region.start && other->start != region.end))
			continue;
		region.start = min_u64(region.start, other->start);
		region.end = max_u64(region.end, other->end);
		cow_look_add(&region.pages, &other->pages);
		*other = unmapped[--unmapped_used];
		i--;
	}
	if (unmapped_used < CAPTURE_COW_REGIONS) {
		unmapped[unmapped_used++] = region;
		return;
	}
	for (uint32_t i = 1; i < unmapped_used; i++)
		if (is_before(&unmapped[last].pages, &unmapped[i].pages))
			last = i;
	if (is_before(&region.pages, &unmapped[last].pages))
		unmapped[last] = region;
}

void cow_regions_add(uint64_t start, uint64_t end, enum capture_row row, const struct capture_cow_row *pages)
{
	uint32_t number = row == ROW_HEAP_FREE ? ROW_HEAP_LIVE : row;

	if (found.pending.end == start && found.pending.row == number) {
		found.pending.end = end;
		cow_look_add(&found.pending.pages, pages);
		return;
	}
	enter_pending();
	found.pending = (struct capture_cow_region){ .start = start, .end = end, .row = number, .pages = *pages };
}

static void forget_written(struct capture_cow_row *pages)
{
	pages->written_pages = CAPTURE_UNKNOWN;
	pages->written_gone_pages = 0;
}

void cow_course_note(uint64_t now, const struct capture_cow_row *sum, bool last)
{
	struct capture_cow_course *course = &capture->cow_course;
	uint32_t used = course->samples_used;

	enter_pending();
	found.pending = (struct capture_cow_region){ 0 };
	course->regions_used = 0;
	for (uint32_t i = 0; i < found.used; i++) {
		course->regions[i] = found.region[i];
		if (sum->written_pages == CAPTURE_UNKNOWN)
			forget_written(&course->regions[i].pages);
	}
	__atomic_store_n(&course->regions_used, found.used, __ATOMIC_RELEASE);
	if (!course->interval_ns)
		course->interval_ns = INTERVAL_NS;
	if (used && !last && now - course->samples[used - 1].at_ns < course->interval_ns)
		return;
	series_make_room(course->samples, sizeof(course->samples[0]), CAPTURE_COW_SAMPLES, &course->samples_used,
			 &course->interval_ns);
	used = course->samples_used;
	course->samples[used] = (struct capture_cow_sample){ now, *sum };
	__atomic_store_n(&course->samples_used, used + 1, __ATOMIC_RELEASE);
}
