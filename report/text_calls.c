/* SPDX-License-Identifier: MIT */
/* The counted system calls, the most frequent first, and what they come to by kind of service. */
#include <stdlib.h>

#include "syscalls.h"
#include "call_patterns.h"
#include "calls.h"
#include "coverage.h"
#include "memory.h"
#include "report_text.h"

#define SHOWN 12
#define NOTES 3                         /* the others are on the page of --syscalls */

static void print_line(struct page *page, const struct call_figures *call)
{
	page_line(page, "  %12s  %10s  %10s  %10s  %-18s %s", COUNT(call->calls), call->errors ? COUNT(call->errors) : "-",
		  call->timed ? TIME(call->time_ns) : "-", call->timed ? TIME(call->p99_ns) : "-", call_name(call->number),
		  call_category(call->number));
}

/* "file 1,204 in 1.1 s; memory …" */
static void print_services(struct page *page, const struct call_figures *calls, size_t count)
{
	struct service services[SYSCALL_CATEGORIES];
	size_t used = calls_services(calls, count, services);
	char *line = memory_copy("", 0);

	for (size_t i = 0; i < used; i++) {
		memory_append(&line, "%s%s %s", *line ? "; " : "", services[i].name, COUNT(services[i].calls));
		if (services[i].timed)
			memory_append(&line, " in %s", TIME(services[i].time_ns));
	}
	page_under(page, "%s", line);
	free(line);
}

/* Which calls these are. */
static const char *const seen[CAPTURE_CALLS_MODES] = {
	[CALLS_WRAPPED] = " through libc's functions; what libc does inside itself is not seen",
	[CALLS_ALL] = ": all since the library was loaded",
	[CALLS_TRACED] = ", traced from outside",
	[CALLS_OFF] = "",
};

/* Of the calls that wrappers do not see, what the kernel tells of. */
static void print_coverage(struct page *page, const struct capture *capture)
{
	struct coverage c = coverage_of(capture);
	uint64_t kernel = figure_sum(c.kernel_reads, c.kernel_writes);

	if (capture->calls_mode != CALLS_WRAPPED || c.unseen_least == CAPTURE_UNKNOWN || !kernel)
		return;
	if (c.unseen_least)
		page_under(page, "of the %s reads and writes that the kernel counted, at least %s were not seen; of other calls that is not known",
			   COUNT(kernel), COUNT(c.unseen_least));
	else
		page_under(page, "the kernel counted %s reads and writes, which were all seen; of other calls that is not known", COUNT(kernel));
}

/* What is no system call, where it was asked for. */
static void print_vdso(struct page *page, const struct capture *capture)
{
	char *line = memory_copy("", 0);

	for (size_t i = 0; capture->vdso_counted && i < CAPTURE_VDSO; i++)
		if (calls_vdso(capture, (enum capture_vdso)i))
			memory_append(&line, "%s%s %s", *line ? ", " : "", calls_vdso_names[i], COUNT(calls_vdso(capture, (enum capture_vdso)i)));
	if (capture->vdso_counted)
		page_under(page, "beside them, answered by the vDSO without a system call: %s", *line ? line : "none");
	free(line);
}

void text_calls(struct page *page, const struct subject *subject)
{
	static struct call_figures calls[CAPTURE_NUMBERS];
	struct call_figures sum;
	size_t count, shown = subject->options->all ? CAPTURE_NUMBERS : SHOWN;

	if (!figures_observed(subject->capture))
		return;
	count = calls_of(subject->capture, calls);
	if (!count)
		return;
	sum = calls_sum(calls, count);
	page_section(page, "System calls", "%s%s%s%s", COUNT(sum.calls), sum.timed ? ", " : "", sum.timed ? TIME(sum.time_ns) : "",
		     seen[subject->capture->calls_mode]);
	if (subject->capture->calls_mode == CALLS_ALL)
		page_under(page, "%s of them took a signal each; %s places were patched to need none, %s could not be",
			   COUNT(subject->capture->caught_calls), COUNT(subject->capture->patched_sites),
			   COUNT(subject->capture->refused_sites));
	print_coverage(page, subject->capture);
	print_vdso(page, subject->capture);
	print_services(page, calls, count);
	if (subject->capture->uncounted_calls)
		page_under(page, "%s more found no place to be counted: the disk was full", COUNT(subject->capture->uncounted_calls));
	text_call_patterns(page, calls, count, NOTES);
	page_line(page, "  %12s  %10s  %10s  %10s  %-18s %s", "calls", "errors", "time", "p99 up to", "name", "service");
	for (size_t i = 0; i < count && i < shown; i++)
		print_line(page, &calls[i]);
	if (count > shown)
		page_line(page, "  and %zu more (--all)", count - shown);
}
