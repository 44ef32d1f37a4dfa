/* SPDX-License-Identifier: MIT */
/*
 * The page of --syscalls: strace -c's columns first, so that who knows those can read it at once; below them how long calls took and
 * what they moved, services, errors by name, and habits that cost calls. Of one process or of all together.
 */
#include <stdlib.h>
#include <string.h>

#include "call_patterns.h"
#include "calls.h"
#include "complain.h"
#include "coverage.h"
#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "syscalls.h"
#include "traffic.h"

const char *const calls_sort_names[CALLS_SORTS] = {
	[SORT_TIME] = "time", [SORT_CALLS] = "calls", [SORT_ERRORS] = "errors", [SORT_MAX] = "max",
	[SORT_P99] = "p99", [SORT_BYTES] = "bytes", [SORT_NAME] = "name",
};

#define DESCRIPTORS 12          /* lines, unless --top or --all says otherwise */

static enum calls_sort sorted_by;

/* What is not known comes last. */
static uint64_t key(const struct call_figures *call)
{
	uint64_t figure = sorted_by == SORT_CALLS  ? call->calls
			: sorted_by == SORT_ERRORS ? call->errors
			: sorted_by == SORT_MAX    ? call->most_ns
			: sorted_by == SORT_P99    ? call->p99_ns
			: sorted_by == SORT_BYTES  ? call->bytes
						   : call->time_ns;

	return figure == CAPTURE_UNKNOWN ? 0 : figure;
}

static int in_order(const void *a, const void *b)
{
	const struct call_figures *first = a, *second = b;

	if (sorted_by != SORT_NAME && key(first) != key(second))
		return key(first) > key(second) ? -1 : 1;
	if (sorted_by != SORT_NAME && first->calls != second->calls)
		return first->calls > second->calls ? -1 : 1;
	if (strcmp(call_name(first->number), call_name(second->number)))
		return strcmp(call_name(first->number), call_name(second->number));
	return (int)first->number - (int)second->number;
}

void calls_sort(struct call_figures *figures, size_t count, enum calls_sort by)
{
	sorted_by = by;
	qsort(figures, count, sizeof(figures[0]), in_order);
}

/* A call that the table does not know is its number. */
static char *name_of(unsigned number)
{
	return strcmp(call_name(number), "unknown") ? memory_copy(call_name(number), strlen(call_name(number)))
						    : memory_format("unknown(%u)", number);
}

#define RULE "------ ----------- ----------- --------- --------- ------------------ --------"

/* Time that is not known is "?": strace prints 0 there. */
static void print_line(struct page *page, uint64_t calls, uint64_t errors, uint64_t timed, uint64_t time_ns, uint64_t whole_ns,
		       const char *name, const char *service)
{
	bool known = timed && time_ns != CAPTURE_UNKNOWN;
	char *percent = known && whole_ns ? memory_format("%.2f", 100.0 * (double)time_ns / (double)whole_ns) : memory_copy("?", 1);
	char *seconds = known ? memory_format("%.6f", (double)time_ns / 1e9) : memory_copy("?", 1);
	char *each = known ? memory_format("%.1f", (double)time_ns / 1e3 / (double)timed) : memory_copy("?", 1);
	char *failed = errors ? memory_format("%llu", (unsigned long long)errors) : memory_copy("", 0);

	page_line(page, "%6s %11s %11s %9llu %9s %-18s %s", percent, seconds, each, (unsigned long long)calls, failed, name, service);
	free(percent), free(seconds), free(each), free(failed);
}

static void print_durations(struct page *page, const struct call_figures *calls, size_t shown)
{
	page_gap(page);
	page_line(page, "%10s %10s %10s %12s %12s  %s", "p50 up to", "p99 up to", "max", "bytes in", "bytes out", "syscall");
	for (size_t i = 0; i < shown; i++) {
		uint64_t in = call_bytes_in(&calls[i]), out = call_bytes_out(&calls[i]);
		char *name = name_of(calls[i].number);

		page_line(page, "%10s %10s %10s %12s %12s  %s", calls[i].timed ? TIME(calls[i].half_ns) : "-",
			  calls[i].timed ? TIME(calls[i].p99_ns) : "-", calls[i].timed ? TIME(calls[i].most_ns) : "-",
			  in == CAPTURE_UNKNOWN ? "-" : COUNT(in), out == CAPTURE_UNKNOWN ? "-" : COUNT(out), name);
		free(name);
	}
}

static void print_services(struct page *page, const struct call_figures *calls, size_t count, uint64_t whole_ns)
{
	struct service services[SYSCALL_CATEGORIES];
	size_t used = calls_services(calls, count, services);

	page_gap(page);
	page_line(page, "%6s %11s %11s %9s %9s %s", "% time", "seconds", "usecs/call", "calls", "errors", "service");
	for (size_t i = 0; i < used; i++) {
		char *moved = memory_copy("", 0);

		if (services[i].bytes_in != CAPTURE_UNKNOWN)
			memory_append(&moved, "in %s ", BYTES(services[i].bytes_in));
		if (services[i].bytes_out != CAPTURE_UNKNOWN)
			memory_append(&moved, "out %s", BYTES(services[i].bytes_out));
		print_line(page, services[i].calls, services[i].errors, services[i].timed, services[i].time_ns, whole_ns,
			   services[i].name, "");
		if (*moved)
			page_line(page, "%50s %s", "", moved);
		free(moved);
	}
}

static void print_errors(struct page *page, const struct call_figures *calls, size_t count)
{
	bool begun = false;

	for (size_t i = 0; i < count; i++) {
		uint64_t named = 0;
		char *line, *name;

		if (!calls[i].errors)
			continue;
		line = memory_copy("", 0);
		name = name_of(calls[i].number);
		for (size_t j = 0; j < CALL_ERRORS && calls[i].by_error[j].count; j++) {
			const char *error = strerrorname_np((int)calls[i].by_error[j].error);

			if (error)
				memory_append(&line, "%s%s %s", *line ? ", " : "", error, COUNT(calls[i].by_error[j].count));
			else
				memory_append(&line, "%serror %u %s", *line ? ", " : "", calls[i].by_error[j].error,
					      COUNT(calls[i].by_error[j].count));
			named += calls[i].by_error[j].count;
		}
		if (calls[i].errors > named)
			memory_append(&line, "%sothers %s", *line ? ", " : "", COUNT(calls[i].errors - named));
		if (!begun) {
			page_gap(page);
			page_line(page, "Errors");
		}
		begun = true;
		page_paragraph(page, 2, 6, "%s: %s", name, line);
		free(line), free(name);
	}
}

static void print_calls(struct page *page, const struct report_options *options)
{
	static struct call_figures calls[CAPTURE_NUMBERS];
	struct call_pattern patterns[CALL_PATTERNS];
	size_t count = calls_take(calls), shown = options->top && options->top < count ? options->top : count;
	struct call_figures sum = calls_sum(calls, count);
	uint64_t whole_ns = sum.time_ns == CAPTURE_UNKNOWN ? 0 : sum.time_ns;

	if (!count) {
		page_line(page, "no system calls were counted");
		return;
	}
	calls_sort(calls, count, options->sort);
	page_gap(page);
	page_line(page, "%6s %11s %11s %9s %9s %-18s %s", "% time", "seconds", "usecs/call", "calls", "errors", "syscall", "service");
	page_line(page, RULE);
	for (size_t i = 0; i < shown; i++) {
		char *name = name_of(calls[i].number);

		print_line(page, calls[i].calls, calls[i].errors, calls[i].timed, calls[i].time_ns, whole_ns, name,
			   call_category(calls[i].number));
		free(name);
	}
	if (shown < count)
		page_line(page, "%50s and %zu more (--top)", "", count - shown);
	page_line(page, RULE);
	print_line(page, sum.calls, sum.errors, sum.timed, sum.time_ns, whole_ns, "total", "");
	print_durations(page, calls, shown);
	print_services(page, calls, count, whole_ns);
	print_errors(page, calls, count);
	if (call_patterns(calls, count, patterns)) {
		page_gap(page);
		page_line(page, "What could be fewer");
		text_call_patterns(page, calls, count, CALL_PATTERNS);
	}
}

static void print_vdso(struct page *page, const uint64_t vdso[CAPTURE_VDSO])
{
	page_gap(page);
	page_line(page, "Answered by the vDSO, without a system call");
	for (size_t i = 0; i < CAPTURE_VDSO; i++)
		page_line(page, "%10s  %s", COUNT(vdso[i]), calls_vdso_names[i]);
}

/* Thread by thread, each image for itself. */
static void print_threads(struct page *page, const struct recording *recording, uint32_t pid)
{
	for (size_t i = 0; i < recording->count; i++)
		if ((!pid || recording->images[i].pid == pid) && recording_load(recording, i, recording->buffer) &&
		    figures_observed(recording->buffer))
			text_threads(page, &recording->images[i], recording->buffer);
}

/* Adds up the images of one process, or of all (@pid 0), and says which. Returns an exit status. */
static int print_sum(struct page *page, const struct recording *recording, const struct report_options *options, uint32_t pid)
{
	size_t processes = 0, unobserved = 0, first = NO_IMAGE;
	uint64_t kernel = 0, unseen = 0, vdso[CAPTURE_VDSO] = { 0 };
	bool vdso_counted = false;
	struct traffic traffic = { NULL };
	uint32_t modes = 0;
	uint64_t uncounted = 0;
	int status = STATUS_GOOD;

	calls_begin();
	for (size_t i = 0; i < recording->count; i++) {
		if (pid && recording->images[i].pid != pid)
			continue;
		first = first == NO_IMAGE ? i : first;
		processes += recording->images[i].previous == NO_IMAGE;
		if (!recording_load(recording, i, recording->buffer)) {
			status = STATUS_PARTIAL;
			continue;
		}
		if (!figures_observed(recording->buffer)) {
			unobserved++;
			continue;
		}
		calls_add(recording->buffer);
		for (size_t j = 0; recording->buffer->vdso_counted && j < CAPTURE_VDSO; j++)
			vdso[j] = figure_sum(vdso[j], calls_vdso(recording->buffer, (enum capture_vdso)j));
		vdso_counted = vdso_counted || recording->buffer->vdso_counted;
		traffic_add(&traffic, recording->buffer);
		if (coverage_of(recording->buffer).unseen_least != CAPTURE_UNKNOWN) {
			kernel = figure_sum(kernel, figure_sum(recording->buffer->kernel_reads, recording->buffer->kernel_writes));
			unseen = figure_sum(unseen, coverage_of(recording->buffer).unseen_least);
		}
		modes |= 1U << recording->buffer->calls_mode;
		if (recording->buffer->uncounted_calls != CAPTURE_UNKNOWN)
			uncounted += recording->buffer->uncounted_calls;
	}
	page_gap(page);
	if (pid)
		page_line(page, "System calls of pid %u: %s", pid, recording->images[first].command ? recording->images[first].command : "?");
	else
		page_line(page, "System calls of %s process%s together", COUNT(processes), processes == 1 ? "" : "es");
	if (modes == 1U << CALLS_WRAPPED)
		page_paragraph(page, 2, 2, "through libc's functions; what libc does inside itself, and calls made without it, are not seen "
					   "(pagegap run --syscalls=all sees them)");
	if (modes == 1U << CALLS_WRAPPED && kernel)
		page_paragraph(page, 2, 2, "of %s reads and writes that the kernel counted, at least %s were not seen", COUNT(kernel), COUNT(unseen));
	if (unobserved)
		page_unusual_paragraph(page, 2, 2, "%s program images were not observed: their calls are missing", COUNT(unobserved));
	if (uncounted)
		page_unusual_paragraph(page, 2, 2, "%s more found no place to be counted: the disk was full", COUNT(uncounted));
	print_calls(page, options);
	if (vdso_counted)
		print_vdso(page, vdso);
	text_traffic(page, &traffic, options->all ? SIZE_MAX : options->top ? options->top : DESCRIPTORS);
	traffic_free(&traffic);
	if (options->threads)
		print_threads(page, recording, pid);
	return status;
}

/* A pid may come again; its lives are one line of the list. */
static bool seen_before(const struct recording *recording, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (recording->images[i].pid == recording->images[index].pid)
			return true;
	return false;
}

int text_syscalls(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct page page = page_on(to, options->exact);
	int status = recording->bad ? STATUS_PARTIAL : STATUS_GOOD;

	if (options->process && recording_find(recording, options->process) == NO_IMAGE) {
		complain("%s: no process %u in this recording (pagegap report --all shows all)", recording->path, options->process);
		return STATUS_FAILED;
	}
	if (print_sum(&page, recording, options, options->process) != STATUS_GOOD)
		status = STATUS_PARTIAL;
	for (size_t i = 0; options->all && i < recording->count; i++)
		if (recording->images[i].pid != options->process && !seen_before(recording, i) &&
		    print_sum(&page, recording, options, recording->images[i].pid) != STATUS_GOOD)
			status = STATUS_PARTIAL;
	return status;
}
