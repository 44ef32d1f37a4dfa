/* SPDX-License-Identifier: MIT */
/*
 * What the order of writes makes of a fork's figures, and how far off they say that they are.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "../../report/cow_figures.h"
#include "report_synthetic.h"

#define PARENT 5000001u /* above the largest that the kernel gives */
#define CHILD  5000002u
#define OTHER  5000003u

/*
 * A parent that lived through it all, and children of which each inherited 1,000 pages and wrote 300 of its own
 * mappings and 100 of the heap. Of the former, samples saw 250 copied and 50 re-used. The parent wrote 150 pages of its
 * own mappings, and 20 by system calls.
 */
static struct capture parent, child, other;

static void set_child(struct capture *c, uint32_t pid)
{
	struct capture_cow *cow = &c->cow;

	synthetic_capture(c, pid, PARENT, 0, BORN_FORK, 101 * SECOND);
	*cow = (struct capture_cow){ .method = COW_WRITE_PROTECT, .looked = 1, .inherited_pages = 1000,
				     .looked_at_ns = c->end_ns, .written_pages = 400, .heap_split = 1 };
	cow->rows[ROW_HEAP_LIVE] = (struct capture_cow_row){ 200, 140, 60, 0, 60, 0 };
	cow->rows[ROW_HEAP_FREE] = (struct capture_cow_row){ 100, 60, 40, 0, 40, 0 };
	cow->rows[ROW_ANON] = (struct capture_cow_row){ 700, 250, 450, 0, 300, 0 };
	cow->order = (struct capture_order){ .method = ORDER_SAMPLED, .parent_known = 1 };
	cow->order.by_child.rows[ROW_HEAP_LIVE] = (struct capture_order_row){ 100, 0, 0, 0, 0 };
	cow->order.by_child.rows[ROW_ANON] = (struct capture_order_row){ 250, 50, 0, 0, 0 };
	cow->order.by_parent.rows[ROW_ANON] = (struct capture_order_row){ 110, 40, 0, 0, 0 };
}

static int set_up(void **state)
{
	(void)state;
	synthetic_capture(&parent, PARENT, 1, 0, BORN_START, 100 * SECOND);
	parent.end_ns = parent.usage_at_ns = 110 * SECOND;
	parent.cow = (struct capture_cow){ .method = COW_WRITE_PROTECT, .own_forks = 1, .written_pages = 150 };
	parent.cow.order = (struct capture_order){ .method = ORDER_SAMPLED, .as_parent = { 110, 40, 0, 0, 0 } };
	set_child(&child, CHILD);
	memset(&other, 0, sizeof(other));
	return 0;
}

/* The figures of the parent or of the first child. */
static struct cow_figures figures_of(uint32_t pid)
{
	struct capture *copy = malloc(sizeof(*copy));
	const struct capture *const all[] = { &parent, &child, &other };
	struct recording *recording = recording_new("memory");
	struct cow_figures figures;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char name[64];

		if (!all[i]->pid)
			continue;
		memcpy(copy, all[i], sizeof(*copy));
		snprintf(name, sizeof(name), "%u.0.capture", all[i]->pid);
		assert_true(recording_add(recording, name, copy));
	}
	recording_link(recording);
	figures = cow_figures(recording, recording_find(recording, pid));
	free(copy);
	recording_close(recording);
	return figures;
}

static void assert_written(const struct cow_pages *pages, uint64_t copied, uint64_t reused)
{
	assert_int_equal(pages->copied, copied);
	assert_int_equal(pages->reused, reused);
}

static void what_was_written_and_not_reused_was_copied(void **state)
{
	struct cow_figures figures = figures_of(CHILD);

	(void)state;
	assert_true(figures.ordered);
	assert_written(&figures.total.sum, 350, 50);
	assert_written(&figures.total.rows[ROW_ANON], 250, 50);
	assert_written(&figures.total.rows[ROW_HEAP_FREE], 40, 0);
	assert_true(figures.total.heap_split);
	assert_int_equal(figures.total.bound, 0);
	cow_figures_free(&figures);
	figures = figures_of(PARENT);
	assert_true(figures.ordered);
	/* 150 pages are nobody else's any more, though the child did not write them: its parent copied these. */
	assert_written(&figures.total.rows[ROW_ANON], 150, 40);
	assert_int_equal(figures.total.bound, 0);
	cow_figures_free(&figures);
}

static void without_samples_nothing_is_known_to_be_reused(void **state)
{
	struct cow_figures figures;

	(void)state;
	child.cow.order.partial = 1;
	figures = figures_of(CHILD);
	assert_false(figures.ordered);
	assert_true(figures.watched);
	assert_written(&figures.total.sum, 400, CAPTURE_UNKNOWN);
	cow_figures_free(&figures);
	child.cow.order = (struct capture_order){ 0 };
	figures = figures_of(PARENT);
	assert_false(figures.ordered);
	assert_written(&figures.total.sum, 150, CAPTURE_UNKNOWN);
	cow_figures_free(&figures);
}

static void what_nobody_asked_about_is_in_the_childs_bound(void **state)
{
	struct cow_figures figures;
	uint64_t bound;

	(void)state;
	child.cow.written_pages = CAPTURE_UNKNOWN;
	figures = figures_of(CHILD);
	bound = figures.total.bound;
	cow_figures_free(&figures);
	child.cow.unasked_pages = 300;
	child.cow.unasked_written = 30;
	figures = figures_of(CHILD);
	assert_false(figures.ordered);
	assert_int_equal(figures.total.bound, bound + 30);
	cow_figures_free(&figures);
}

static void what_the_order_leaves_open_is_in_the_bound(void **state)
{
	struct cow_figures figures;

	(void)state;
	child.cow.order.by_child.rows[ROW_ANON] = (struct capture_order_row){ 230, 50, 20, 0, 0 };
	parent.cow.faults_beside_children = 1000;
	figures = figures_of(CHILD);
	assert_written(&figures.total.sum, 350, 50);
	assert_int_equal(figures.total.bound, 20);
	cow_figures_free(&figures);
}

/*
 * Seven pages were written without a sample, so that as many others may have been new memory; then three at most in
 * system calls, and two that were perhaps never seen before.
 */
static void what_no_sample_was_of_is_in_the_bound(void **state)
{
	struct cow_figures figures;

	(void)state;
	parent.cow.faults_beside_children = 1000;
	child.cow.order.by_child.rows[ROW_ANON] = (struct capture_order_row){ 243, 50, 0, 0, 0 };
	child.cow.order.unsampled_faults = 7;
	figures = figures_of(CHILD);
	assert_written(&figures.total.sum, 350, 50);
	assert_int_equal(figures.total.bound, 7 + 7);
	cow_figures_free(&figures);
	child.cow.order.unsampled_faults = 3;
	child.cow.order.by_child.rows[ROW_ANON].unseen_reused_pages = 2;
	figures = figures_of(CHILD);
	assert_int_equal(figures.total.bound, 5 + 5);
	cow_figures_free(&figures);
	/* A relative that wrote so makes copies of what was re-used. */
	child.cow.order.by_child.rows[ROW_ANON] = (struct capture_order_row){ 250, 50, 0, 0, 0 };
	parent.cow.written_pages = 170;
	parent.cow.order.unsampled_faults = 20;
	figures = figures_of(CHILD);
	assert_int_equal(figures.total.bound, 20 + 3);
	cow_figures_free(&figures);
}

/* Its parent let pages go of which nobody knows when: what it copied may be what it re-used. */
static void what_a_relative_let_go_unwatched_is_in_the_bound(void **state)
{
	struct cow_figures figures;

	(void)state;
	parent.cow.faults_beside_children = 1000;
	parent.cow.unlogged_pages = 30;
	figures = figures_of(CHILD);
	assert_written(&figures.total.sum, 350, 50);
	assert_int_equal(figures.total.bound, 30);
	cow_figures_free(&figures);
}

/* Before it was watched, it wrote ten pages; what is more than that was no memory that a fork had shared. */
static void samples_may_see_more_than_was_watched(void **state)
{
	struct cow_figures figures;

	(void)state;
	parent.cow.faults_beside_children = 1000;
	child.cow.early_faults = 30;
	child.cow.order.by_child.rows[ROW_STACK] = (struct capture_order_row){ 8, 2, 0, 0, 0 };
	child.cow.rows[ROW_STACK] = (struct capture_cow_row){ .inherited_pages = 12, .unshared_pages = 11, .gone_pages = 1 };
	child.cow.inherited_pages += 12;
	figures = figures_of(CHILD);
	assert_written(&figures.total.rows[ROW_STACK], 8, 2);
	assert_int_equal(figures.total.rows[ROW_STACK].unshared, 1); /* the others were written early */
	assert_int_equal(figures.total.rows[ROW_STACK].gone, 1);
	assert_written(&figures.total.sum, 358, 52);
	assert_int_equal(figures.total.bound, 10);
	cow_figures_free(&figures);
	child.cow.order.by_child.rows[ROW_STACK] = (struct capture_order_row){ 480, 20, 0, 0, 0 };
	figures = figures_of(CHILD);
	assert_written(&figures.total.rows[ROW_STACK], 0, 0);
	assert_written(&figures.total.sum, 350, 50);
	assert_true(figures.total.bound >= 50);
	cow_figures_free(&figures);
}

/* Samples know the heap as a whole. */
static void rows_of_the_heap_are_told_apart_while_little_of_it_was_reused(void **state)
{
	struct cow_figures figures;

	(void)state;
	child.cow.order.by_child.rows[ROW_HEAP_LIVE] = (struct capture_order_row){ 92, 8, 0, 0, 0 };
	figures = figures_of(CHILD);
	assert_true(figures.total.heap_split);
	assert_written(&figures.total.rows[ROW_HEAP_LIVE], 52, 8);
	assert_written(&figures.total.rows[ROW_HEAP_FREE], 40, 0);
	cow_figures_free(&figures);
	child.cow.order.by_child.rows[ROW_HEAP_LIVE] = (struct capture_order_row){ 80, 20, 0, 0, 0 };
	figures = figures_of(CHILD);
	assert_false(figures.total.heap_split);
	assert_written(&figures.total.rows[ROW_HEAP_LIVE], 80, 20);
	assert_written(&figures.total.rows[ROW_HEAP_FREE], 0, 0);
	cow_figures_free(&figures);
}

/* What a parent wrote unseen is in one of its forks, and not in each of them. */
static void a_parent_is_off_once(void **state)
{
	struct cow_figures figures;

	(void)state;
	set_child(&other, OTHER);
	parent.cow.own_forks = 2;
	parent.cow.written_pages = 310;
	parent.cow.order.unsampled_faults = 10;
	parent.cow.order.as_parent = (struct capture_order_row){ 220, 80, 0, 0, 0 };
	figures = figures_of(PARENT);
	assert_int_equal(figures.count, 2);
	assert_written(&figures.forks[0].sum, 110, 40);
	assert_int_equal(figures.forks[0].bound, 10 + 10);
	assert_written(&figures.total.sum, 220, 80);
	assert_int_equal(figures.total.bound, 10 + 10);
	cow_figures_free(&figures);
}

/* Of a child that forked itself, what it wrote is known only in all rows together; samples tell the rows. */
static void a_child_that_forked_is_known_by_samples(void **state)
{
	struct cow_figures figures;

	(void)state;
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		child.cow.rows[row].written_pages = CAPTURE_UNKNOWN;
	figures = figures_of(CHILD);
	assert_true(figures.ordered);
	assert_written(&figures.total.rows[ROW_ANON], 250, 50);
	assert_written(&figures.total.sum, 350, 50);
	assert_int_equal(figures.total.bound, 0);
	cow_figures_free(&figures);
	child.cow.written_pages = CAPTURE_UNKNOWN;
	figures = figures_of(CHILD);
	assert_false(figures.ordered);
	cow_figures_free(&figures);
}

static void a_parent_that_ended_before_its_child_is_known_too(void **state)
{
	struct cow_figures figures;

	(void)state;
	parent.end_ns = parent.usage_at_ns = 101 * SECOND + SECOND / 2;
	figures = figures_of(PARENT);
	assert_int_equal(figures.unknown, 0);
	assert_written(&figures.total.sum, 110, 40);
	cow_figures_free(&figures);
}

/* A capture is hostile: figures that cannot be are none. */
static void an_order_that_makes_no_sense_is_none(void **state)
{
	struct cow_figures figures;

	(void)state;
	child.cow.order.by_child.rows[ROW_ANON].copied_pages = UINT64_MAX - 1;
	figures = figures_of(CHILD);
	assert_false(figures.ordered);
	assert_int_equal(figures.total.sum.copied, 400);
	cow_figures_free(&figures);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_and_not_reused_was_copied),
		TEST(without_samples_nothing_is_known_to_be_reused),
		TEST(what_nobody_asked_about_is_in_the_childs_bound),
		TEST(what_the_order_leaves_open_is_in_the_bound),
		TEST(what_no_sample_was_of_is_in_the_bound),
		TEST(what_a_relative_let_go_unwatched_is_in_the_bound),
		TEST(samples_may_see_more_than_was_watched),
		TEST(rows_of_the_heap_are_told_apart_while_little_of_it_was_reused),
		TEST(a_parent_is_off_once),
		TEST(a_child_that_forked_is_known_by_samples),
		TEST(a_parent_that_ended_before_its_child_is_known_too),
		TEST(an_order_that_makes_no_sense_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
