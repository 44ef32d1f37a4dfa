/* SPDX-License-Identifier: MIT */
/* Adds up the counters of descriptors, of all threads and images, by where they lead. */
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "figures.h"
#include "memory.h"

static void add_clock(struct traffic *traffic, const struct capture_clock *clock)
{
	double tick = call_tick_ns(clock);
	uint64_t span_ns = clock->last_ns - clock->first_ns;

	if (traffic->clock == CALL_CLOCK_NONE)
		traffic->clock = clock->kind;
	if (tick == 0 || clock->kind != traffic->clock || (traffic->tick != 0 && span_ns <= traffic->span_ns))
		return;
	traffic->tick = tick;
	traffic->span_ns = span_ns;
}

void traffic_add(struct traffic *traffic, const struct capture *capture)
{
	add_clock(traffic, &capture->call_clock);
	traffic->dropped = figure_sum(traffic->dropped, capture->targets_dropped);
	for (size_t i = 0; i < CAPTURE_TRAFFIC; i++) {
		const struct capture_traffic *from = &capture->traffic[i];
		const struct capture_target *target = &capture->targets[from->target];
		bool own = from->target >= TARGET_FIRST, timed = capture->call_clock.kind == traffic->clock;

		if (!from->calls)
			continue;
		if (traffic->count == traffic->room) {
			traffic->room = traffic->room ? traffic->room * 2 : CAPTURE_DESCRIPTORS;
			traffic->lines = memory_more(traffic->lines, traffic->room * sizeof(traffic->lines[0]));
		}
		traffic->lines[traffic->count++] = (struct traffic_line){
			.target = own ? TARGET_FIRST : from->target, .fd = own ? target->fd : 0, .name = memory_copy(target->name, own ? strlen(target->name) : 0),
			.calls = from->calls, .errors = from->errors, .bytes_in = from->bytes_in, .bytes_out = from->bytes_out,
			.timed = timed ? from->timed : 0, .ticks = timed ? from->ticks : 0,
		};
	}
}

static int by_target(const void *a, const void *b)
{
	const struct traffic_line *first = a, *second = b;

	if (first->target != second->target)
		return first->target < second->target ? -1 : 1;
	if (first->fd != second->fd)
		return first->fd < second->fd ? -1 : 1;
	return strcmp(first->name, second->name);
}

/* The rest of a kind comes behind what has a name. */
static int by_use(const void *a, const void *b)
{
	const struct traffic_line *first = a, *second = b;
	uint64_t first_ns = first->time_ns == CAPTURE_UNKNOWN ? 0 : first->time_ns;
	uint64_t second_ns = second->time_ns == CAPTURE_UNKNOWN ? 0 : second->time_ns;
	uint64_t first_bytes = figure_sum(first->bytes_in, first->bytes_out), second_bytes = figure_sum(second->bytes_in, second->bytes_out);

	if (first_ns != second_ns)
		return first_ns > second_ns ? -1 : 1;
	if (first_bytes != second_bytes)
		return first_bytes > second_bytes ? -1 : 1;
	if (first->calls != second->calls)
		return first->calls > second->calls ? -1 : 1;
	return by_target(a, b);
}

static void merge(struct traffic *traffic)
{
	size_t kept = 0;

	for (size_t i = 0; i < traffic->count; i++) {
		struct traffic_line *line = &traffic->lines[i], *last = kept ? &traffic->lines[kept - 1] : NULL;

		if (!last || by_target(last, line)) {
			traffic->lines[kept++] = *line;
			continue;
		}
		last->calls = figure_sum(last->calls, line->calls);
		last->errors = figure_sum(last->errors, line->errors);
		last->bytes_in = figure_sum(last->bytes_in, line->bytes_in);
		last->bytes_out = figure_sum(last->bytes_out, line->bytes_out);
		last->timed = figure_sum(last->timed, line->timed);
		last->ticks = figure_sum(last->ticks, line->ticks);
		free(line->name);
	}
	traffic->count = kept;
}

void traffic_sort(struct traffic *traffic)
{
	if (!traffic->count)
		return;
	qsort(traffic->lines, traffic->count, sizeof(traffic->lines[0]), by_target);
	merge(traffic);
	for (size_t i = 0; i < traffic->count; i++) {
		struct traffic_line *line = &traffic->lines[i];
		bool known = line->timed && line->ticks != CAPTURE_UNKNOWN && traffic->tick != 0;

		line->time_ns = known ? (uint64_t)((double)line->ticks * traffic->tick + 0.5) : CAPTURE_UNKNOWN;
	}
	qsort(traffic->lines, traffic->count, sizeof(traffic->lines[0]), by_use);
}

void traffic_free(struct traffic *traffic)
{
	for (size_t i = 0; i < traffic->count; i++)
		free(traffic->lines[i].name);
	free(traffic->lines);
	*traffic = (struct traffic){ NULL };
}

const char *traffic_kind(const struct traffic_line *line)
{
	static const char *const rests[] = {
		[TARGET_NONE] = "unknown", [TARGET_UNKNOWN] = "unknown", [TARGET_FILES] = "file", [TARGET_PIPES] = "pipe",
		[TARGET_SOCKETS] = "socket",
	};

	if (line->target < TARGET_FIRST)
		return rests[line->target];
	return !strncmp(line->name, "socket:[", 8) ? "socket" : !strncmp(line->name, "pipe:[", 6) ? "pipe"
	     : !strncmp(line->name, "anon_inode:", 11) ? "anonymous" : "file";
}
