/* SPDX-License-Identifier: MIT */
/* A child records what it sees of its own pages; the parent's side is the same fork seen from the other end. */
#include "cow_figures.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const struct cow_pages unknown = { CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN };

static struct cow_pages pages_of(const struct capture_cow_row *row, bool outlived)
{
	return (struct cow_pages){
		row->inherited_pages, row->shared_pages, outlived ? CAPTURE_UNKNOWN : row->unshared_pages,
		row->gone_pages,
	};
}

static void add(struct cow_pages *sum, const struct cow_pages *more)
{
	sum->inherited = figure_sum(sum->inherited, more->inherited);
	sum->still_shared = figure_sum(sum->still_shared, more->still_shared);
	sum->unshared = figure_sum(sum->unshared, more->unshared);
	sum->gone = figure_sum(sum->gone, more->gone);
}

/* What was inherited and is in no row now had been unmapped. */
static void fill(struct cow_fork *fork, const struct capture_cow *cow)
{
	fork->sum = unknown;
	fork->sum.inherited = cow->inherited_pages;
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		fork->rows[row] = unknown;
	if (!cow->looked)
		return;
	fork->sum = (struct cow_pages){ 0 };
	for (size_t row = 0; row < CAPTURE_ROWS; row++) {
		fork->rows[row] = pages_of(&cow->rows[row], fork->outlived);
		add(&fork->sum, &fork->rows[row]);
	}
	fork->sum.gone = figure_sum(fork->sum.gone, figure_less(cow->inherited_pages, fork->sum.inherited));
	fork->sum.inherited = cow->inherited_pages;
}

static void add_fork(struct cow_figures *figures, const struct recording *recording, size_t child, bool side_child)
{
	const struct image *image = &recording->images[child];
	const struct capture_cow *cow = image->cow;
	const struct image *parent = image->parent == NO_IMAGE ? NULL : &recording->images[image->parent];
	struct cow_fork *fork;

	if (!cow || image->born != BORN_FORK)
		return;
	figures->forks = memory_more(figures->forks, (figures->count + 1) * sizeof(figures->forks[0]));
	fork = &figures->forks[figures->count++];
	*fork = (struct cow_fork){ .child = child, .side_child = side_child };
	fork->outlived = cow->looked && (!parent || (parent->end_ns != CAPTURE_UNKNOWN && parent->end_ns < cow->looked_at_ns));
	fork->early = cow->looked && image->end != END_EXIT && image->end != END_EXEC;
	fill(fork, cow);
	if (fork->sum.unshared == CAPTURE_UNKNOWN) {
		figures->unknown++;
		return;
	}
	add(&figures->total.sum, &fork->sum);
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		add(&figures->total.rows[row], &fork->rows[row]);
}

struct cow_figures cow_figures(const struct recording *recording, size_t index)
{
	const struct image *image = &recording->images[index];
	struct cow_figures figures = { 0 };

	add_fork(&figures, recording, index, true);
	for (size_t child = image->first_child; child != NO_IMAGE; child = recording->images[child].sibling)
		add_fork(&figures, recording, child, false);
	return figures;
}

void cow_figures_free(struct cow_figures *figures)
{
	free(figures->forks);
}
