/* SPDX-License-Identifier: MIT */
/* A child records what it sees of its own pages; the parent's side is the same fork seen from the other end. */
#include "cow_figures.h"

#include <stdlib.h>
#include <string.h>

#include "cow_order.h"
#include "memory.h"

static const struct cow_pages unknown = {
	CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN,
};

static bool is_watched(const struct capture_cow *cow)
{
	bool watched = cow->looked && cow->method == COW_WRITE_PROTECT;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		watched = watched && cow->rows[row].written_pages != CAPTURE_UNKNOWN;
	return watched;
}

/*
 * Of what nobody else has any more, what the child did not write. More may have been written than that: what it shares
 * with children of its own.
 */
static uint64_t left_alone(const struct capture_cow_row *row)
{
	uint64_t written = row->written_pages - row->written_gone_pages;

	return row->unshared_pages > written ? row->unshared_pages - written : 0;
}

struct cow_pages cow_pages_of(const struct cow_fork *fork, const struct capture_cow_row *row)
{
	struct cow_pages pages = {
		.inherited = row->inherited_pages, .still_shared = row->shared_pages,
		.gone = row->gone_pages - row->written_gone_pages,
		.unshared = CAPTURE_UNKNOWN, .reused = CAPTURE_UNKNOWN,
	};

	if (!fork->watched) { /* by either of the two, or by none, if the parent just ended */
		pages.copied = fork->outlived ? CAPTURE_UNKNOWN : row->unshared_pages;
	} else if (fork->side_child) {
		pages.copied = row->written_pages;
		pages.unshared = left_alone(row);
	} else {
		pages.copied = fork->outlived ? CAPTURE_UNKNOWN : left_alone(row);
	}
	return pages;
}

void cow_pages_add(struct cow_pages *sum, const struct cow_pages *more)
{
	sum->inherited = figure_sum(sum->inherited, more->inherited);
	sum->still_shared = figure_sum(sum->still_shared, more->still_shared);
	sum->copied = figure_sum(sum->copied, more->copied);
	sum->reused = figure_sum(sum->reused, more->reused);
	sum->unshared = figure_sum(sum->unshared, more->unshared);
	sum->gone = figure_sum(sum->gone, more->gone);
}

/* What was inherited and is in no row now had been unmapped; smaps alone does not tell it from what was copied. */
static void fill(struct cow_fork *fork, const struct capture_cow *cow)
{
	fork->sum = unknown;
	fork->sum.inherited = cow->inherited_pages;
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		fork->rows[row] = unknown;
	if (!cow->looked)
		return;
	fork->heap_split = cow->heap_split;
	fork->by_either = cow->written_unmapped_pages;
	fork->sum = (struct cow_pages){ 0 };
	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		fork->rows[row] = cow_pages_of(fork, &cow->rows[row]);
		if (cow->method == COW_SMAPS)
			fork->rows[row].inherited = fork->rows[row].copied = fork->rows[row].gone = CAPTURE_UNKNOWN;
		if (cow->method == COW_SMAPS && (cow->own_forks || row == ROW_FILE || row == ROW_IMAGE))
			fork->rows[row].still_shared = CAPTURE_UNKNOWN; /* with whom; and there it counts a file's pages too */
		cow_pages_add(&fork->sum, &fork->rows[row]);
		fork->by_either += cow->rows[row].unshared_pages + cow->rows[row].written_gone_pages;
	}
	fork->sum.gone = figure_sum(fork->sum.gone, figure_less(cow->inherited_pages, fork->sum.inherited));
	fork->sum.gone = figure_less(fork->sum.gone, cow->written_unmapped_pages);
	if (fork->watched && fork->side_child)
		fork->sum.copied = figure_sum(fork->sum.copied, cow->written_unmapped_pages);
	fork->sum.inherited = cow->inherited_pages;
}

/*
 * Pages that a process wrote while children lived that it had forked: not more than that, for each of them took a fault. What it
 * moved is not watched where it is then.
 */
static uint64_t most_written(const struct image *image)
{
	const struct capture_cow *cow = image ? image->cow : NULL;
	uint64_t most;

	if (!cow || !cow->own_forks || (image->end != END_EXIT && image->end != END_EXEC))
		return CAPTURE_UNKNOWN;
	most = cow->faults_beside_children;
	return cow->method == COW_WRITE_PROTECT && !cow->lefts && cow->written_pages < most ? cow->written_pages : most;
}

static uint64_t lesser(uint64_t a, uint64_t b) /* CAPTURE_UNKNOWN is the largest */
{
	return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Pages that a side may have copied although they do not show it: the child had let them go when it was looked at, or somebody
 * else still mapped its copy. That can be children of the child, and of what the parent copied, any relative beside the two. Of a child
 * that was watched it is known what it wrote, wherever that has gone.
 */
static uint64_t hidden(const struct cow_fork *fork, const struct capture_cow *child, const struct image *parent)
{
	bool others = child->own_forks;

	if (fork->watched && fork->side_child)
		return 0;
	if (!fork->side_child)
		others = others || !parent || !parent->cow || parent->cow->own_forks > 1 || parent->born == BORN_FORK;
	return figure_sum(fork->sum.gone, others ? fork->sum.still_shared : 0);
}

/*
 * How far off the figures of either side can be: what the child wrote when its parent had written or unmapped it before, what either
 * copied that is hidden, what the child wrote before it was watched, which looks as if its parent had, what it may have written
 * after it had moved it, and what of that which it gave back had been written, where nobody asked.
 */
static uint64_t bound(const struct cow_fork *fork, const struct capture_cow *child, const struct image *parent)
{
	uint64_t written = child->written_unmapped_pages, by_parent = 0, early, surely, of_parent, too_many, too_few;

	if (!child->looked || child->method == COW_SMAPS)
		return CAPTURE_UNKNOWN;
	of_parent = fork->outlived ? CAPTURE_UNKNOWN : most_written(parent);
	too_few = hidden(fork, child, parent);
	if (!fork->watched)
		return greater(fork->sum.copied, fork->side_child ? too_few : lesser(too_few, of_parent));
	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		written += child->rows[row].written_pages;
		by_parent += left_alone(&child->rows[row]);
	}
	surely = of_parent == CAPTURE_UNKNOWN || parent->cow->lefts ? 0 : lesser(by_parent, of_parent);
	if (of_parent != CAPTURE_UNKNOWN)
		of_parent -= surely;
	if (fork->side_child) {
		too_many = of_parent == CAPTURE_UNKNOWN || parent->cow->lefts ? written : lesser(written, of_parent);
	} else {
		too_many = by_parent - surely;
		too_few = lesser(figure_sum(too_few, written), of_parent);
	}
	early = child->early_faults; /* as many writes nobody saw */
	if (fork->side_child)
		early = figure_sum(early + child->moved_pages, child->unasked_written);
	return figure_sum(early, greater(too_many, too_few));
}

static void add_fork(struct cow_figures *figures, const struct recording *recording, const struct cow_own *own,
		     size_t child, bool side_child)
{
	const struct image *image = &recording->images[child];
	const struct capture_cow *cow = image->cow;
	const struct image *parent = image->parent == NO_IMAGE ? NULL : &recording->images[image->parent];
	struct cow_fork *fork;

	if (!cow || cow->method == COW_UNKNOWN || image->born != BORN_FORK)
		return;
	figures->forks = memory_more(figures->forks, (figures->count + 1) * sizeof(figures->forks[0]));
	fork = &figures->forks[figures->count++];
	*fork = (struct cow_fork){ .child = child, .side_child = side_child, .watched = is_watched(cow) };
	fork->outlived = cow->looked && (!parent || (parent->end_ns != CAPTURE_UNKNOWN && parent->end_ns < cow->looked_at_ns));
	fork->early = cow->looked && image->end != END_EXIT && image->end != END_EXEC;
	fill(fork, cow);
	fork->bound = bound(fork, cow, parent);
	cow_order(fork, own, cow);
	if (!cow->looked || fork->sum.copied == CAPTURE_UNKNOWN) {
		figures->unknown++;
		return;
	}
	figures->watched = figures->watched && (fork->watched || fork->ordered);
	figures->ordered = figures->ordered && fork->ordered;
	figures->total.open = figure_sum(figures->total.open, fork->ordered ? fork->open : fork->bound);
	figures->total.bound = figure_sum(figures->total.bound, fork->bound);
	figures->total.heap_split = figures->total.heap_split && fork->heap_split;
	cow_pages_add(&figures->total.sum, &fork->sum);
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		cow_pages_add(&figures->total.rows[row], &fork->rows[row]);
}

struct cow_figures cow_figures(const struct recording *recording, size_t index)
{
	const struct image *image = &recording->images[index];
	struct cow_figures figures = { .total.heap_split = true, .watched = true, .ordered = true };
	struct cow_own own = cow_own_of(recording, index);

	add_fork(&figures, recording, &own, index, true);
	for (size_t child = image->first_child; child != NO_IMAGE; child = recording->images[child].sibling)
		add_fork(&figures, recording, &own, child, false);
	cow_order_total(&figures, &own);
	return figures;
}

/* As the ledger found them: the mappings at the end of the image, where it had one. */
const char *cow_region_name(const struct capture *capture, const struct capture_cow_region *region)
{
	const struct capture_mapping *best = NULL;
	uint64_t most = 0;

	for (const struct capture_mapping *m = capture->mappings; m < capture->mappings + capture->mappings_used; m++) {
		uint64_t start = m->start > region->start ? m->start : region->start;
		uint64_t end = m->end < region->end ? m->end : region->end;

		if (start < end && end - start > most) {
			most = end - start;
			best = m;
		}
	}
	return best ? best->name : "";
}

int cow_fork_by_copied(const void *a, const void *b)
{
	const struct cow_fork *first = a, *second = b;
	uint64_t one = first->sum.copied == CAPTURE_UNKNOWN ? 0 : first->by_either + 1;
	uint64_t other = second->sum.copied == CAPTURE_UNKNOWN ? 0 : second->by_either + 1;

	if (one != other)
		return one > other ? -1 : 1;
	return first->child < second->child ? -1 : first->child > second->child;
}

void cow_figures_free(struct cow_figures *figures)
{
	free(figures->forks);
}
