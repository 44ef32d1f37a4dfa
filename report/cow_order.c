/* SPDX-License-Identifier: MIT */
/* Relatives are the parent, the children, and the parent's other children, as far as they lived at the same time. */
#include "cow_order.h"

bool cow_order_known(const struct image *image)
{
	return image && image->cow && image->cow->order.method == ORDER_SAMPLED && !image->cow->order.partial;
}

static void add(struct capture_order_row *sum, const struct capture_order_row *row)
{
	sum->copied_pages += row->copied_pages;
	sum->reused_pages += row->reused_pages;
	sum->ambiguous_pages += row->ambiguous_pages;
	sum->unseen_reused_pages += row->unseen_reused_pages;
	sum->unseen_copied_pages += row->unseen_copied_pages;
}

struct capture_order_row cow_order_sum(const struct capture_order_side *side)
{
	struct capture_order_row sum = side->unplaced;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		add(&sum, &side->rows[row]);
	return sum;
}

uint64_t cow_order_sampled(const struct capture_order_row *row)
{
	return row->copied_pages + row->reused_pages + row->ambiguous_pages;
}

static uint64_t smaller(uint64_t a, uint64_t b) /* CAPTURE_UNKNOWN is the largest */
{
	return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t cow_order_written(const struct image *image)
{
	return image->cow->watch_ended ? CAPTURE_UNKNOWN : image->cow->written_pages;
}

static uint64_t no_sample_judged(const struct image *image, const struct capture_order_row *seen)
{
	return figure_sum(image->cow->order.unsampled_faults, seen->unseen_reused_pages + seen->unseen_copied_pages);
}

/* Where a page was judged that had been let go, one more can have been written unseen. */
uint64_t cow_order_unseen(const struct image *image, uint64_t written, const struct capture_order_row *seen)
{
	uint64_t at_most = figure_sum(written, image->cow->let_go_pages + image->cow->unlogged_pages);

	return smaller(at_most == CAPTURE_UNKNOWN ? at_most : above(at_most, cow_order_sampled(seen)),
		       no_sample_judged(image, seen));
}

uint64_t cow_order_stale(const struct image *image, uint64_t written, const struct capture_order_row *seen)
{
	uint64_t let_go = image->cow->let_go_pages + image->cow->unlogged_pages, unseen = no_sample_judged(image, seen);

	if (written == CAPTURE_UNKNOWN || unseen == CAPTURE_UNKNOWN)
		return let_go;
	return smaller(let_go, above(unseen, above(written, cow_order_sampled(seen))));
}

/* Pages that the image let go without telling, as libc does by itself. */
static uint64_t gone_unseen(const struct capture_cow *cow)
{
	uint64_t inherited = 0, gone = 0;

	for (size_t row = 0; row < CAPTURE_ROWS && cow->looked; row++) {
		inherited += cow->rows[row].inherited_pages;
		gone += cow->rows[row].gone_pages;
	}
	return cow->looked ? above(gone + above(cow->inherited_pages, inherited), cow->left_pages) : 0;
}

/* What others may have judged wrongly by what this one had. */
static uint64_t misleading(const struct image *image)
{
	const struct capture_cow *cow = image->cow;
	struct capture_order_row seen;

	if (!cow_order_known(image))
		return CAPTURE_UNKNOWN;
	seen = cow_order_sum(&cow->order.by_child);
	add(&seen, &cow->order.as_parent);
	seen.unseen_reused_pages = seen.unseen_copied_pages = 0; /* they were seen when they were written */
	return figure_sum(cow_order_unseen(image, cow_order_written(image), &seen),
			  cow->order.doubtful_pages + cow->unlogged_pages + gone_unseen(cow));
}

static bool at_one_time(const struct image *a, const struct image *b)
{
	return a->start_ns <= b->end_ns && b->start_ns <= a->end_ns; /* CAPTURE_UNKNOWN: the end is open */
}

uint64_t cow_order_relatives(const struct recording *recording, size_t index)
{
	const struct image *image = &recording->images[index], *parent;
	uint64_t sum = 0;

	for (size_t child = image->first_child; child != NO_IMAGE; child = recording->images[child].sibling)
		if (recording->images[child].born == BORN_FORK)
			sum = figure_sum(sum, misleading(&recording->images[child]));
	if (image->born != BORN_FORK || image->parent == NO_IMAGE)
		return sum;
	parent = &recording->images[image->parent];
	sum = figure_sum(sum, misleading(parent));
	for (size_t child = parent->first_child; child != NO_IMAGE; child = recording->images[child].sibling) {
		const struct image *other = &recording->images[child];

		if (other != image && other->born == BORN_FORK && at_one_time(image, other))
			sum = figure_sum(sum, misleading(other));
	}
	return sum;
}
