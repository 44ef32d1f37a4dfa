/* SPDX-License-Identifier: MIT */
/*
 * The process tree: one line for each image, how it was born and ended, its time and its command, and one for what a
 * fork shared. Long trees are folded: the first ones and those that ended badly are shown, the rest is counted by name.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "program.h"
#include "report_text.h"

#define FOLD_AT     24          /* lines; longer trees are folded */
#define ALWAYS      12          /* the first lines, shown in any case */
#define NAMES_SHOWN 8
#define DEEPEST     8           /* indentation stops here */

struct line {
	size_t index;
	unsigned depth;
};

struct lines {
	struct line *line;
	size_t count, room;
};

static void add_line(struct lines *lines, size_t index, unsigned depth)
{
	if (lines->count == lines->room) {
		lines->room = lines->room ? lines->room * 2 : 64;
		lines->line = memory_more(lines->line, lines->room * sizeof(lines->line[0]));
	}
	lines->line[lines->count++] = (struct line){ index, depth };
}

struct frame {
	size_t index, child;
	unsigned depth;
};

/* Walks a process and what it bore, without recursion: a recording may hold a chain of any length. */
static void walk(const struct recording *recording, size_t head, struct lines *lines)
{
	struct frame *stack = memory_get(sizeof(*stack)), *top;
	size_t used = 1, room = 1;

	stack[0] = (struct frame){ head, recording->images[head].first_child, 0 };
	add_line(lines, head, 0);
	while (used) {
		top = &stack[used - 1];
		if (top->child != NO_IMAGE) {
			size_t child = top->child;

			top->child = recording->images[child].sibling;
			if (used == room) {
				room *= 2;
				stack = memory_more(stack, room * sizeof(*stack));
			}
			stack[used] = (struct frame){ child, recording->images[child].first_child,
						      stack[used - 1].depth + 1 };
			add_line(lines, child, stack[used].depth);
			used++;
		} else if (recording->images[top->index].next != NO_IMAGE) {
			top->index = recording->images[top->index].next;
			top->child = recording->images[top->index].first_child;
			add_line(lines, top->index, top->depth);
		} else {
			used--;
		}
	}
	free(stack);
}

static bool ended_badly(const struct image *image)
{
	return image->end == END_SIGNAL || image->end == END_LOST;
}

static const char *end_word(const struct image *image, char *place, size_t room)
{
	if (image->end == END_SIGNAL && sigabbrev_np(image->code))
		snprintf(place, room, "SIG%s", sigabbrev_np(image->code));
	else if (image->end == END_SIGNAL)
		snprintf(place, room, "signal %d", image->code);
	else if (image->end == END_EXIT)
		snprintf(place, room, "exit %d", image->code);
	else
		strcpy(place, image->end == END_EXEC ? "exec" : image->end == END_RUNNING ? "running" : "lost");
	return place;
}

/* The command without the directory of its first word. */
static const char *without_directory(const char *command)
{
	size_t length = strcspn(command, " ");
	const char *slash = memrchr(command, '/', length);

	return slash && slash + 1 < command + length ? slash + 1 : command;
}

static void print_line(struct page *page, const struct subject *subject, const struct line *line)
{
	const struct recording *recording = subject->recording;
	uint64_t origin_ns = recording->images[recording->root].start_ns;
	const struct image *image = &recording->images[line->index];
	const char *command = *image->command ? without_directory(image->command) : "(command unknown)";
	char end[24];
	char *birth = text_birth(page, subject, line->index), *reason = text_death_reason(page, recording, image);
	char *text = memory_format("%9" PRIu32 "  %-5s %8s %8s %8s  %-8s  %*s%s", image->pid, text_born(image->born),
				   figure_time(figure_less(image->start_ns, origin_ns), false).text,
				   figure_time(figures_wall(image), false).text,
				   figure_time(figure_sum(image->own.user_ns, image->own.system_ns), false).text,
				   end_word(image, end, sizeof(end)),
				   (int)(line->depth > DEEPEST ? DEEPEST : line->depth), "", command);

	if (ended_badly(image))
		page_unusual(page, "%s", text);
	else
		page_line(page, "%s", text);
	free(text);
	if (reason)
		page_unusual_paragraph(page, 11, 13, "%s", reason);
	free(reason);
	if (birth)
		page_paragraph(page, 11, 13, "%s", birth);
	free(birth);
	if (image->reason)
		page_unusual_paragraph(page, 11, 11, "%s", note_text(image->reason));
	else if (!image->file)
		page_unusual_paragraph(page, 11, 11, "not recorded; why is not known");
}

static char *short_name(const struct image *image)
{
	const char *name = without_directory(image->command);
	size_t length = strcspn(name, " ");

	return length ? memory_copy(name, length) : memory_copy("(unknown)", 9);
}

struct tally {
	char  *name;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tally *)a)->name, ((const struct tally *)b)->name);
}

static int by_count(const void *a, const void *b)
{
	const struct tally *first = a, *second = b;

	if (first->count != second->count)
		return first->count > second->count ? -1 : 1;
	return strcmp(first->name, second->name);
}

/* "1,960 more: 1,900 true, 60 grep" */
static void print_folded(struct page *page, struct tally *tallies, size_t count)
{
	size_t kinds = 0, others = 0;
	char *text;

	if (!count)
		return;
	text = memory_format("%s more: ", COUNT(count));
	qsort(tallies, count, sizeof(tallies[0]), by_name);
	for (size_t i = 0; i < count; i++) {
		if (kinds && !strcmp(tallies[kinds - 1].name, tallies[i].name)) {
			tallies[kinds - 1].count++;
			free(tallies[i].name);
		} else {
			tallies[kinds++] = tallies[i];
		}
	}
	qsort(tallies, kinds, sizeof(tallies[0]), by_count);
	for (size_t i = 0; i < kinds; i++) {
		if (i < NAMES_SHOWN)
			memory_append(&text, "%s%s %s", i ? ", " : "", COUNT(tallies[i].count), tallies[i].name);
		else
			others += tallies[i].count;
		free(tallies[i].name);
	}
	if (others)
		memory_append(&text, ", %s others", COUNT(others));
	page_paragraph(page, 11, 11, "%s (--all shows them)", text);
	free(text);
}

static void print_lines(struct page *page, const struct subject *subject, const struct lines *lines)
{
	const struct recording *recording = subject->recording;
	struct tally *folded = memory_get(lines->count * sizeof(folded[0]));
	size_t shown = 0, count = 0;
	bool fold = lines->count > FOLD_AT && !subject->options->all;

	for (size_t i = 0; i < lines->count; i++) {
		const struct image *image = &recording->images[lines->line[i].index];

		if (!fold || i < ALWAYS || (shown < FOLD_AT && (ended_badly(image) || !image->file))) {
			print_line(page, subject, &lines->line[i]);
			shown++;
		} else {
			folded[count++] = (struct tally){ short_name(image), 1 };
		}
	}
	print_folded(page, folded, count);
	free(folded);
}

/* A figure that single processes do not know makes the sum a lower bound. */
static void add_known(uint64_t *sum, uint64_t figure, bool *all)
{
	if (figure == CAPTURE_UNKNOWN)
		*all = false;
	else
		*sum = figure_sum(*sum, figure);
}

static void print_together(struct page *page, const struct recording *recording, const struct lines *lines)
{
	uint64_t user = 0, system = 0;
	size_t processes = 0;
	bool all = true;

	for (size_t i = 0; i < lines->count; i++) {
		const struct image *image = &recording->images[lines->line[i].index];

		processes += image->previous == NO_IMAGE;
		add_known(&user, image->own.user_ns, &all);
		add_known(&system, image->own.system_ns, &all);
	}
	page_section(page, "Processes", "%s in %s images; together %suser %s, system %s", COUNT(processes),
		     COUNT(lines->count), all ? "" : "at least ", TIME(user), TIME(system));
	page_line(page, "%9s  %-5s %8s %8s %8s  %-8s  %s", "pid", "born", "at", "lived", "cpu", "end", "command");
}

void text_processes(struct page *page, const struct subject *subject)
{
	const struct recording *recording = subject->recording;
	struct lines lines = { 0 };
	size_t head = subject->index;

	if (subject->image->next != NO_IMAGE)
		return; /* on the page of the process's last image */
	while (recording->images[head].previous != NO_IMAGE)
		head = recording->images[head].previous;
	if (head == recording->root)
		for (size_t i = recording->first_root; i != NO_IMAGE; i = recording->images[i].sibling)
			walk(recording, i, &lines);
	else
		walk(recording, head, &lines);
	if (lines.count > 1) {
		print_together(page, recording, &lines);
		print_lines(page, subject, &lines);
	}
	if (subject->capture->children_born != CAPTURE_UNKNOWN && subject->capture->children_born > CAPTURE_CHILDREN)
		page_under(page, "of its %s children the last %d are known to it",
			   COUNT(subject->capture->children_born), CAPTURE_CHILDREN);
	free(lines.line);
}
