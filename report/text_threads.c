/* SPDX-License-Identifier: MIT */
/* The system calls of a process by thread, and what each thread did with its time: --threads. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "threads.h"

static char *describe(const struct thread_figures *t)
{
	char *name = escape_argument(t->name, strlen(t->name)), *text;

	if (t->kind == THREAD_SHARED)
		text = memory_format("(shared)");
	else if (t->kind == THREAD_SEQUENCE)
		text = memory_format("%s in turn%s%s", COUNT(t->threads), *t->name ? ", last " : "", *t->name ? name : "");
	else
		text = memory_format("%u %s", t->tid, *t->name ? name : "");
	free(name);
	return text;
}

static void print_thread(struct page *page, const struct thread_figures *t, uint64_t whole_ns)
{
	bool timed = t->time_ns != CAPTURE_UNKNOWN;
	char *percent = timed && whole_ns ? memory_format("%.2f", 100.0 * (double)t->time_ns / (double)whole_ns) : memory_copy("?", 1);
	char *seconds = timed ? memory_format("%.6f", (double)t->time_ns / 1e9) : memory_copy("?", 1);
	char *failed = t->errors ? memory_format("%llu", (unsigned long long)t->errors) : memory_copy("", 0);
	uint64_t busy = figure_sum(t->life.user_ns, t->life.system_ns);
	char *who = describe(t);

	page_line(page, "%6s %11s %9llu%s %8s %9s %9s  %s", percent, seconds, (unsigned long long)t->calls, t->complete ? " " : "+", failed,
		  TIME(busy), TIME(t->life.asleep_ns), who);
	free(percent), free(seconds), free(failed), free(who);
}

void text_threads(struct page *page, const struct image *image, const struct capture *capture)
{
	static struct thread_figures threads[CAPTURE_COUNTERS];
	size_t count = threads_of(capture, threads);
	uint64_t whole_ns = 0;
	bool partial = false, shared = false;

	page_gap(page);
	page_line(page, "Threads of pid %u: %s", image->pid, image->command ? image->command : "?");
	if (capture->calls_mode == CALLS_TRACED) {
		page_line(page, "  traced from outside: its calls are not told apart by thread");
		return;
	}
	page_line(page, "%6s %11s %9s  %8s %9s %9s  %s", "% time", "seconds", "calls", "errors", "CPU time", "asleep", "thread");
	for (size_t i = 0; i < count; i++) {
		whole_ns = threads[i].time_ns == CAPTURE_UNKNOWN ? whole_ns : figure_sum(whole_ns, threads[i].time_ns);
		partial = partial || !threads[i].complete;
		shared = shared || threads[i].kind == THREAD_SHARED;
	}
	for (size_t i = 0; i < count; i++)
		print_thread(page, &threads[i], whole_ns == CAPTURE_UNKNOWN ? 0 : whole_ns);
	if (shared)
		page_paragraph(page, 2, 2, "shared: by threads for which there was no room, and what threads do while they end");
	if (partial)
		page_paragraph(page, 2, 2, "+: more of their calls are among the shared ones");
}
