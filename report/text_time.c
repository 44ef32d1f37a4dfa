/* SPDX-License-Identifier: MIT */
/* Where the time went, and what pagegap itself cost. */
#include <stdlib.h>

#include "accounting.h"
#include "memory.h"
#include "report_text.h"

/* "wall = user + system + waiting + asleep" holds for one thread; several add up to more, or sleep side by side. */
static void print_usage(struct page *page, const struct subject *subject, uint64_t wall)
{
	const struct usage *own = &subject->image->own;
	uint64_t busy = figure_sum(own->user_ns, own->system_ns), known = figure_sum(busy, own->runnable_wait_ns);
	uint64_t asleep = figure_less(wall, known);
	char *line = memory_format("wall %s", TIME(wall));

	if (figures_threaded(subject->capture)) {
		memory_append(&line, "; its threads together: user %s, system %s, waiting for a CPU %s",
			      TIME(own->user_ns), TIME(own->system_ns), TIME(own->runnable_wait_ns));
		if (known != CAPTURE_UNKNOWN && wall != CAPTURE_UNKNOWN && known > wall)
			memory_append(&line, ": more than the wall time, because several ran at once");
	} else if (asleep != CAPTURE_UNKNOWN) {
		memory_append(&line, " = user %s + system %s + waiting for a CPU %s + asleep %s", TIME(own->user_ns),
			      TIME(own->system_ns), TIME(own->runnable_wait_ns), TIME(asleep));
	} else {
		memory_append(&line, ", user %s, system %s, waiting for a CPU %s", TIME(own->user_ns),
			      TIME(own->system_ns), TIME(own->runnable_wait_ns));
		if (known != CAPTURE_UNKNOWN && wall != CAPTURE_UNKNOWN)
			memory_append(&line, "; these began earlier, before the library was loaded");
	}
	page_section(page, "Time", "%s", line);
	free(line);
}

/* Where all that threads lived can be accounted for, from the moment at which the library was loaded. */
static void print_accounting(struct page *page, const struct accounting *a, uint64_t wall)
{
	char *line = memory_format("wall %s; ", TIME(wall));

	if (a->threads > 1)
		memory_append(&line, "its %s threads lived %s together", COUNT(a->threads), TIME(a->lived_ns));
	else
		memory_append(&line, "%s with the library", TIME(a->lived_ns));
	memory_append(&line, " = user %s + system %s + waiting for a CPU %s + asleep %s", TIME(a->user_ns), TIME(a->system_ns),
		      TIME(a->wait_ns), TIME(a->asleep_ns));
	page_section(page, "Time", "%s", line);
	free(line);
	line = memory_copy("", 0);
	if (a->least_in_calls_ns == CAPTURE_UNKNOWN || !a->asleep_ns)
		memory_append(&line, "asleep is the rest");
	else if (a->least_in_calls_ns == a->most_in_calls_ns)
		memory_append(&line, "%s of the sleep were in calls that were timed", TIME(a->least_in_calls_ns));
	else
		memory_append(&line, "between %s and %s of the sleep were in calls that were timed", TIME(a->least_in_calls_ns),
			      TIME(a->most_in_calls_ns));
	page_under(page, "%s; the sum is right to %s", line, TIME(a->bound_ns));
	free(line);
}

void text_time(struct page *page, const struct subject *subject)
{
	const struct image *image = subject->image;
	const struct usage *own = &image->own;
	uint64_t wall = figures_wall(image);
	struct accounting accounting;

	if (wall == CAPTURE_UNKNOWN && own->user_ns == CAPTURE_UNKNOWN)
		return;
	accounting = accounting_of(subject->capture);
	if (accounting.known)
		print_accounting(page, &accounting, wall);
	else
		print_usage(page, subject, wall);
	if (own->voluntary_switches != CAPTURE_UNKNOWN || own->migrations != CAPTURE_UNKNOWN)
		page_under(page, "%s voluntary and %s involuntary switches, %s migrations",
			   COUNT(own->voluntary_switches), COUNT(own->involuntary_switches), COUNT(own->migrations));
	if (image->end_by_parent)
		page_under(page, "its end is as late as its parent saw it");
	if (image->end == END_LOST && own->user_ns != CAPTURE_UNKNOWN)
		page_under(page, "as of its last record; nobody saw its end");
}

void text_cost(struct page *page, const struct subject *subject)
{
	const struct capture *c = subject->capture;
	const struct capture_snapshot *all[CAPTURE_SNAPSHOTS] = { NULL };
	size_t snapshots = figures_snapshots(c, all);
	uint64_t wall = figures_wall(subject->image), spent = c->own_thread_ns_spent;
	char *line = memory_copy("", 0);

	if (subject->snapshot)
		memory_append(&line, "%s resident", BYTES(subject->snapshot->rows[ROW_INSTRUMENT].resident_bytes));
	if (spent && spent != CAPTURE_UNKNOWN) {
		memory_append(&line, "%s%s in %zu ledgers and %s samples that were kept", *line ? "; " : "",
			      TIME(spent), snapshots, COUNT(c->samples_used));
		if (wall != CAPTURE_UNKNOWN && wall > spent)
			memory_append(&line, ", %s of the wall time", figure_percent(spent, wall).text);
	}
	if (*line && figures_observed(c))
		page_section(page, "Cost of pagegap", "%s", line);
	free(line);
}
