/* SPDX-License-Identifier: MIT */
/*
 * From captures to the process tree: who bore whom, how they ended, and whose time is whose.
 * links: report
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>

#include "../../report/complain.h"
#include "../../report/figures.h"
#include "../../report/recording.h"
#include "report_synthetic.h"

#define EXITED(status)   ((status) << 8)
#define KILLED(number)   (number)
#define AT(seconds)      ((seconds) * SECOND)

/* Pids that no process has: above the largest that the kernel gives (proc(5), pid_max). */
#define PID(n) (5000000u + (n))

static void add(struct recording *recording, struct capture *c)
{
	char name[64];

	snprintf(name, sizeof(name), "%u.%u.capture", c->pid, c->image_number);
	assert_true(recording_add(recording, name, c));
}

static struct capture *image(uint32_t pid, uint32_t parent, uint32_t number, uint32_t born, uint64_t start)
{
	static struct capture c;

	synthetic_capture(&c, pid, parent, number, born, start);
	return &c;
}

static const struct image *found(const struct recording *recording, uint32_t pid)
{
	size_t index = recording_find(recording, pid);

	assert_true(index != NO_IMAGE);
	return &recording->images[index];
}

static void an_exec_continues_its_process(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));
	const struct image *last;

	(void)state;
	c->ended = ENDED_EXEC;
	c->end_ns = AT(11);
	add(recording, c);
	c = image(PID(1), 1, 1, BORN_EXEC, AT(11) + 5000);
	c->end_ns = AT(15);
	c->user_ns = AT(3);
	c->minor_faults = 9000;
	add(recording, c);
	recording_link(recording);
	last = found(recording, PID(1));
	assert_int_equal(recording->count, 2);
	assert_int_equal(last->number, 1);
	assert_int_equal(recording->images[last->previous].end, END_EXEC);
	assert_int_equal(last->own.user_ns, AT(3) - SECOND / 2);        /* without its predecessor's */
	assert_int_equal(last->own.minor_faults, 5000);
	assert_int_equal(figures_wall(last), AT(4));                    /* from the exec, as the usage is */
	assert_int_equal(recording->root, last->previous);
	recording_close(recording);
}

static void a_death_by_signal_is_known_from_whoever_waited(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));
	const struct image *child;

	(void)state;
	synthetic_child(c, 0, PID(2), BORN_FORK, AT(11), AT(14), KILLED(9));
	add(recording, c);
	c = image(PID(2), PID(1), 0, BORN_FORK, AT(11) - 1000); /* it ran before its parent came to note it */
	c->ended = ENDED_NOT;
	c->end_ns = 0;
	add(recording, c);
	recording_link(recording);
	child = found(recording, PID(2));
	assert_int_equal(child->end, END_SIGNAL);
	assert_int_equal(child->code, 9);
	assert_true(child->end_by_parent);
	assert_int_equal(child->end_ns, AT(14));
	assert_int_equal(recording->images[child->parent].pid, PID(1));
	recording_close(recording);
}

static void a_signal_after_the_last_word_wins(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));

	(void)state;
	synthetic_child(c, 0, PID(2), BORN_FORK, AT(11), AT(14), KILLED(6));
	add(recording, c);
	add(recording, image(PID(2), PID(1), 0, BORN_FORK, AT(11)));
	recording_link(recording);
	assert_int_equal(found(recording, PID(2))->end, END_SIGNAL);
	assert_int_equal(found(recording, PID(2))->end_ns, AT(12));
	assert_false(found(recording, PID(2))->end_by_parent);
	recording_close(recording);
}

static void without_a_witness_the_end_is_lost(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));

	(void)state;
	c->ended = ENDED_NOT;
	add(recording, c);
	recording_link(recording);
	assert_int_equal(found(recording, PID(1))->end, END_LOST);
	assert_true(figures_wall(found(recording, PID(1))) == CAPTURE_UNKNOWN);
	recording_close(recording);
}

static void a_child_without_a_capture_is_in_the_tree(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10)), *loaded = malloc(sizeof(*loaded));
	const struct image *child;

	(void)state;
	synthetic_child(c, 0, PID(2), BORN_SPAWN, AT(11), AT(12), EXITED(3));
	add(recording, c);
	recording_link(recording);
	assert_int_equal(recording->count, 2);
	child = found(recording, PID(2));
	assert_null(child->file);
	assert_int_equal(child->end, END_EXIT);
	assert_int_equal(child->code, 3);
	assert_int_equal(child->born, BORN_SPAWN);
	assert_int_equal(recording->images[child->parent].pid, PID(1));
	assert_true(recording_load(recording, recording_find(recording, PID(2)), loaded));
	assert_false(figures_observed(loaded));
	assert_int_equal(loaded->has_heap, 0);
	free(loaded);
	recording_close(recording);
}

static void an_exec_that_left_no_capture_is_explained_by_its_file(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));
	const struct image *last;

	(void)state;
	c->ended = ENDED_EXEC;
	strcpy(c->exec_path, "/nonexistent/program");
	add(recording, c);
	recording_link(recording);
	last = found(recording, PID(1));
	assert_int_equal(recording->count, 2);
	assert_int_equal(last->number, 1);
	assert_int_equal(last->born, BORN_EXEC);
	assert_string_equal(last->command, "/nonexistent/program");
	assert_int_equal(last->reason, NOTE_NONE); /* the file tells nothing */
	assert_true(last->own.user_ns == CAPTURE_UNKNOWN);
	recording_close(recording);
}

static void a_pid_that_comes_round_again_is_another_process(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));
	const struct image *second;

	(void)state;
	c->end_ns = AT(90);
	synthetic_child(c, 0, PID(2), BORN_FORK, AT(11), AT(13), KILLED(15));
	synthetic_child(c, 1, PID(2), BORN_FORK, AT(50), AT(53), EXITED(4));
	add(recording, c);
	c = image(PID(2), PID(1), 0, BORN_FORK, AT(11));
	c->ended = ENDED_NOT;
	add(recording, c);
	c = image(PID(2), PID(1), 1, BORN_FORK, AT(50)); /* the name of the first was taken */
	c->ended = ENDED_NOT;
	add(recording, c);
	recording_link(recording);
	assert_int_equal(recording->count, 3);
	second = found(recording, PID(2));
	assert_int_equal(second->number, 1);
	assert_int_equal(second->previous, NO_IMAGE);
	assert_int_equal(second->end, END_EXIT);
	assert_int_equal(second->code, 4);
	for (size_t i = 0; i < recording->count; i++)
		if (recording->images[i].pid == PID(2) && recording->images[i].number == 0) {
			assert_int_equal(recording->images[i].end, END_SIGNAL);
			assert_int_equal(recording->images[i].code, 15);
		}
	recording_close(recording);
}

static void an_orphan_is_found_by_its_parents_pid(void **state)
{
	struct recording *recording = recording_new("memory");

	(void)state;
	add(recording, image(PID(1), 1, 0, BORN_START, AT(10)));
	add(recording, image(PID(2), PID(1), 0, BORN_FORK, AT(11)));
	add(recording, image(PID(3), PID(2), 0, BORN_FORK, AT(12)));
	recording_link(recording);
	assert_int_equal(recording->images[found(recording, PID(3))->parent].pid, PID(2));
	assert_int_equal(recording->images[found(recording, PID(2))->parent].pid, PID(1));
	assert_int_equal(found(recording, PID(1))->parent, NO_IMAGE);
	recording_close(recording);
}

/* Whoever takes orphans over learns of their ends alone. */
static void an_orphan_that_was_killed_is_its_parents_child(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));
	const struct image *orphan;

	(void)state;
	synthetic_child(c, 0, PID(2), BORN_FORK, AT(11), AT(13), EXITED(0));
	synthetic_child(c, 1, PID(3), BORN_UNKNOWN, 0, AT(14), KILLED(9));
	add(recording, c);
	c = image(PID(2), PID(1), 0, BORN_FORK, AT(11));
	synthetic_child(c, 0, PID(3), BORN_FORK, AT(12), 0, 0);
	add(recording, c);
	c = image(PID(3), PID(2), 0, BORN_FORK, AT(12));
	c->ended = ENDED_NOT;
	c->end_ns = 0;
	add(recording, c);
	recording_link(recording);
	orphan = found(recording, PID(3));
	assert_int_equal(recording->count, 3);
	assert_int_equal(recording->images[orphan->parent].pid, PID(2));
	assert_int_equal(orphan->end, END_SIGNAL);
	assert_int_equal(orphan->end_ns, AT(14));
	recording_close(recording);
}

static void lies_about_parents_make_no_circle(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), PID(2), 0, BORN_FORK, AT(10));
	size_t steps = 0;

	(void)state;
	synthetic_child(c, 0, PID(2), BORN_FORK, AT(10), 0, 0);
	synthetic_child(c, 1, PID(1), BORN_FORK, AT(10), 0, 0);
	add(recording, c);
	c = image(PID(2), PID(1), 0, BORN_FORK, AT(10));
	synthetic_child(c, 0, PID(1), BORN_FORK, AT(10), 0, 0);
	add(recording, c);
	recording_link(recording);
	for (size_t i = 0; i < recording->count; i++)
		for (size_t at = i; at != NO_IMAGE && steps < 1000; at = recording->images[at].parent)
			steps++;
	assert_true(steps < 1000);
	assert_true(recording->root != NO_IMAGE);
	recording_close(recording);
}

static void a_peak_that_the_exec_carried_over_is_not_the_images_own(void **state)
{
	struct recording *recording = recording_new("memory");
	struct capture *c = image(PID(1), 1, 0, BORN_START, AT(10));

	(void)state;
	c->ended = ENDED_EXEC;
	c->max_rss_bytes = 900 * MIB;
	add(recording, c);
	c = image(PID(1), 1, 1, BORN_EXEC, AT(12));
	c->max_rss_bytes = 900 * MIB;
	add(recording, c);
	recording_link(recording);
	assert_true(found(recording, PID(1))->peak_resident_bytes < 100 * MIB);
	recording_close(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exec_continues_its_process),
		cmocka_unit_test(a_death_by_signal_is_known_from_whoever_waited),
		cmocka_unit_test(a_signal_after_the_last_word_wins),
		cmocka_unit_test(without_a_witness_the_end_is_lost),
		cmocka_unit_test(a_child_without_a_capture_is_in_the_tree),
		cmocka_unit_test(an_exec_that_left_no_capture_is_explained_by_its_file),
		cmocka_unit_test(a_pid_that_comes_round_again_is_another_process),
		cmocka_unit_test(an_orphan_is_found_by_its_parents_pid),
		cmocka_unit_test(an_orphan_that_was_killed_is_its_parents_child),
		cmocka_unit_test(lies_about_parents_make_no_circle),
		cmocka_unit_test(a_peak_that_the_exec_carried_over_is_not_the_images_own),
	};

	complain_fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
