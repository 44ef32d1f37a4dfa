/* SPDX-License-Identifier: MIT */
/* The heap over the image's life: how much was allocated, how fast, in which sizes, and the peak. */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"

#define SIZES_SHOWN 8

static char *heap_title(const struct capture *c)
{
	const char *name = strrchr(c->allocator, '/') ? strrchr(c->allocator, '/') + 1 : c->allocator;
	char *escaped, *title;

	if (!*name || !strcmp(name, "glibc"))
		return memory_copy("Heap", 4);
	escaped = escape_text(name, strlen(name));
	title = memory_format("Heap of %s", escaped);
	free(escaped);
	return title;
}

struct size_band {
	uint64_t allocations;
	size_t   class;
};

static int by_allocations(const void *a, const void *b)
{
	const struct size_band *first = a, *second = b;

	if (first->allocations != second->allocations)
		return first->allocations > second->allocations ? -1 : 1;
	return first->class < second->class ? -1 : 1;
}

static int by_class(const void *a, const void *b)
{
	const struct size_band *first = a, *second = b;

	return first->class < second->class ? -1 : first->class > second->class;
}

static struct figure size_range(size_t class)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned power = class ? (unsigned)class - 1 : 0, least = 1U << power % 10;
	const char *unit = units[power / 10];
	struct figure figure;

	if (class < 2)
		snprintf(figure.text, sizeof(figure.text), "%zu B", class);
	else if (class == CAPTURE_SIZE_CLASSES - 1)
		snprintf(figure.text, sizeof(figure.text), "from %u %s", least, unit);
	else
		snprintf(figure.text, sizeof(figure.text), "%u-%u %s", least, power < 10 ? 2 * least - 1 : 2 * least,
			 unit);
	return figure;
}

/* The sizes that most allocations had, in order of size; the others in one line. */
static void print_sizes(struct page *page, const struct subject *subject)
{
	struct size_band bands[CAPTURE_SIZE_CLASSES];
	size_t count = 0, shown = subject->options->all ? CAPTURE_SIZE_CLASSES : SIZES_SHOWN;
	uint64_t most, others = 0;

	for (size_t i = 0; i < CAPTURE_SIZE_CLASSES; i++)
		if (subject->heap.size_class[i] && subject->heap.size_class[i] <= INT64_MAX)
			bands[count++] = (struct size_band){ subject->heap.size_class[i], i };
	if (!count)
		return;
	qsort(bands, count, sizeof(bands[0]), by_allocations);
	most = bands[0].allocations;
	for (size_t i = shown; i < count; i++)
		others += bands[i].allocations;
	if (shown > count)
		shown = count;
	qsort(bands, shown, sizeof(bands[0]), by_class);
	for (size_t i = 0; i < shown; i++)
		page_line(page, "%-*s%14s  %s  %s", PAGE_SECTION - 2, i ? "" : "  by size",
			  size_range(bands[i].class).text, page_bar(bands[i].allocations, most, 30).text,
			  COUNT(bands[i].allocations));
	if (others)
		page_line(page, "%-*s%14s  %s", PAGE_SECTION - 2, "", "other sizes", COUNT(others));
}

void text_heap(struct page *page, const struct subject *subject)
{
	const struct capture_totals *heap = &subject->heap;
	uint64_t wall = figures_wall(subject->image);
	char *title, *line;

	if (!subject->capture->has_heap)
		return;
	title = heap_title(subject->capture);
	line = memory_format("%s allocations", COUNT(heap->allocations));
	if (wall != CAPTURE_UNKNOWN && wall >= 1000000)
		memory_append(&line, " (%s)", figure_rate(heap->allocations, wall).text);
	memory_append(&line, ", %s frees", COUNT(heap->frees));
	if (wall != CAPTURE_UNKNOWN && wall >= 1000000)
		memory_append(&line, " (%s)", figure_rate(heap->frees, wall).text);
	if (heap->reallocations)
		memory_append(&line, "; %s of each by realloc", COUNT(heap->reallocations));
	if (heap->failed)
		memory_append(&line, "; %s failed", COUNT(heap->failed));
	page_section(page, title, "%s", line);
	free(line);
	free(title);
	page_under(page, "%s asked for in all, %s freed", BYTES(heap->requested_bytes), BYTES(heap->freed_bytes));
	page_under(page, "live at the end: %s blocks, %s asked for, %s usable", COUNT(heap->live_blocks),
		   BYTES(heap->live_bytes), BYTES(heap->usable_live_bytes));
	if (subject->capture->inherited_blocks && subject->capture->inherited_blocks != CAPTURE_UNKNOWN)
		page_under(page, "inherited at the fork: %s blocks, %s", COUNT(subject->capture->inherited_blocks),
			   BYTES(subject->capture->inherited_live_bytes));
	page_under(page, "peak of what was live: %s%s", heap->writers > 1 ? "at least " : "",
		   BYTES(heap->peak_live_bytes));
	print_sizes(page, subject);
}
