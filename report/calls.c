/* SPDX-License-Identifier: MIT */
/* Adds up the cells of a capture and turns ticks into nanoseconds. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "syscalls.h"
#include "figures.h"

#define LEAST_SPAN 20000ULL             /* ns between two readings of a clock from which its rate is known to a percent */

const char *const calls_mode_names[CAPTURE_CALLS_MODES] = {
	[CALLS_WRAPPED] = "wrappers", [CALLS_ALL] = "all", [CALLS_TRACED] = "traced", [CALLS_OFF] = "off",
};

const char *call_name(unsigned number)
{
	return number < SYSCALL_NUMBERS && syscall_rows[number].name ? syscall_rows[number].name : "unknown";
}

const char *call_category(unsigned number)
{
	bool known = number < SYSCALL_NUMBERS && syscall_rows[number].name;

	return syscall_category_names[known ? syscall_rows[number].category : CATEGORY_OTHER];
}

static uint8_t result_of(unsigned number)
{
	return number < SYSCALL_NUMBERS && syscall_rows[number].name ? syscall_rows[number].result : RESULT_NONE;
}

bool call_reads(unsigned number)
{
	return result_of(number) == RESULT_BYTES_IN || result_of(number) == RESULT_BYTES_MOVED;
}

bool call_writes(unsigned number)
{
	return result_of(number) == RESULT_BYTES_OUT || result_of(number) == RESULT_BYTES_MOVED;
}

uint64_t call_bytes_in(const struct call_figures *call)
{
	return call_reads(call->number) ? call->bytes : CAPTURE_UNKNOWN;
}

uint64_t call_bytes_out(const struct call_figures *call)
{
	return call_writes(call->number) ? call->bytes : CAPTURE_UNKNOWN;
}

double call_tick_ns(const struct capture_clock *clock)
{
	if (clock->kind == CALL_CLOCK_MONOTONIC)
		return 1;
	if (clock->kind != CALL_CLOCK_TSC || clock->last_ticks <= clock->first_ticks || clock->last_ns < clock->first_ns ||
	    clock->last_ns - clock->first_ns < LEAST_SPAN)
		return 0;
	return (double)(clock->last_ns - clock->first_ns) / (double)(clock->last_ticks - clock->first_ticks);
}

static uint64_t in_ns(uint64_t ticks, double tick)
{
	return (uint64_t)((double)ticks * tick + 0.5);
}

static void add_error(struct call_figures *figures, unsigned error, uint64_t count)
{
	for (size_t i = 0; i < CALL_ERRORS; i++) {
		struct call_error *place = &figures->by_error[i];

		if (place->count && place->error != error)
			continue;
		place->error = error;
		place->count = figure_sum(place->count, count);
		return;
	}
}

static int more_errors(const void *a, const void *b)
{
	const struct call_error *first = a, *second = b;

	if (first->count != second->count)
		return first->count > second->count ? -1 : 1;
	return (int)first->error - (int)second->error;
}

/* A duration that at least so many of the calls did not exceed: the upper end of its class, or the longest of all. */
static uint64_t quantile(const uint64_t latencies[CAPTURE_LATENCIES], uint64_t calls, uint64_t most)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i + 1 < CAPTURE_LATENCIES; i++) {
		seen += latencies[i];
		if (seen >= calls)
			return capture_latency_from(i + 1) - 1 < most ? capture_latency_from(i + 1) - 1 : most;
	}
	return most;
}

/* What is in ticks until all cells are added up. */
struct durations {
	uint64_t ticks, least, most, latencies[CAPTURE_LATENCIES];
};

static void add_cell(struct call_figures *figures, struct durations *durations, const struct capture_call *cell)
{
	figures->number = cell->number;
	figures->calls = figure_sum(figures->calls, cell->calls);
	figures->errors = figure_sum(figures->errors, cell->errors);
	figures->bytes = figure_sum(figures->bytes, cell->bytes);
	for (size_t i = 0; i < CAPTURE_ERRORS; i++)
		if (cell->error_counts[i])
			add_error(figures, cell->errnos[i], cell->error_counts[i]);
	if (!cell->timed)
		return;
	if (!figures->timed || cell->least_ticks < durations->least)
		durations->least = cell->least_ticks;
	if (cell->most_ticks > durations->most)
		durations->most = cell->most_ticks;
	figures->timed += cell->timed;
	durations->ticks += cell->ticks;
	for (size_t i = 0; i < CAPTURE_LATENCIES; i++)
		durations->latencies[i] += cell->latencies[i];
}

static void finish(struct call_figures *figures, const struct durations *durations, double tick)
{
	qsort(figures->by_error, CALL_ERRORS, sizeof(figures->by_error[0]), more_errors);
	if (!call_reads(figures->number) && !call_writes(figures->number))
		figures->bytes = CAPTURE_UNKNOWN;
	figures->time_ns = figures->least_ns = figures->most_ns = figures->half_ns = figures->p99_ns = CAPTURE_UNKNOWN;
	if (!figures->timed || tick == 0)
		return;
	figures->time_ns = in_ns(durations->ticks, tick);
	figures->least_ns = in_ns(durations->least, tick);
	figures->most_ns = in_ns(durations->most, tick);
	figures->half_ns = in_ns(quantile(durations->latencies, figures->timed - figures->timed / 2, durations->most), tick);
	figures->p99_ns = in_ns(quantile(durations->latencies, figures->timed - figures->timed / 100, durations->most), tick);
}

static int more_often(const void *a, const void *b)
{
	const struct call_figures *first = a, *second = b;

	if (first->calls != second->calls)
		return first->calls > second->calls ? -1 : 1;
	return (int)first->number - (int)second->number;
}

static struct books {
	struct call_figures figures[CAPTURE_NUMBERS];
	struct durations durations[CAPTURE_NUMBERS];
	uint32_t clock;                 /* enum capture_clock_kind, of the first image that has one */
	double tick;
	uint64_t span_ns;               /* over which the tick was found */
} books;

void calls_begin(void)
{
	memset(&books, 0, sizeof(books));
}

static void add_clock(const struct capture_clock *clock)
{
	double tick = call_tick_ns(clock);
	uint64_t span_ns = clock->last_ns - clock->first_ns;

	if (books.clock == CALL_CLOCK_NONE)
		books.clock = clock->kind;
	if (tick == 0 || clock->kind != books.clock || (books.tick != 0 && span_ns <= books.span_ns))
		return;
	books.tick = tick;
	books.span_ns = span_ns;
}

void calls_add(const struct capture *capture)
{
	add_clock(&capture->call_clock);
	for (size_t i = 0; i < capture->cells_used; i++) {
		struct capture_call cell = capture->calls[i];

		if (capture->call_clock.kind != books.clock)
			cell.timed = 0;
		add_cell(&books.figures[cell.number], &books.durations[cell.number], &cell);
	}
}

size_t calls_take(struct call_figures figures[CAPTURE_NUMBERS])
{
	size_t count = 0;

	memset(figures, 0, CAPTURE_NUMBERS * sizeof(figures[0]));
	for (size_t i = 0; i < CAPTURE_NUMBERS; i++) {
		if (!books.figures[i].calls)
			continue;
		figures[count] = books.figures[i];
		finish(&figures[count++], &books.durations[i], books.tick);
	}
	qsort(figures, count, sizeof(figures[0]), more_often);
	return count;
}

size_t calls_of(const struct capture *capture, struct call_figures figures[CAPTURE_NUMBERS])
{
	calls_begin();
	calls_add(capture);
	return calls_take(figures);
}

const char *const calls_vdso_names[CAPTURE_VDSO] = {
#define NAME(constant, name) [constant] = name,
	CAPTURE_VDSO_TABLE(NAME)
#undef NAME
};

uint64_t calls_vdso(const struct capture *capture, enum capture_vdso which)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < CAPTURE_COUNTERS; i++)
		sum = figure_sum(sum, capture->counters[i].vdso[which]);
	return capture->vdso_counted ? sum : CAPTURE_UNKNOWN;
}

uint64_t calls_count(const struct capture *capture, unsigned number)
{
	uint64_t count = 0;

	for (size_t i = 0; i < capture->cells_used; i++)
		if (capture->calls[i].number == number)
			count = figure_sum(count, capture->calls[i].calls);
	return count;
}

struct call_figures calls_sum(const struct call_figures *figures, size_t count)
{
	struct call_figures sum = { .time_ns = 0 };

	for (size_t i = 0; i < count; i++) {
		sum.calls = figure_sum(sum.calls, figures[i].calls);
		sum.errors = figure_sum(sum.errors, figures[i].errors);
		if (figures[i].timed && figures[i].time_ns != CAPTURE_UNKNOWN)
			sum.time_ns = figure_sum(sum.time_ns, figures[i].time_ns);
		sum.timed += figures[i].timed;
	}
	if (!sum.timed)
		sum.time_ns = CAPTURE_UNKNOWN;
	return sum;
}

static void add_known(uint64_t *sum, uint64_t figure)
{
	if (figure != CAPTURE_UNKNOWN)
		*sum = *sum == CAPTURE_UNKNOWN ? figure : figure_sum(*sum, figure);
}

static int more_time(const void *a, const void *b)
{
	const struct service *first = a, *second = b;

	if (first->timed && second->timed && first->time_ns != second->time_ns)
		return first->time_ns > second->time_ns ? -1 : 1;
	if (first->calls != second->calls)
		return first->calls > second->calls ? -1 : 1;
	return strcmp(first->name, second->name);
}

size_t calls_services(const struct call_figures *figures, size_t count, struct service *services)
{
	size_t used = 0;

	for (unsigned category = 0; category < SYSCALL_CATEGORIES; category++) {
		struct service service = { syscall_category_names[category], 0, 0, 0, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN };

		for (size_t i = 0; i < count; i++) {
			if (call_category(figures[i].number) != service.name)
				continue;
			service.calls = figure_sum(service.calls, figures[i].calls);
			service.errors = figure_sum(service.errors, figures[i].errors);
			service.timed += figures[i].timed;
			if (figures[i].timed)
				add_known(&service.time_ns, figures[i].time_ns);
			add_known(&service.bytes_in, call_bytes_in(&figures[i]));
			add_known(&service.bytes_out, call_bytes_out(&figures[i]));
		}
		if (service.calls)
			services[used++] = service;
	}
	qsort(services, used, sizeof(services[0]), more_time);
	return used;
}
