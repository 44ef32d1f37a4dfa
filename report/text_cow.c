/* SPDX-License-Identifier: MIT */
/* What a fork shared, and what of it did not stay shared. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cow_cause.h"
#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "rows.h"

#define SHOWN 6 /* children on the parent's page */
#define REGIONS_SHOWN 5
#define WORTH_PAGES   64 /* a region of which less was copied, … */
#define WORTH_SHARE   50 /* … or less than 1/50 of all that was, is not worth a line */

static uint64_t bytes(const struct subject *subject, uint64_t pages)
{
	return pages == CAPTURE_UNKNOWN ? pages : pages * subject->capture->page_size;
}

/* The rows that lost their sharing, the largest first. */
static void add_rows(char **line, const struct page *page, const struct subject *subject, const struct cow_fork *fork)
{
	uint64_t pages[CAPTURE_ROWS];
	enum capture_row order[CAPTURE_ROWS];
	size_t used;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		pages[row] = fork->rows[row].copied;
	used = rows_by_size(pages, order);
	for (size_t i = 0; i < used; i++)
		memory_append(line, "%s%s %s", i ? ", " : ": ", BYTES(bytes(subject, pages[order[i]])),
			      order[i] == ROW_HEAP_LIVE && fork->heap_split ? "heap live" : row_names[order[i]]);
}

/* The fork is as the child sees it; @subject: that child, or its parent. */
static void add_cause(char **line, const struct subject *subject, const struct cow_fork *fork)
{
	const struct capture *capture = subject->capture;

	switch (cow_cause(subject->recording, fork, capture->allocator, capture->exe)) {
	case CAUSE_FREE_LISTS:
		memory_append(line, "; why: %s writes its lists of free blocks into the blocks, of which it freed %s",
			      !strcmp(capture->allocator, "glibc") ? "glibc" : "its allocator",
			      COUNT(subject->recording->images[fork->child].frees));
		break;
	case CAUSE_REFERENCE_COUNTS:
		memory_append(line, "; why: CPython counts references inside the objects, so that whoever "
			      "reads one writes to its page");
		break;
	case CAUSE_UNKNOWN:
		break;
	}
}

static char *describe(const struct page *page, const struct subject *subject, const struct cow_fork *fork,
		      const char *by)
{
	char *line = memory_format("inherited %s", BYTES(bytes(subject, fork->sum.inherited)));

	if (fork->sum.still_shared == CAPTURE_UNKNOWN)
		return line;
	memory_append(&line, ", still shared %s %s", fork->early ? "at the last look" : "at the end",
		      BYTES(bytes(subject, fork->sum.still_shared)));
	if (fork->sum.copied == CAPTURE_UNKNOWN) {
		memory_append(&line, fork->outlived ? "; what was copied is not known, for its parent ended before it" :
						      "; smaps alone does not tell what was copied");
		return line;
	}
	if (fork->sum.gone && fork->sum.gone != CAPTURE_UNKNOWN)
		memory_append(&line, ", given back %s", BYTES(bytes(subject, fork->sum.gone)));
	memory_append(&line, ", copied by %s %s", fork->watched || fork->ordered ? (fork->side_child ? "it" : "this process") : by,
		      BYTES(bytes(subject, fork->sum.copied)));
	add_rows(&line, page, subject, fork);
	if (fork->sum.unshared && fork->sum.unshared != CAPTURE_UNKNOWN)
		memory_append(&line, "; %s more are its alone, for its relatives copied, left or ended",
			      BYTES(bytes(subject, fork->sum.unshared)));
	if (fork->ordered && fork->sum.reused)
		memory_append(&line, "; re-used what nobody else had any more, %s", BYTES(bytes(subject, fork->sum.reused)));
	if ((fork->watched || fork->ordered) && fork->bound && fork->bound != CAPTURE_UNKNOWN)
		memory_append(&line, fork->ordered ? "; off by at most %s" : "; at most %s of that are the other's, or were re-used",
			      BYTES(bytes(subject, fork->bound)));
	add_cause(&line, subject, fork);
	return line;
}

/* A fork from its parent's point of view: what the child did, and then what the parent did. */
static char *describe_child(const struct page *page, const struct subject *subject, const struct cow_fork *fork)
{
	struct cow_figures child;
	char *line;

	if (!fork->watched && !fork->ordered)
		return describe(page, subject, fork, "it or by this process");
	child = cow_figures(subject->recording, fork->child);
	line = describe(page, subject, &child.forks[0], "it");
	if (fork->sum.copied != CAPTURE_UNKNOWN) {
		memory_append(&line, "; copied by this process %s", BYTES(bytes(subject, fork->sum.copied)));
		add_rows(&line, page, subject, fork);
		if (fork->ordered && fork->sum.reused)
			memory_append(&line, "; re-used %s", BYTES(bytes(subject, fork->sum.reused)));
	}
	cow_figures_free(&child);
	return line;
}

static void print_children(struct page *page, const struct subject *subject, struct cow_fork *forks, size_t count)
{
	size_t known = 0, shown = subject->options->all ? SIZE_MAX : SHOWN;

	qsort(forks, count, sizeof(forks[0]), cow_fork_by_copied);
	while (known < count && forks[known].sum.still_shared != CAPTURE_UNKNOWN)
		known++;
	page_section(page, "Forks", "%zu; of %zu it is known what stayed shared", count, known);
	for (size_t i = 0; i < known && i < shown; i++) {
		char *line = describe_child(page, subject, &forks[i]);

		page_paragraph(page, 2, PAGE_SECTION, "%-*" PRIu32 "%s", PAGE_SECTION - 2,
			       subject->recording->images[forks[i].child].pid, line);
		free(line);
	}
	if (known > shown)
		page_line(page, "  and %zu more (--all)", known - shown);
}

char *text_birth(const struct page *page, const struct subject *subject, size_t index)
{
	struct cow_figures figures = cow_figures(subject->recording, index);
	const struct cow_fork *fork = figures.forks;
	char *line = NULL;

	if (figures.count && fork->side_child && fork->sum.still_shared != CAPTURE_UNKNOWN) {
		line = memory_format("shared %s", BYTES(bytes(subject, fork->sum.inherited)));
		if ((fork->watched || fork->ordered) && fork->sum.copied != CAPTURE_UNKNOWN) {
			memory_append(&line, ", copied %s", BYTES(bytes(subject, fork->sum.copied)));
			add_rows(&line, page, subject, fork);
		} else {
			memory_append(&line, ", still shared %s", BYTES(bytes(subject, fork->sum.still_shared)));
		}
	}
	cow_figures_free(&figures);
	return line;
}

/* In words: its mapping's name, else its row's, and where it lies. */
static char *describe_region(const struct subject *subject, const struct capture_cow_region *region)
{
	const char *name = cow_region_name(subject->capture, region), *slash = strrchr(name, '/');
	const char *shown = slash && slash[1] ? slash + 1 : name;
	char *escaped = *shown && *shown != '[' ? escape_text(shown, strlen(shown)) : NULL;
	char *text = memory_format("%s at %" PRIx64, escaped ? escaped : row_names[region->row], region->start);

	free(escaped);
	return text;
}

/* The few regions that hold most of what was copied; one alone says nothing that its row has not said. */
static void print_regions(struct page *page, const struct subject *subject, const struct cow_fork *birth)
{
	const struct capture_cow_course *course = &subject->capture->cow_course;
	uint64_t copied[CAPTURE_COW_REGIONS] = { 0 }, total = birth->sum.copied;
	size_t shown = 0, worth = 0;

	if (total == CAPTURE_UNKNOWN)
		return;
	for (size_t i = 0; i < course->regions_used; i++) {
		copied[i] = cow_pages_of(birth, &course->regions[i].pages).copied;
		if (copied[i] == CAPTURE_UNKNOWN || copied[i] < WORTH_PAGES || copied[i] < total / WORTH_SHARE)
			copied[i] = 0;
		worth += copied[i] != 0;
	}
	for (size_t i = 0; i < course->regions_used && worth > 1 && shown < REGIONS_SHOWN; i++) {
		struct cow_pages pages = cow_pages_of(birth, &course->regions[i].pages);
		char *where;

		if (!copied[i])
			continue;
		where = describe_region(subject, &course->regions[i]);
		page_under(page, "%s: copied %s of %s", where, BYTES(bytes(subject, pages.copied)),
			   BYTES(bytes(subject, pages.inherited)));
		free(where);
		shown++;
	}
}

void text_cow(struct page *page, const struct subject *subject)
{
	struct cow_figures figures = cow_figures(subject->recording, subject->index);
	size_t own = figures.count && figures.forks[0].side_child;
	char *line;

	if (own) {
		line = describe(page, subject, &figures.forks[0], "it or by its parent");
		page_section(page, "Copy-on-write", "%s", line);
		free(line);
		print_regions(page, subject, &figures.forks[0]);
	}
	if (figures.count > own)
		print_children(page, subject, figures.forks + own, figures.count - own);
	if (figures.unknown < figures.count && figures.watched && !figures.ordered && subject->capture->faults.partial)
		page_line(page, "  who wrote first is not known: not every fault was sampled (--faults=all)");
	cow_figures_free(&figures);
}
