/* SPDX-License-Identifier: MIT */
/*
 * From single images to the process tree. Images of one pid that follow each other by exec are one process. Whoever
 * bore a process may have seen its end, which the dead could not record. A pid may come round again, so relatives are
 * found by pid and time. An order by (start, index) keeps the tree free of cycles whatever the files say.
 *
 * A process that was seen but not recorded gets an image without a capture.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "escape.h"
#include "figures.h"
#include "live.h"
#include "memory.h"
#include "program.h"
#include "recording.h"

#define TICKS_NS     20000000ULL        /* error of the kernel's start times, two ticks of 10 ms */
#define RUNNER_BYTES (16ULL << 20)      /* more than `pagegap run` has resident: see own_peak */

/* First images of processes, by pid and start. */
struct heads {
	size_t *index;
	size_t  count;
	bool   *claimed;        /* some parent's table has it */
};

static int by_pid_and_start(const void *a, const void *b)
{
	const struct image *first = a, *second = b;

	if (first->pid != second->pid)
		return first->pid < second->pid ? -1 : 1;
	if (first->start_ns != second->start_ns)
		return first->start_ns < second->start_ns ? -1 : 1;
	return first->number < second->number ? -1 : first->number > second->number;
}

size_t recording_last(const struct recording *recording, size_t index)
{
	while (recording->images[index].next != NO_IMAGE)
		index = recording->images[index].next;
	return index;
}

size_t recording_find(const struct recording *recording, uint32_t pid)
{
	size_t found = NO_IMAGE;

	for (size_t i = 0; i < recording->count; i++) {
		const struct image *image = &recording->images[i];

		if (image->pid == pid && image->next == NO_IMAGE &&
		    (found == NO_IMAGE || recording->images[found].start_ns <= image->start_ns))
			found = i;
	}
	return found;
}

/* Chains: images are sorted, so that a predecessor stands just before its successor. */
static void link_images(struct recording *recording)
{
	for (size_t i = 1; i < recording->count; i++) {
		struct image *before = &recording->images[i - 1], *image = &recording->images[i];
		bool unbegun = image->start_ns == CAPTURE_UNKNOWN;

		if (before->pid != image->pid || image->number <= before->number)
			continue;
		if (before->end != END_EXEC && !(before->end == END_LOST && image->born == BORN_EXEC))
			continue;
		if (image->born != BORN_EXEC && !unbegun)
			continue;
		image->born = BORN_EXEC;
		if (before->end == END_LOST)
			before->end_ns = image->start_ns;
		before->end = END_EXEC;
		image->previous = i - 1;
		before->next = i;
	}
}

/* What an image without a capture was executed from, if that is known. */
static void describe_unrecorded(struct image *image, const char *exec_path)
{
	char *found;

	image->command = exec_path ? escape_argument(exec_path, strlen(exec_path)) : memory_copy("", 0);
	found = exec_path ? program_find(exec_path) : NULL;
	if (found)
		image->reason = program_reach(found, &image->exe);
	free(found);
}

/* An image that was executed and left no capture. */
static void add_unrecorded_exec(struct recording *recording, size_t from)
{
	size_t index = recording_new_image(recording);
	struct image *image = &recording->images[index], *before = &recording->images[from];

	describe_unrecorded(image, before->exec_path);
	image->pid = before->pid;
	image->parent_pid = before->parent_pid;
	image->number = before->number + 1;
	image->born = BORN_EXEC;
	image->start_ns = before->end_ns;
	image->previous = from;
	before->next = index;
}

static void find_running(struct recording *recording)
{
	for (size_t i = 0; i < recording->count; i++) {
		struct image *image = &recording->images[i];

		if (image->end != END_LOST || image->next != NO_IMAGE)
			continue;
		if (image->file && image->start_ns != CAPTURE_UNKNOWN && !image->traced) {
			if (!live_maps_file((pid_t)image->pid, image->device, image->inode))
				continue;
		} else {
			uint64_t began = live_start_ns((pid_t)image->pid);

			if (began == CAPTURE_UNKNOWN || image->start_ns == CAPTURE_UNKNOWN ||
			    began > image->start_ns + TICKS_NS)
				continue;
		}
		image->end = END_RUNNING;
		live_usage((pid_t)image->pid, &image->total);
	}
}

static struct heads find_heads(const struct recording *recording)
{
	struct heads heads = { .index = memory_get(recording->count * sizeof(size_t)) };

	for (size_t i = 0; i < recording->count; i++)
		if (recording->images[i].previous == NO_IMAGE)
			heads.index[heads.count++] = i;
	heads.claimed = memory_get(heads.count);
	return heads;
}

/* The first head with this pid, or heads.count. */
static size_t first_with_pid(const struct recording *recording, const struct heads *heads, uint32_t pid)
{
	size_t low = 0, high = heads->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (recording->images[heads->index[middle]].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < heads->count && recording->images[heads->index[low]].pid == pid ? low : heads->count;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static bool before_in_order(const struct recording *recording, size_t a, size_t b)
{
	uint64_t first = recording->images[a].start_ns, second = recording->images[b].start_ns;

	return first < second || (first == second && a < b);
}

/* An entry of whoever waited for a process that it had not seen born: its parent, or who took it over as an orphan. */
static bool is_end_alone(const struct capture_child *child)
{
	return !child->born_at_ns;
}

/* The head that an entry speaks of: began before it was waited for, and nearest to its birth. */
static size_t match_child(const struct recording *recording, const struct heads *heads, size_t parent,
			  const struct capture_child *child)
{
	const uint64_t near = is_end_alone(child) ? child->waited_at_ns : child->born_at_ns;
	size_t best = heads->count;

	for (size_t i = first_with_pid(recording, heads, child->pid);
	     i < heads->count && recording->images[heads->index[i]].pid == child->pid; i++) {
		uint64_t start = recording->images[heads->index[i]].start_ns;

		if (!before_in_order(recording, parent, heads->index[i]) || (heads->claimed[i] && !is_end_alone(child)))
			continue;
		if (child->waited_at_ns && start != CAPTURE_UNKNOWN && start > child->waited_at_ns)
			continue;
		if (best == heads->count ||
		    distance(start, near) <= distance(recording->images[heads->index[best]].start_ns, near))
			best = i;
	}
	return best;
}

/* The kernel's word, by way of whoever waited. */
static void end_by_status(struct image *image, const struct capture_child *child)
{
	enum end_kind kind;
	int code;

	if (!child->waited_at_ns || child->waited_at_ns == CAPTURE_UNKNOWN)
		return;
	if (WIFSIGNALED(child->status)) {
		kind = END_SIGNAL;
		code = WTERMSIG(child->status);
	} else if (WIFEXITED(child->status)) {
		kind = END_EXIT;
		code = WEXITSTATUS(child->status);
	} else {
		return;
	}
	if (image->end == kind && image->code == code && image->end_ns != CAPTURE_UNKNOWN)
		return;
	image->end = kind;
	image->code = code;
	if (image->end_ns == CAPTURE_UNKNOWN) {
		image->end_ns = child->waited_at_ns;
		image->end_by_parent = true;
	}
}

static size_t births_by(const struct image *parent, uint32_t born)
{
	size_t count = 0;

	for (size_t i = 0; i < parent->children_used; i++)
		count += parent->children[i].born == born;
	return count;
}

/*
 * A child that its parent saw and that left no capture. What it executed is known only if the parent's memory was still
 * shared with it (vfork), and no other such child came after it.
 */
static void add_unrecorded_child(struct recording *recording, size_t parent_index, const struct capture_child *child)
{
	size_t index = recording_new_image(recording);
	struct image *image = &recording->images[index], *parent = &recording->images[parent_index];
	bool known = child->born == BORN_VFORK && parent->end != END_EXEC && births_by(parent, BORN_VFORK) == 1;

	describe_unrecorded(image, known ? parent->exec_path : NULL);
	image->pid = child->pid;
	image->parent_pid = parent->pid;
	image->born = child->born;
	image->start_ns = child->born_at_ns && child->born_at_ns != CAPTURE_UNKNOWN ? child->born_at_ns
										    : CAPTURE_UNKNOWN;
	image->parent = parent_index;
	end_by_status(image, child);
}

/* First those whose births were seen; then the ends that others saw belong to them. */
static void link_children(struct recording *recording, struct heads *heads, size_t recorded, bool ends_alone)
{
	for (size_t i = 0; i < recorded; i++)
		for (size_t c = 0; c < recording->images[i].children_used; c++) {
			const struct capture_child child = recording->images[i].children[c];
			size_t match;

			if (is_end_alone(&child) != ends_alone)
				continue;
			match = match_child(recording, heads, i, &child);
			if (match == heads->count) {
				add_unrecorded_child(recording, i, &child);
				continue;
			}
			if (!ends_alone) {
				heads->claimed[match] = true;
				recording->images[heads->index[match]].parent = i;
			}
			end_by_status(&recording->images[recording_last(recording, heads->index[match])], &child);
		}
}

/* By the parent's pid alone: the newest process with it that was there before the child. */
static void link_orphans(struct recording *recording, const struct heads *heads)
{
	for (size_t h = 0; h < heads->count; h++) {
		size_t child = heads->index[h], found = NO_IMAGE;

		if (recording->images[child].parent != NO_IMAGE)
			continue;
		for (size_t i = first_with_pid(recording, heads, recording->images[child].parent_pid);
		     i < heads->count && recording->images[heads->index[i]].pid == recording->images[child].parent_pid;
		     i++)
			for (size_t at = heads->index[i]; at != NO_IMAGE; at = recording->images[at].next)
				if (before_in_order(recording, at, child) && recording->images[at].file)
					found = at;
		recording->images[child].parent = found;
	}
}

struct birth {
	uint64_t start_ns;
	size_t   index;
};

static int by_birth(const void *a, const void *b)
{
	const struct birth *first = a, *second = b;

	if (first->start_ns != second->start_ns)
		return first->start_ns < second->start_ns ? -1 : 1;
	return first->index < second->index ? -1 : first->index > second->index;
}

/* Children under their parents, in order of birth; the first of those without a parent that was started is the root. */
static void build_tree(struct recording *recording)
{
	struct birth *births = memory_get(recording->count * sizeof(births[0]));
	size_t count = 0, last_root = NO_IMAGE;

	for (size_t i = 0; i < recording->count; i++)
		if (recording->images[i].previous == NO_IMAGE)
			births[count++] = (struct birth){ recording->images[i].start_ns, i };
	qsort(births, count, sizeof(births[0]), by_birth);
	recording->root = recording->first_root = NO_IMAGE;
	for (size_t i = 0; i < count; i++) {
		struct image *image = &recording->images[births[i].index];
		struct image *parent = image->parent == NO_IMAGE ? NULL : &recording->images[image->parent];
		size_t *last = parent ? &parent->last_child : &last_root;

		if (*last != NO_IMAGE)
			recording->images[*last].sibling = births[i].index;
		else if (parent)
			parent->first_child = births[i].index;
		else
			recording->first_root = births[i].index;
		*last = births[i].index;
		if (!parent && image->born == BORN_START && recording->root == NO_IMAGE)
			recording->root = births[i].index;
	}
	if (recording->root == NO_IMAGE)
		recording->root = recording->first_root;
	free(births);
}

static void own_usage(struct image *image, const struct image *before)
{
	const uint64_t *total = (const uint64_t *)&image->total, *earlier = (const uint64_t *)&before->total;
	uint64_t *own = (uint64_t *)&image->own;

	for (size_t i = 0; i < sizeof(image->own) / sizeof(uint64_t); i++)
		own[i] = figure_less(total[i], earlier[i]);
}

/*
 * At an exec the kernel carries the old memory's peak over into ru_maxrss (fs/exec.c, setmax_mm_hiwater_rss). After
 * vfork that was the parent's memory, after a start the runner's. A figure above that is the image's own.
 */
static void own_peak(const struct recording *recording, struct image *image)
{
	uint64_t carried = 0;

	if (image->born == BORN_EXEC)
		carried = image->previous == NO_IMAGE ? CAPTURE_UNKNOWN
						      : recording->images[image->previous].max_rss_bytes;
	else if (image->born == BORN_START)
		carried = RUNNER_BYTES;
	else if (image->born != BORN_FORK)
		carried = image->parent == NO_IMAGE ? CAPTURE_UNKNOWN : recording->images[image->parent].max_rss_bytes;
	if (image->max_rss_bytes == CAPTURE_UNKNOWN)
		return;
	if (image->peak_resident_bytes == CAPTURE_UNKNOWN && image->born == BORN_START)
		carried = 0; /* all that is known of a program that was not observed */
	if (carried != CAPTURE_UNKNOWN && image->max_rss_bytes > carried)
		image->peak_resident_bytes = image->max_rss_bytes;
}

void recording_link(struct recording *recording)
{
	size_t recorded = recording->count;
	struct heads heads;

	qsort(recording->images, recording->count, sizeof(recording->images[0]), by_pid_and_start);
	link_images(recording);
	heads = find_heads(recording);
	for (size_t i = 0; i < recorded; i++)
		if (recording->images[i].end == END_EXEC && recording->images[i].next == NO_IMAGE)
			add_unrecorded_exec(recording, i);
	link_children(recording, &heads, recording->count, false);
	link_children(recording, &heads, recording->count, true);
	link_orphans(recording, &heads);
	find_running(recording);
	build_tree(recording);
	for (size_t i = 0; i < recording->count; i++) {
		struct image *image = &recording->images[i];

		image->since_ns = image->start_ns;
		if (image->previous == NO_IMAGE) {
			image->own = image->total;
		} else {
			own_usage(image, &recording->images[image->previous]);
			if (recording->images[image->previous].end_ns < image->start_ns)
				image->since_ns = recording->images[image->previous].end_ns;
		}
		own_peak(recording, image);
	}
	free(heads.index);
	free(heads.claimed);
}
