/* SPDX-License-Identifier: MIT */
/*
 * Bounds for every field of a capture. What identifies it must be right, or it is not shown at all; anything else that
 * makes no sense becomes unknown, and the first such finding is told.
 */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOST      (UINT64_MAX >> 2)     /* above any time, size or count that a process can reach */
#define MOST_LIVE (1LL << 54)           /* above any address space; 128 of them can be added up */

struct check {
	char  *defect;
	size_t room;
	bool   found;
};

static void finding(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void finding(struct check *check, const char *format, ...)
{
	va_list arguments;

	if (check->found)
		return;
	check->found = true;
	va_start(arguments, format);
	vsnprintf(check->defect, check->room, format, arguments);
	va_end(arguments);
}

static void check_number(struct check *check, const char *name, uint64_t *number)
{
	if (*number <= MOST || *number == CAPTURE_UNKNOWN)
		return;
	finding(check, "%s is %" PRIu64, name, *number);
	*number = CAPTURE_UNKNOWN;
}

static void check_signed(struct check *check, const char *name, int64_t *number)
{
	if (*number <= MOST_LIVE && *number >= -MOST_LIVE)
		return;
	finding(check, "%s is %" PRId64, name, *number);
	*number = 0;
}

static void check_limit(struct check *check, const char *name, uint32_t *number, uint32_t limit)
{
	if (*number <= limit)
		return;
	finding(check, "%s is %" PRIu32 ", at most %" PRIu32, name, *number, limit);
	*number = 0;
}

static void check_string(struct check *check, const char *name, char *string, size_t bytes)
{
	if (memchr(string, '\0', bytes))
		return;
	finding(check, "%s does not end", name);
	string[bytes - 1] = '\0';
}

/* Numbers one after the other, of the same kind. */
static void check_numbers(struct check *check, const char *name, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_number(check, name, &numbers[i]);
}

static bool fail(char *defect, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *defect, size_t room, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(defect, room, format, arguments);
	va_end(arguments);
	return false;
}

static bool check_identity(const struct capture *c, size_t read, uint64_t file_bytes, char *defect, size_t room)
{
	if (!file_bytes)
		return fail(defect, room, "empty: its process ended before it could be recorded, or the disk was full");
	if (read < offsetof(struct capture, page_size) || memcmp(c->magic, CAPTURE_MAGIC, sizeof(c->magic)))
		return fail(defect, room, "not a capture of pagegap");
	if (c->version > CAPTURE_VERSION)
		return fail(defect, room, "made by a newer pagegap (format %" PRIu32 "), this one reads %d", c->version,
			    CAPTURE_VERSION);
	if (c->version && c->version < CAPTURE_VERSION)
		return fail(defect, room, "made by an older pagegap (format %" PRIu32 "), this one reads %d", c->version,
			    CAPTURE_VERSION);
	if (c->version != CAPTURE_VERSION)
		return fail(defect, room, "damaged: format %" PRIu32, c->version);
	if (c->header_bytes != sizeof(*c))
		return fail(defect, room, "damaged: it says that it has %" PRIu32 " bytes, not %zu", c->header_bytes,
			    sizeof(*c));
	if (file_bytes != sizeof(*c) || read != sizeof(*c))
		return fail(defect, room, "%s: %" PRIu64 " bytes, not %zu",
			    file_bytes < sizeof(*c) ? "truncated" : "damaged", file_bytes, sizeof(*c));
	if (c->page_size < 4096 || c->page_size > 65536 || (c->page_size & (c->page_size - 1)))
		return fail(defect, room, "damaged: pages of %" PRIu32 " bytes", c->page_size);
	if (!c->pid || c->pid > INT32_MAX || c->parent_pid > INT32_MAX)
		return fail(defect, room, "damaged: pid %" PRIu32 ", parent %" PRIu32, c->pid, c->parent_pid);
	if (c->start_ns > MOST)
		return fail(defect, room, "damaged: it starts at %" PRIu64, c->start_ns);
	return true;
}

static void check_strings(struct check *check, struct capture *c)
{
	check_string(check, "exe", c->exe, sizeof(c->exe));
	check_string(check, "allocator", c->allocator, sizeof(c->allocator));
	check_string(check, "exec_path", c->exec_path, sizeof(c->exec_path));
	check_limit(check, "argv_bytes", &c->argv_bytes, CAPTURE_ARGV_BYTES);
	if (c->argv_bytes && c->argv[c->argv_bytes - 1]) {
		if (!c->argv_cut)
			finding(check, "argv does not end");
		c->argv_cut = 1;
		c->argv[c->argv_bytes - 1] = '\0';
	}
	check_limit(check, "argv_cut", &c->argv_cut, 1);
	check_limit(check, "has_heap", &c->has_heap, 1);
}

#define ORDER_BYTES   (offsetof(struct capture_order, parent_known) - offsetof(struct capture_order, unsampled_faults))
#define ORDER_NUMBERS (ORDER_BYTES / sizeof(uint64_t))

static void check_order(struct check *check, struct capture_order *order)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "method", &order->method, CAPTURE_ORDER_METHODS - 1);
	check_limit(&own, "partial", &order->partial, 1);
	check_limit(&own, "parent_known", &order->parent_known, 1);
	check_numbers(&own, "pages", &order->unsampled_faults, ORDER_NUMBERS);
	check_numbers(&own, "pages by the parent", &order->by_parent.rows[0].copied_pages,
		      sizeof(order->by_parent) / sizeof(uint64_t));
	if (!own.found)
		return;
	finding(check, "the order of writes makes no sense: %s", own.defect);
	memset(order, 0, sizeof(*order));
}

/* Pages that are counted in two ways and have been written more often than they are there are none at all. */
static void check_cow_pages(struct check *check, struct capture_cow_row *pages)
{
	check_numbers(check, "pages of a fork", &pages->inherited_pages, sizeof(*pages) / sizeof(uint64_t));
	if (pages->inherited_pages != pages->shared_pages + pages->unshared_pages + pages->gone_pages)
		finding(check, "pages do not add up");
	if (pages->written_gone_pages > pages->gone_pages || pages->written_gone_pages > pages->written_pages)
		finding(check, "more was written than there was");
}

static void check_cow_course(struct check *check, struct capture_cow_course *course)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_number(&own, "interval_ns", &course->interval_ns);
	check_limit(&own, "samples_used", &course->samples_used, CAPTURE_COW_SAMPLES);
	check_limit(&own, "regions_used", &course->regions_used, CAPTURE_COW_REGIONS);
	for (size_t i = 0; i < course->samples_used; i++) {
		check_number(&own, "at_ns", &course->samples[i].at_ns);
		check_cow_pages(&own, &course->samples[i].pages);
	}
	for (size_t i = 0; i < course->regions_used; i++) {
		struct capture_cow_region *region = &course->regions[i];

		check_limit(&own, "the row of a region", &region->row, CAPTURE_ROWS - 1);
		if (region->row == ROW_HEAP_SLACK || region->row == ROW_HEAP_FREE)
			finding(&own, "a region is a part of the heap's rows");
		if (region->end < region->start || region->end > MOST)
			finding(&own, "a region ends before it starts");
		check_cow_pages(&own, &region->pages);
	}
	if (!own.found)
		return;
	finding(check, "the course of copy-on-write makes no sense: %s", own.defect);
	memset(course, 0, sizeof(*course));
}

/* Sums that cannot be are none. */
static void check_cow(struct check *check, struct capture_cow *cow)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };
	uint64_t inherited = 0;

	check_limit(&own, "method", &cow->method, CAPTURE_COW_METHODS - 1);
	check_limit(&own, "looked", &cow->looked, 1);
	check_limit(&own, "heap_split", &cow->heap_split, 1);
	check_limit(&own, "watch_ended", &cow->watch_ended, 1);
	check_numbers(&own, "faults", &cow->early_faults, 2);
	check_numbers(&own, "inherited_pages", &cow->inherited_pages, 2);
	check_numbers(&own, "written_unmapped_pages", &cow->written_unmapped_pages, 4);
	check_numbers(&own, "unasked_pages", &cow->unasked_pages, 2);
	check_number(&own, "left_pages", &cow->left_pages);
	if (!cow->looked) /* it may have been killed while it wrote them */
		memset(cow->rows, 0, sizeof(cow->rows));
	for (size_t row = 0; row < CAPTURE_ROWS && !own.found; row++) {
		check_cow_pages(&own, &cow->rows[row]);
		inherited += cow->rows[row].inherited_pages;
	}
	if (!own.found && cow->looked && inherited > cow->inherited_pages)
		finding(&own, "the rows hold more than there is");
	if (!own.found && cow->looked && cow->written_unmapped_pages > cow->inherited_pages - inherited)
		finding(&own, "more was written than there was");
	if (!own.found)
		return;
	finding(check, "copy-on-write makes no sense: %s", own.defect);
	memset(cow, 0, sizeof(*cow));
}

#define FAULT_NUMBERS ((sizeof(struct capture_faults) - offsetof(struct capture_faults, minor)) / sizeof(uint64_t))

static void check_life(struct check *check, struct capture *c)
{
	check_limit(check, "born", &c->born, CAPTURE_BORN - 1);
	check_limit(check, "ended", &c->ended, CAPTURE_ENDED - 1);
	check_number(check, "start_realtime_ns", &c->start_realtime_ns);
	check_number(check, "end_ns", &c->end_ns);
	if (c->end_ns != CAPTURE_UNKNOWN && c->end_ns && c->end_ns < c->start_ns) {
		finding(check, "it ends before it starts");
		c->end_ns = 0;
	}
	if ((c->ended == ENDED_EXIT && (c->end_code < 0 || c->end_code > 255)) ||
	    (c->ended == ENDED_SIGNAL && (c->end_code < 1 || c->end_code > 64))) {
		finding(check, "it ends with %" PRId32, c->end_code);
		c->ended = ENDED_NOT;
	}
	check_numbers(check, "a time or a count of the process", &c->user_ns, 10); /* up to usage_at_ns */
	check_numbers(check, "a time of the threads", &c->threads_lived_ns, 8); /* up to kernel_writes */
	for (size_t i = 0; i < CAPTURE_NOTES; i++) {
		check_limit(check, "a note", &c->notes[i].kind, CAPTURE_NOTE_KINDS - 1);
		check_number(check, "the count of a note", &c->notes[i].count);
	}
}
_Static_assert(offsetof(struct capture, usage_at_ns) - offsetof(struct capture, user_ns) == 9 * sizeof(uint64_t),
	       "ten numbers");
_Static_assert(offsetof(struct capture, kernel_writes) - offsetof(struct capture, threads_lived_ns) == 7 * sizeof(uint64_t),
	       "eight numbers");

/* Written by the runner, but into a file of the program's: counts that make no sense are none. */
static void check_faults(struct check *check, struct capture_faults *faults)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "method", &faults->method, CAPTURE_FAULTS_METHODS - 1);
	check_limit(&own, "partial", &faults->partial, 1);
	check_numbers(&own, "a count of faults", faults->minor, FAULT_NUMBERS);
	if (!own.found)
		return;
	finding(check, "the page faults make no sense: %s", own.defect);
	memset(faults, 0, sizeof(*faults));
}

/* Addresses may be any; what they lie in must be a range. */
static void check_place(struct check *check, struct capture_place *place)
{
	check_string(check, "the name of a mapping", place->name, sizeof(place->name));
	if (place->end < place->start)
		finding(check, "a mapping ends before it starts");
}

static void check_invalid_access(struct check *check, struct capture_invalid_access *access)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "state", &access->state, CAPTURE_ACCESS_STATES - 1);
	check_limit(&own, "kind", &access->kind, CAPTURE_ACCESS_KINDS - 1);
	check_limit(&own, "map_known", &access->map_known, 1);
	check_number(&own, "at_ns", &access->at_ns);
	check_number(&own, "faults_after", &access->faults_after);
	check_numbers(&own, "a place in a file", &access->file_offset, 2);
	check_number(&own, "code_offset", &access->code_offset);
	check_place(&own, &access->at);
	check_place(&own, &access->below);
	check_place(&own, &access->above);
	check_place(&own, &access->code);
	if (!own.found)
		return;
	finding(check, "the refused access makes no sense: %s", own.defect);
	memset(access, 0, sizeof(*access));
}

static void check_oom(struct check *check, struct capture_oom *oom)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "watched", &oom->watched, 1);
	check_numbers(&own, "a count or a limit", &oom->cgroup_kills, 3);
	check_string(&own, "the name of the cgroup", oom->cgroup, sizeof(oom->cgroup));
	if (!own.found)
		return;
	finding(check, "what the OOM killer did makes no sense: %s", own.defect);
	memset(oom, 0, sizeof(*oom));
}
_Static_assert(offsetof(struct capture_oom, limit_bytes) - offsetof(struct capture_oom, cgroup_kills) == 16,
	       "three numbers");

/* What was refused is evidence only as a whole. */
static void check_exhaustion(struct check *check, struct capture_exhaustion *e)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "noted", &e->noted, 1);
	check_limit(&own, "first_request", &e->first_request, CAPTURE_REQUESTS - 1);
	for (size_t i = 0; i < CAPTURE_REQUESTS; i++)
		check_numbers(&own, "a count or a time", &e->refused[i].count,
			      sizeof(e->refused[i]) / sizeof(uint64_t));
	check_numbers(&own, "a figure", &e->first_bytes, 3);
	check_numbers(&own, "a figure of the machine", &e->overcommit, 6);
	if (!own.found)
		return;
	finding(check, "the refused requests make no sense: %s", own.defect);
	memset(e, 0, sizeof(*e));
}
_Static_assert(offsetof(struct capture_exhaustion, data_bytes) - offsetof(struct capture_exhaustion, first_bytes) == 16,
	       "three numbers; limits may be any");
_Static_assert(offsetof(struct capture_exhaustion, mappings_limit) ==
		       offsetof(struct capture_exhaustion, overcommit) + 40,
	       "six numbers");

static void check_heap(struct check *check, struct capture *c)
{
	check_numbers(check, "a figure of page tables or of populated memory", &c->born_page_table_bytes, 3);
	check_numbers(check, "an inherited figure", &c->inherited_blocks, 3);
	check_signed(check, "live_bytes", &c->live_bytes);
	check_signed(check, "peak_live_bytes", &c->peak_live_bytes);
	check_number(check, "peak_bound_bytes", &c->peak_bound_bytes);
	check_number(check, "own_thread_ns_spent", &c->own_thread_ns_spent);
	check_number(check, "trims", &c->trims);
}

/* The lives of threads are there to be added up. */
static void check_thread(struct check *check, struct capture *c, struct capture_thread *thread)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "alive", &thread->alive, 1);
	check_limit(&own, "the number of a thread", &thread->tid, INT32_MAX);
	check_numbers(&own, "a time of a thread", &thread->since_ns, 1 + 2 * sizeof(thread->now) / sizeof(uint64_t));
	check_string(&own, "the name of a thread", thread->name, sizeof(thread->name));
	if (!own.found)
		return;
	finding(check, "a thread makes no sense: %s", own.defect);
	memset(thread, 0, sizeof(*thread));
	c->threads_lived_ns = CAPTURE_UNKNOWN;
}
_Static_assert(offsetof(struct capture_thread, name) - offsetof(struct capture_thread, since_ns) ==
		       sizeof(uint64_t) + 2 * sizeof(struct capture_thread_time),
	       "a time and two of them");

/* Only the sum over all counters means something, so one that makes no sense leaves the heap unknown. */
static void check_counters(struct check *check, struct capture *c)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	for (size_t i = 0; i < CAPTURE_COUNTERS; i++) {
		static const struct capture_counters unused;
		struct capture_counters *counters = &c->counters[i];

		if (!memcmp(counters, &unused, sizeof(unused)))
			continue; /* most are: few programs have many threads */
		check_numbers(&own, "a counter", &counters->frees, 4);
		check_signed(&own, "live_bytes of a counter", &counters->live_bytes);
		check_signed(&own, "usable_live_bytes of a counter", &counters->usable_live_bytes);
		check_signed(&own, "published_bytes of a counter", &counters->published_bytes);
		check_signed(&own, "peak_bytes of a counter", &counters->peak_bytes);
		check_numbers(&own, "a counter", &counters->untracked, 3);
		check_numbers(&own, "a size class", counters->size_class, CAPTURE_SIZE_CLASSES);
		check_numbers(check, "a count of the vDSO's calls", counters->vdso, CAPTURE_VDSO);
		check_thread(check, c, &counters->thread);
	}
	if (!own.found)
		return;
	finding(check, "%s", own.defect);
	c->has_heap = 0;
}
_Static_assert(offsetof(struct capture, inherited_usable_bytes) - offsetof(struct capture, inherited_blocks) == 16,
	       "three numbers");
_Static_assert(offsetof(struct capture_counters, requested_bytes) - offsetof(struct capture_counters, frees) == 24,
	       "four numbers");
_Static_assert(offsetof(struct capture_counters, unknown_frees) - offsetof(struct capture_counters, untracked) == 16,
	       "three numbers");

/* Calls are there to be added up: one that makes no sense leaves none. */
static void check_calls(struct check *check, struct capture *c)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "the clock of the calls", &c->call_clock.kind, CALL_CLOCKS - 1);
	check_limit(&own, "calls_mode", &c->calls_mode, CAPTURE_CALLS_MODES - 1);
	check_numbers(&own, "a number of sites", &c->patched_sites, 3);
	check_limit(&own, "cells_used", &c->cells_used, CAPTURE_CELLS);
	check_number(&own, "uncounted_calls", &c->uncounted_calls);
	for (size_t i = 0; i < c->cells_used && !own.found; i++) {
		struct capture_call *cell = &c->calls[i];

		if (cell->number >= CAPTURE_NUMBERS)
			finding(&own, "a call has number %u", cell->number);
		check_numbers(&own, "a count of failed calls", cell->error_counts, CAPTURE_ERRORS);
		check_numbers(&own, "a figure of a call", &cell->calls, 5);
		check_numbers(&own, "a duration of calls", cell->latencies, CAPTURE_LATENCIES);
	}
	if (!own.found)
		return;
	finding(check, "the calls make no sense: %s", own.defect);
	c->cells_used = 0;
}
_Static_assert(offsetof(struct capture_call, ticks) - offsetof(struct capture_call, calls) == 32, "five numbers");

/* As with the calls. */
static void check_traffic(struct check *check, struct capture *c)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	check_limit(&own, "targets_used", &c->targets_used, CAPTURE_DESCRIPTORS - TARGET_FIRST);
	check_number(&own, "targets_dropped", &c->targets_dropped);
	for (size_t i = 0; i < CAPTURE_DESCRIPTORS && !own.found; i++)
		check_string(&own, "where a descriptor leads", c->targets[i].name, sizeof(c->targets[i].name));
	for (size_t i = 0; i < CAPTURE_TRAFFIC && !own.found; i++) {
		if (c->traffic[i].target >= CAPTURE_DESCRIPTORS)
			finding(&own, "a call led to %u", c->traffic[i].target);
		check_numbers(&own, "a figure of a descriptor", &c->traffic[i].calls, 6);
	}
	if (!own.found)
		return;
	finding(check, "the descriptors make no sense: %s", own.defect);
	memset(c->traffic, 0, sizeof(c->traffic));
}
_Static_assert(offsetof(struct capture_traffic, ticks) - offsetof(struct capture_traffic, calls) == 40, "six numbers");

/* A ledger that is not whole or makes no sense is none at all: its rows are there to be added up. */
static void check_snapshot(struct check *check, struct capture_snapshot *s)
{
	struct check own = { .defect = (char[64]){ "" }, .room = 64 };

	if (!s->sequence || s->sequence & 1) {
		s->sequence = 0;
		return;
	}
	check_limit(&own, "why", &s->why, CAPTURE_WHY - 1);
	check_string(&own, "name", s->name, sizeof(s->name));
	check_numbers(&own, "a figure", &s->at_ns, 7);
	check_numbers(&own, "a row", &s->rows[0].mapped_bytes, CAPTURE_ROWS * sizeof(s->rows[0]) / sizeof(uint64_t));
	check_signed(&own, "unexplained_mapped_bytes", &s->unexplained_mapped_bytes);
	check_signed(&own, "unexplained_resident_bytes", &s->unexplained_resident_bytes);
	check_numbers(&own, "the page fill", s->fill_pages, CAPTURE_FILL_BUCKETS);
	check_numbers(&own, "a figure below the line", &s->free_on_empty_bytes, 5);
	check_numbers(&own, "a figure of the allocator", &s->holdings.mapped_bytes,
		      sizeof(s->holdings) / sizeof(uint64_t));
	if (!own.found && s->why != WHY_NONE && s->at_ns != CAPTURE_UNKNOWN)
		return;
	finding(check, "a ledger makes no sense%s%s", *own.defect ? ": " : "", own.defect);
	s->sequence = 0;
}
_Static_assert(offsetof(struct capture_snapshot, thp_eligible_bytes) - offsetof(struct capture_snapshot, at_ns) == 48,
	       "seven numbers");
_Static_assert(offsetof(struct capture_snapshot, hugetlb_bytes) ==
		       offsetof(struct capture_snapshot, free_on_empty_bytes) + 32,
	       "five numbers");

static void check_series(struct check *check, struct capture *c)
{
	check_number(check, "marks", &c->marks);
	check_number(check, "sample_interval_ns", &c->sample_interval_ns);
	check_limit(check, "samples_used", &c->samples_used, CAPTURE_SAMPLES);
	check_limit(check, "mappings_used", &c->mappings_used, CAPTURE_MAPPINGS);
	check_number(check, "mappings_dropped", &c->mappings_dropped);
	for (size_t i = 0; i < c->samples_used; i++)
		check_numbers(check, "a sample", &c->samples[i].at_ns,
			      sizeof(struct capture_sample) / sizeof(uint64_t));
	for (size_t i = 0; i < c->mappings_used; i++) {
		struct capture_mapping *m = &c->mappings[i];

		check_limit(check, "the row of a mapping", &m->row, CAPTURE_ROWS - 1);
		if (m->end < m->start || m->end - m->start > MOST) {
			finding(check, "a mapping ends before it starts");
			m->end = m->start;
		}
		check_numbers(check, "a mapping", &m->resident_bytes, 6);
		check_string(check, "the name of a mapping", m->name, sizeof(m->name));
	}
}

static void check_children(struct check *check, struct capture *c)
{
	check_number(check, "children_born", &c->children_born);
	for (size_t i = 0; i < CAPTURE_CHILDREN; i++) {
		struct capture_child *child = &c->children[i];

		check_limit(check, "the birth of a child", &child->born, CAPTURE_BORN - 1);
		check_number(check, "the birth time of a child", &child->born_at_ns);
		check_number(check, "the end time of a child", &child->waited_at_ns);
		check_numbers(check, "the fork of a child", &child->fork_ns, 2);
		if (child->pid > INT32_MAX) {
			finding(check, "a child has pid %" PRIu32, child->pid);
			memset(child, 0, sizeof(*child));
		}
	}
}

enum check_result check_capture(struct capture *c, size_t read, uint64_t file_bytes, char *defect, size_t room)
{
	static const char nothing[sizeof(c->magic)];
	struct check check = { .defect = defect, .room = room };

	/* The magic is written last: what stands behind it may be anything until then. */
	if (read == sizeof(*c) && file_bytes == sizeof(*c) && !memcmp(c->magic, nothing, sizeof(nothing)))
		return CHECK_UNBEGUN;
	if (!check_identity(c, read, file_bytes, defect, room))
		return CHECK_UNUSABLE;
	check_strings(&check, c);
	check_life(&check, c);
	check_faults(&check, &c->faults);
	check_cow(&check, &c->cow);
	check_order(&check, &c->cow.order);
	check_cow_course(&check, &c->cow_course);
	check_invalid_access(&check, &c->invalid_access);
	check_oom(&check, &c->oom);
	check_exhaustion(&check, &c->exhaustion);
	check_heap(&check, c);
	check_counters(&check, c);
	check_calls(&check, c);
	check_traffic(&check, c);
	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++)
		check_snapshot(&check, &c->snapshots[i]);
	check_series(&check, c);
	check_children(&check, c);
	return check.found ? CHECK_CLEANED : CHECK_GOOD;
}
