/* SPDX-License-Identifier: MIT */
/*
 * Two kinds of pages are not what samples make of them. Unseen ones were written without a sample that judged them: by a
 * system call, or where no sample had seen them before the fork. Stale ones were judged although they were no longer
 * there when the process forked: it had let them go before, and what came there since is new memory.
 */
#include "cow_ordered.h"

#include "cow_order.h"

#define HEAP_SHARE 10 /* of the heap's pages, 1/10 may be counted in the largest of its rows instead of their own */

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t lesser(uint64_t a, uint64_t b) /* CAPTURE_UNKNOWN is the largest */
{
	return a < b ? a : b;
}

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

/* Pages that samples saw the child write beyond those that it wrote in a row, as far as that is known. */
static uint64_t surplus_over(uint64_t written, const struct capture_order_row *seen)
{
	uint64_t sampled = cow_order_sampled(seen);

	return sampled > written ? sampled - written : 0;
}

/* What the child wrote since it was watched is known; samples tell what of it was re-used; @early: what it wrote before. */
static void order_child(struct cow_pages *pages, const struct capture_order_row *seen, bool early)
{
	uint64_t written = pages->copied + (early ? surplus_over(pages->copied, seen) : 0);

	pages->reused = lesser(seen->reused_pages, written);
	pages->copied = written - pages->reused;
}

/* What samples tell; @at_least: copied already says how many pages it were, without those that the other side wrote too. */
static void order_row(struct cow_pages *pages, const struct capture_order_row *seen, bool at_least)
{
	uint64_t copied = seen->copied_pages + seen->ambiguous_pages;

	pages->reused = seen->reused_pages;
	if (!at_least || pages->copied == CAPTURE_UNKNOWN || pages->copied < copied)
		pages->copied = copied;
}

static void sum_written(struct cow_fork *fork)
{
	fork->sum.copied = fork->sum.reused = 0;
	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		fork->sum.copied = figure_sum(fork->sum.copied, fork->rows[row].copied);
		fork->sum.reused = figure_sum(fork->sum.reused, fork->rows[row].reused);
	}
}

struct cow_writer cow_writer_of(const struct recording *recording, size_t index)
{
	struct cow_writer writer = { .image = &recording->images[index] };
	const struct capture_cow *cow = writer.image->cow;
	struct capture_order_row seen, by_child;
	uint64_t written, sampled;

	if (!cow_order_known(writer.image))
		return writer;
	written = cow_order_written(writer.image);
	writer.relatives = cow_order_relatives(recording, index);
	seen = cow->order.as_parent;
	by_child = cow_order_sum(&cow->order.by_child);
	seen.copied_pages += cow_order_sampled(&by_child);
	sampled = cow_order_sampled(&seen);
	writer.unseen = cow_order_unseen(writer.image, written, &seen);
	writer.surplus = sampled > written ? sampled - written : 0;
	seen.unseen_reused_pages += by_child.unseen_reused_pages;
	seen.unseen_copied_pages += by_child.unseen_copied_pages;
	writer.stale = figure_sum(writer.surplus, cow_order_stale(writer.image, written, &seen));
	return writer;
}

/*
 * Of a child that was watched. Samples see more than write protection does where the
 * child wrote before it was watched; or where a page had been given back before the fork, so that it was new memory.
 */
static void order_by_child(struct cow_fork *fork, const struct cow_writer *writer)
{
	const struct capture_order *known = &writer->image->cow->order;
	const uint64_t early = writer->image->cow->early_faults, without = fork->bound;
	struct capture_order_row seen = cow_order_sum(&known->by_child);
	const uint64_t unmapped = writer->image->cow->written_unmapped_pages; /* samples saw them in some row, the figures in none */
	uint64_t written = unmapped, surplus = 0, heap, stale, by_let_go;
	size_t first = ROW_HEAP_LIVE;
	bool before;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		written += fork->rows[row].copied;
	heap = fork->rows[ROW_HEAP_LIVE].copied + fork->rows[ROW_HEAP_SLACK].copied + fork->rows[ROW_HEAP_FREE].copied;
	if (order_heap(fork, known->by_child.rows[ROW_HEAP_LIVE].reused_pages)) {
		first = ROW_RESERVE;
		surplus = surplus_over(heap, &known->by_child.rows[ROW_HEAP_LIVE]);
	}
	for (size_t row = first; row < CAPTURE_ROWS; row++)
		surplus += surplus_over(fork->rows[row].copied, &known->by_child.rows[row]);
	before = surplus <= early && !unmapped;
	for (size_t row = first; row < CAPTURE_ROWS; row++)
		order_child(&fork->rows[row], &known->by_child.rows[row], before);
	sum_written(fork);
	fork->sum.copied += unmapped;
	surplus -= lesser(surplus, unmapped);
	/* As many pages as samples saw it write before it was watched may have been written unseen since. */
	stale = before ? surplus : lesser(seen.reused_pages, figure_sum(surplus, known->unsampled_faults));
	by_let_go = cow_order_stale(writer->image, written + surplus, &seen);
	stale = figure_sum(stale, lesser(seen.reused_pages, by_let_go));
	seen.unseen_copied_pages = 0; /* what was written and not re-used counts as copied, seen or not */
	fork->open = cow_order_unseen(writer->image, written + surplus, &seen) + lesser(known->unsampled_faults, early) +
		     seen.ambiguous_pages + known->by_child.unplaced.reused_pages + stale + writer->image->cow->moved_pages;
	fork->bound = figure_sum(fork->open, lesser(writer->relatives, fork->sum.copied));
	if (without != CAPTURE_UNKNOWN && without >= fork->sum.reused)
		fork->bound = lesser(fork->bound, greater(without - fork->sum.reused, stale));
	fork->open = fork->bound;
}

/* The same where only samples tell what was written by row, by either side. */
static void order_by_samples(struct cow_fork *fork, const struct cow_writer *writer, const struct capture_order_side *side)
{
	struct capture_order_row seen = cow_order_sum(side);
	const struct image *image = writer->image;
	/* A parent that took part in one fork only has copied what its child did not and nobody else has any more. */
	bool at_least = fork->watched && image->born != BORN_FORK && image->cow->own_forks == 1 && !image->cow->lefts;

	join_heap(fork);
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		order_row(&fork->rows[row], &side->rows[row], at_least);
	sum_written(fork);
	fork->open = seen.ambiguous_pages + side->unplaced.reused_pages + (fork->side_child ? image->cow->moved_pages : 0) +
		     lesser(writer->stale, cow_order_sampled(&seen));
	fork->bound = figure_sum(figure_sum(fork->open, writer->unseen), lesser(writer->relatives, fork->sum.copied));
}

bool cow_ordered_is(const struct cow_fork *fork, const struct cow_writer *writer, const struct capture_cow *child)
{
	const struct capture_cow *cow = writer->image->cow;

	if (!cow_order_known(writer->image) || cow->written_pages == CAPTURE_UNKNOWN)
		return false;
	if (child->order.method != ORDER_SAMPLED || child->order.partial)
		return false;
	if (fork->side_child)
		return child->looked && (fork->watched || writer->surplus <= cow->early_faults);
	return child->order.parent_known;
}

void cow_ordered_put(struct cow_fork *fork, const struct cow_writer *writer, const struct capture_cow *child)
{
	fork->ordered = true;
	if (fork->side_child && fork->watched)
		order_by_child(fork, writer);
	else
		order_by_samples(fork, writer, fork->side_child ? &child->order.by_child : &child->order.by_parent);
}
