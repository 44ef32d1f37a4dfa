/* SPDX-License-Identifier: MIT */
/* Relatives are the parent, the children, and the parent's other children, as far as they lived at the same time. */
#include "cow_order.h"

#define HEAP_SHARE 10 /* of the heap's pages, 1/10 may be counted in the largest of its rows instead of their own */
#define EXEC_PAGES 8  /* that the kernel writes when it executes a program: of the stack, and the end of its data */

static uint64_t lesser(uint64_t a, uint64_t b) /* CAPTURE_UNKNOWN is the largest */
{
	return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Samples */

static bool is_known(const struct image *image)
{
	return image->cow && image->cow->order.method == ORDER_SAMPLED && !image->cow->order.partial;
}

static void add(struct capture_order_row *sum, const struct capture_order_row *row)
{
	sum->copied_pages += row->copied_pages;
	sum->reused_pages += row->reused_pages;
	sum->ambiguous_pages += row->ambiguous_pages;
	sum->unseen_copied_pages += row->unseen_copied_pages;
	sum->unseen_reused_pages += row->unseen_reused_pages;
}

static struct capture_order_row sum_of(const struct capture_order_side *side)
{
	struct capture_order_row sum = side->unplaced;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		add(&sum, &side->rows[row]);
	return sum;
}

/* Of pages that were known to be there. */
static uint64_t seen_pages(const struct capture_order_row *row)
{
	return row->copied_pages + row->reused_pages + row->ambiguous_pages;
}

/* All that an image wrote, by write protection; CAPTURE_UNKNOWN. */
static uint64_t written_by(const struct capture_cow *cow)
{
	return cow->watch_ended ? CAPTURE_UNKNOWN : cow->written_pages;
}

/*
 * Pages of those that an image has written, at most, that were judged by no sample.
 * @perhaps: judged by one, if they were there when the image was forked, which is not known
 */
static uint64_t unseen_of(const struct capture_cow *cow, uint64_t written, const struct capture_order_row *seen,
			  uint64_t perhaps)
{
	uint64_t unseen = written == CAPTURE_UNKNOWN ? written : above(written, seen_pages(seen));

	return lesser(unseen, figure_sum(cow->order.unsampled_faults, perhaps));
}

/* Relatives */

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

	if (!is_known(image))
		return CAPTURE_UNKNOWN;
	seen = sum_of(&cow->order.by_child);
	add(&seen, &cow->order.as_parent);
	return figure_sum(unseen_of(cow, written_by(cow), &seen, 0),
			  cow->order.doubtful_pages + cow->unlogged_pages + gone_unseen(cow));
}

static bool at_one_time(const struct image *a, const struct image *b)
{
	return a->start_ns <= b->end_ns && b->start_ns <= a->end_ns; /* CAPTURE_UNKNOWN: the end is open */
}

static uint64_t by_relatives(const struct recording *recording, size_t index)
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

/*
 * Pages that no sample tells were there when the image was forked: brought in by system calls, by a fault each.
 * CAPTURE_UNKNOWN: others had been moved to where they were.
 */
static uint64_t brought_unseen(const struct recording *recording, const struct image *image)
{
	uint64_t faults = EXEC_PAGES;

	for (; is_known(image); image = &recording->images[image->parent]) {
		if (image->moves)
			return CAPTURE_UNKNOWN;
		faults = figure_sum(faults, image->cow->order.unsampled_faults);
		if (image->born != BORN_FORK || image->parent == NO_IMAGE)
			return faults;
	}
	return CAPTURE_UNKNOWN;
}

struct cow_own cow_own_of(const struct recording *recording, size_t index)
{
	struct cow_own own = { .image = &recording->images[index] };
	const struct capture_cow *cow = own.image->cow;
	struct capture_order_row seen, by_child;

	if (!is_known(own.image))
		return own;
	own.relatives = by_relatives(recording, index);
	seen = cow->order.as_parent;
	by_child = sum_of(&cow->order.by_child);
	add(&seen, &by_child);
	own.hidden = unseen_of(cow, CAPTURE_UNKNOWN, &seen, seen.unseen_copied_pages + seen.unseen_reused_pages);
	own.hidden = lesser(own.hidden, brought_unseen(recording, own.image));
	own.unseen = lesser(own.hidden, unseen_of(cow, written_by(cow), &seen, CAPTURE_UNKNOWN));
	own.surplus = above(seen_pages(&seen), written_by(cow));
	return own;
}

/* A fork */

static void join_heap(struct cow_fork *fork)
{
	if (!fork->heap_split)
		return;
	fork->heap_split = false;
	for (size_t row = ROW_HEAP_SLACK; row <= ROW_HEAP_FREE; row++) {
		cow_pages_add(&fork->rows[ROW_HEAP_LIVE], &fork->rows[row]);
		fork->rows[row] = (struct cow_pages){ 0 };
	}
}

/*
 * Samples know the heap as a whole. Little that was re-used is taken off the largest of its rows; else they are not
 * told apart. False: that.
 */
static bool order_heap(struct cow_fork *fork, uint64_t reused)
{
	struct cow_pages *largest = &fork->rows[ROW_HEAP_LIVE];
	uint64_t written = 0;

	for (size_t row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE && fork->heap_split; row++) {
		written += fork->rows[row].copied;
		largest = fork->rows[row].copied > largest->copied ? &fork->rows[row] : largest;
		fork->rows[row].reused = 0;
	}
	if (!fork->heap_split || reused > written / HEAP_SHARE) {
		join_heap(fork);
		return false;
	}
	largest->copied -= reused;
	largest->reused = reused;
	return true;
}

/* What the child wrote since it was watched is known, and how much before; samples tell what of it was re-used. */
static void order_child(struct cow_pages *pages, const struct capture_order_row *seen, uint64_t early)
{
	uint64_t written = pages->copied + early;

	pages->reused = lesser(seen->reused_pages, written);
	pages->copied = written - pages->reused;
}

/* What samples tell; @at_least: copied says how many pages it were, without those that the other side wrote too. */
static void order_row(struct cow_pages *pages, const struct capture_order_row *seen, bool at_least)
{
	uint64_t copied = seen->copied_pages + seen->ambiguous_pages;

	pages->reused = seen->reused_pages;
	if (!at_least || pages->copied == CAPTURE_UNKNOWN || pages->copied < copied)
		pages->copied = copied;
}

/*
 * What the child wrote before it was watched was its alone, or gone, when it was looked at: it is counted as copied
 * now. @early: as many pages of the row at most. Returns how many there were.
 */
static uint64_t move_early(struct cow_fork *fork, struct cow_pages *pages, uint64_t early)
{
	uint64_t alone = lesser(early, pages->unshared), gone = lesser(early - alone, pages->gone);

	pages->unshared -= alone;
	fork->sum.unshared -= alone;
	pages->gone -= gone;
	fork->sum.gone -= gone;
	return alone + gone;
}

static void sum_written(struct cow_fork *fork)
{
	fork->sum.copied = fork->sum.reused = 0;
	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		fork->sum.copied = figure_sum(fork->sum.copied, fork->rows[row].copied);
		fork->sum.reused = figure_sum(fork->sum.reused, fork->rows[row].reused);
	}
}

/*
 * The child's side, of which write protection knows the rows. Samples see more than that where the child wrote before
 * it was watched, or unmapped what it had written; or where a page had been given back before the fork, so that it was
 * new memory.
 */
static void order_by_child(struct cow_fork *fork, const struct cow_own *own)
{
	const struct capture_cow *cow = own->image->cow;
	const struct capture_order_side *side = &cow->order.by_child;
	const struct capture_order_row *heap_seen = &side->rows[ROW_HEAP_LIVE];
	const uint64_t without = fork->bound, unsampled = cow->order.unsampled_faults;
	const uint64_t unmapped = cow->written_unmapped_pages;
	struct capture_order_row seen = sum_of(side);
	uint64_t written = unmapped, surplus = 0, heap = 0, of_rows;
	size_t first = ROW_HEAP_LIVE;
	bool early, explained;

	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		written += fork->rows[row].copied;
		heap += row <= ROW_HEAP_FREE ? fork->rows[row].copied : 0;
	}
	if (order_heap(fork, heap_seen->reused_pages)) {
		first = ROW_RESERVE;
		surplus = above(seen_pages(heap_seen), heap);
	}
	for (size_t row = first; row < CAPTURE_ROWS; row++)
		surplus += above(seen_pages(&side->rows[row]), fork->rows[row].copied);
	explained = surplus <= figure_sum(cow->early_faults, unmapped);
	early = explained && (!unmapped || cow->moved_pages);
	of_rows = early ? above(surplus, unmapped) : 0;
	for (size_t row = first; row < CAPTURE_ROWS; row++) {
		uint64_t more = early ? above(seen_pages(&side->rows[row]), fork->rows[row].copied) : 0;
		uint64_t here = lesser(more, of_rows), moved = move_early(fork, &fork->rows[row], here);

		of_rows -= here;
		if (!cow->own_forks) /* what is still shared was not written, whatever a sample says */
			more -= here - moved;
		order_child(&fork->rows[row], &side->rows[row], more);
	}
	sum_written(fork);
	if (early) { /* it is in the rows, as far as samples saw it written */
		fork->sum.copied += above(unmapped, surplus);
	} else if (unmapped) { /* it is in no row, and what of it was re-used, in none either */
		uint64_t reused = lesser(above(seen.reused_pages, fork->sum.reused), unmapped);

		fork->sum.reused += reused;
		fork->sum.copied += unmapped - reused;
	}
	/*
	 * As many pages as samples saw it write before it was watched may have been written unseen since. What was
	 * moved may have been written later, or before, in a row that is not known.
	 */
	fork->open = unseen_of(cow, written + surplus, &seen, seen.unseen_reused_pages) +
		     lesser(unsampled, cow->early_faults) + (cow->moved_pages ? cow->moved_pages + unmapped : 0) +
		     seen.ambiguous_pages + side->unplaced.reused_pages +
		     (explained ? above(surplus, unmapped) : 0);
	/* And as many as were written unseen may have been new memory, where samples saw no more than was written. */
	fork->open += lesser(seen.reused_pages, figure_sum(explained ? 0 : surplus, own->hidden));
	fork->bound = figure_sum(fork->open, lesser(own->relatives, fork->sum.copied));
	if (without != CAPTURE_UNKNOWN && without >= fork->sum.reused)
		fork->bound = lesser(fork->bound, without - fork->sum.reused);
	fork->open = fork->bound;
}

/*
 * What is not known of the image's writes in all its forks together: those that no sample tells of; as many that
 * samples tell of, of memory that was new; and what relatives wrote unseen.
 */
static uint64_t once(const struct cow_own *own, const struct cow_pages *sum)
{
	uint64_t stale = lesser(figure_sum(own->surplus, own->hidden), figure_sum(sum->copied, sum->reused));

	return figure_sum(figure_sum(own->unseen, stale), lesser(own->relatives, sum->copied));
}

/* The same where only samples tell what was written by row, by either side. */
static void order_by_samples(struct cow_fork *fork, const struct cow_own *own, const struct capture_order_side *side)
{
	const struct image *image = own->image;
	struct capture_order_row seen = sum_of(side);
	/* A parent that took part in one fork only has copied what its child did not and nobody else has any more. */
	bool at_least = fork->watched && image->born != BORN_FORK && image->cow->own_forks == 1 &&
			!image->cow->lefts_noted;

	join_heap(fork);
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		order_row(&fork->rows[row], &side->rows[row], at_least);
	sum_written(fork);
	fork->open = seen.ambiguous_pages + side->unplaced.reused_pages +
		     (fork->side_child ? image->cow->moved_pages : 0);
	fork->bound = figure_sum(fork->open, once(own, &fork->sum));
}

/* All that the image wrote is known, and samples saw hardly anything beyond that. */
static bool is_ordered(const struct cow_fork *fork, const struct cow_own *own, const struct capture_cow *child)
{
	const struct capture_cow *cow = own->image->cow;

	if (!is_known(own->image) || cow->written_pages == CAPTURE_UNKNOWN)
		return false;
	if (child->order.method != ORDER_SAMPLED || child->order.partial)
		return false;
	if (fork->side_child)
		return child->looked && (fork->watched || own->surplus <= cow->early_faults);
	return child->order.parent_known;
}

void cow_order(struct cow_fork *fork, const struct cow_own *own, const struct capture_cow *child)
{
	fork->ordered = is_ordered(fork, own, child);
	if (!fork->ordered)
		return;
	if (fork->side_child && fork->watched)
		order_by_child(fork, own);
	else
		order_by_samples(fork, own, fork->side_child ? &child->order.by_child : &child->order.by_parent);
}

void cow_order_total(struct cow_figures *figures, const struct cow_own *own)
{
	struct cow_fork *total = &figures->total;

	if (figures->ordered)
		total->bound = lesser(total->bound, figure_sum(total->open, once(own, &total->sum)));
}
