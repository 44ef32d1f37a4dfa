/* SPDX-License-Identifier: MIT */
/*
 * What happened: the command, how it ended, the three figures that matter, and what must be known about the recording
 * itself.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "program.h"
#include "report_text.h"

struct figure text_end(const struct image *image)
{
	struct figure figure = { "" };

	switch (image->end) {
	case END_EXIT:
		snprintf(figure.text, sizeof(figure.text), "exit %d", image->code);
		break;
	case END_SIGNAL:
		snprintf(figure.text, sizeof(figure.text), "signal %d (SIG%s)", image->code,
			 sigabbrev_np(image->code) ? sigabbrev_np(image->code) : "?");
		break;
	case END_EXEC:
		strcpy(figure.text, "exec");
		break;
	case END_RUNNING:
		strcpy(figure.text, "running");
		break;
	case END_LOST:
		strcpy(figure.text, "end unknown");
		break;
	}
	return figure;
}

const char *text_born(uint32_t born)
{
	static const char *const names[] = { "?", "start", "fork", "vfork", "spawn", "exec" };

	return born < sizeof(names) / sizeof(names[0]) ? names[born] : "?";
}

static void headline(struct page *page, const struct subject *subject)
{
	const struct image *image = subject->image;
	uint64_t wall = figures_wall(image);
	const char *command = *image->command ? image->command : "(command unknown)";
	char *right = memory_format("pid %" PRIu32 ", %s%s%s", image->pid, text_end(image).text,
				    wall == CAPTURE_UNKNOWN ? "" : ", ", wall == CAPTURE_UNKNOWN ? "" : TIME(wall));
	size_t used = text_columns(command) + 2 + text_columns(right);
	void (*print)(struct page *, const char *, ...) = image->end == END_SIGNAL ? page_unusual : page_line;

	if (used <= PAGE_COLUMNS) {
		print(page, "%s%*s%s", command, (int)(PAGE_COLUMNS - used + 2), "", right);
	} else {
		print(page, "%s", command);
		print(page, "%*s%s", (int)(PAGE_COLUMNS - text_columns(right)), "", right);
	}
	free(right);
}

/* When the highest ledger was taken, if it is the peak that the figure speaks of. */
static uint64_t peak_at(const struct subject *subject)
{
	const struct capture *c = subject->capture;
	uint64_t peak = subject->image->peak_resident_bytes;

	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++) {
		const struct capture_snapshot *s = &c->snapshots[i];

		if (s->sequence && s->why == WHY_PEAK && s->rss_bytes != CAPTURE_UNKNOWN &&
		    s->rss_bytes >= peak - peak / 16)
			return figure_less(s->at_ns, c->start_ns);
	}
	return CAPTURE_UNKNOWN;
}

void text_what_happened(struct page *page, const struct subject *subject)
{
	const struct capture_snapshot *s = subject->snapshot;
	uint64_t peak = subject->image->peak_resident_bytes, at = peak == CAPTURE_UNKNOWN ? peak : peak_at(subject);
	char *line = memory_copy("", 0);

	headline(page, subject);
	if (s && subject->capture->has_heap)
		memory_append(&line, "asked for %s, ", BYTES(s->rows[ROW_HEAP_LIVE].mapped_bytes));
	if (s)
		memory_append(&line, "mapped %s, resident %s", BYTES(s->vm_size_bytes), BYTES(s->rss_bytes));
	if (peak != CAPTURE_UNKNOWN) {
		memory_append(&line, s ? " (peak %s" : "peak resident %s", BYTES(peak));
		if (at != CAPTURE_UNKNOWN)
			memory_append(&line, " at %s", TIME(at));
		memory_append(&line, "%s", s ? ")" : "");
	}
	if (*line)
		page_paragraph(page, 0, 2, "%s", line);
	free(line);
}

void text_notes(struct page *page, const struct subject *subject)
{
	for (size_t i = 0; i < CAPTURE_NOTES; i++) {
		const struct capture_noted *note = &subject->capture->notes[i];
		char *line;

		if (note->kind == NOTE_NONE)
			continue;
		line = memory_format("note: %s", note_text(note->kind));
		if (note->error > 0 && strerrordesc_np(note->error))
			memory_append(&line, ": %s", strerrordesc_np(note->error));
		if (note->kind == NOTE_PEAK_BOUND)
			memory_append(&line, " (%s)", BYTES(subject->capture->peak_bound_bytes));
		else if (note->count > 1)
			memory_append(&line, " (%s times)", COUNT(note->count));
		page_unusual_paragraph(page, 0, 2, "%s", line);
		free(line);
	}
}
