/* SPDX-License-Identifier: MIT */
/*
 * perf_event_open(2), write_backward: each record is written before the one that came before it, so that reading
 * forwards from the ring's head finds whole records, the newest first, up to the one that is overwritten at its end.
 * Output is held up while a ring is copied.
 */
#include "last_faults.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define MOST_PAGES 16                   /* of RLIMIT_MEMLOCK, beside what fault_rings takes: perf_event_open(2) */
#define MOST_BYTES (512UL << 10)        /* of all rings: they are read whenever a process has ended */
#define WAKE_BYTES (32U << 10)          /* written, until the reader is woken to see what they have cost */
#define CHAINS     256                  /* a power of two */
#define NO_RECORD  SIZE_MAX

/* A sample of the type below; without registers, it ends behind `registers`. */
struct record {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time, address, registers; /* the last: PERF_SAMPLE_REGS_ABI_NONE: there are none */
	uint64_t source, target, stack;
};
#define WITHOUT_REGISTERS offsetof(struct record, source)

struct ring {
	int    event;
	struct perf_event_mmap_page *header;
};

struct last_faults {
	struct ring *rings;
	size_t count;
	uint64_t page_bytes, data_bytes; /* the latter a power of two */
	char  *copy;                    /* of one ring */
	struct record *records;         /* as of the last reading, and … */
	size_t *next;                   /* … for each the next older one of its chain and ring */
	size_t used, room;
	size_t chains[CHAINS];          /* by process */
	uint64_t complete_since_ns;
};

static int open_event(int processor)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type =
			PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_REGS_USER,
		.sample_regs_user = 1 << PERF_REG_X86_SI | 1 << PERF_REG_X86_DI | 1 << PERF_REG_X86_SP,
		.disabled = 1,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.enable_on_exec = 1,
		.write_backward = 1,
		.watermark = 1,
		.wakeup_watermark = WAKE_BYTES,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	return (int)syscall(SYS_perf_event_open, &attributes, 0, processor, -1, PERF_FLAG_FD_CLOEXEC);
}

static void unmap_rings(struct last_faults *last)
{
	for (size_t i = 0; i < last->count; i++) {
		if (last->rings[i].header)
			munmap(last->rings[i].header, last->page_bytes + last->data_bytes);
		last->rings[i].header = NULL;
	}
}

/* All rings are of one size, so that a sample that is missing is missing by age. */
static bool map_rings(struct last_faults *last)
{
	for (size_t i = 0; i < last->count; i++) { /* only to be read: that is what makes the kernel overwrite */
		void *map = mmap(NULL, last->page_bytes + last->data_bytes, PROT_READ, MAP_SHARED,
				 last->rings[i].event, 0);

		if (map == MAP_FAILED) {
			unmap_rings(last);
			return false;
		}
		last->rings[i].header = map;
	}
	return true;
}

/* False: the kernel refuses. A processor that is switched off has no events. */
static bool open_events(struct last_faults *last, long processors)
{
	last->rings = memory_get((size_t)processors * sizeof(last->rings[0]));
	for (int processor = 0; processor < processors; processor++) {
		int event = open_event(processor);

		if (event < 0 && errno != ENODEV)
			return false;
		if (event >= 0)
			last->rings[last->count++].event = event;
	}
	return last->count;
}

struct last_faults *last_faults_open(void)
{
	struct last_faults *last = memory_get(sizeof(*last));

	last->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	last->data_bytes = MOST_PAGES * last->page_bytes;
	if (open_events(last, sysconf(_SC_NPROCESSORS_CONF))) {
		while (last->count * last->data_bytes > MOST_BYTES && last->data_bytes > last->page_bytes)
			last->data_bytes /= 2;
		while (!map_rings(last) && last->data_bytes > last->page_bytes)
			last->data_bytes /= 2;
	}
	if (!last->count || !last->rings[0].header) {
		last_faults_close(last);
		return NULL;
	}
	last->room = last->count * (last->data_bytes / WITHOUT_REGISTERS);
	last->copy = memory_get(last->data_bytes);
	last->records = memory_get(last->room * sizeof(last->records[0]));
	last->next = memory_get(last->room * sizeof(last->next[0]));
	return last;
}

void last_faults_close(struct last_faults *last)
{
	unmap_rings(last);
	for (size_t i = 0; i < last->count; i++)
		close(last->rings[i].event);
	free(last->rings);
	free(last->copy);
	free(last->records);
	free(last->next);
	free(last);
}

void last_faults_pause(struct last_faults *last, bool pause)
{
	for (size_t i = 0; i < last->count; i++)
		ioctl(last->rings[i].event, pause ? PERF_EVENT_IOC_DISABLE : PERF_EVENT_IOC_ENABLE, 0);
}

size_t last_faults_polls(const struct last_faults *last, struct pollfd *polls)
{
	for (size_t i = 0; polls && i < last->count; i++)
		polls[i] = (struct pollfd){ .fd = last->rings[i].event, .events = POLLIN };
	return last->count;
}

/* Bytes that were ever written: the head runs down from 0. */
static uint64_t written(const struct ring *ring)
{
	return -__atomic_load_n(&ring->header->data_head, __ATOMIC_ACQUIRE);
}

uint64_t last_faults_taken(const struct last_faults *last)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < last->count; i++)
		bytes += written(&last->rings[i]);
	return bytes / sizeof(struct record);
}

/* Returns the bytes that are in the copy. */
static uint64_t copy_ring(struct last_faults *last, const struct ring *ring)
{
	const char *data = (const char *)ring->header + last->page_bytes;
	uint64_t head, place, used;

	ioctl(ring->event, PERF_EVENT_IOC_PAUSE_OUTPUT, 1);
	head = __atomic_load_n(&ring->header->data_head, __ATOMIC_ACQUIRE);
	used = -head < last->data_bytes ? -head : last->data_bytes;
	place = head & (last->data_bytes - 1);
	memcpy(last->copy, data + place, last->data_bytes - place);
	memcpy(last->copy + last->data_bytes - place, data, place);
	ioctl(ring->event, PERF_EVENT_IOC_PAUSE_OUTPUT, 0);
	return used;
}

/* Older ones come later, so each chain is built at its end. */
static void read_ring(struct last_faults *last, const struct ring *ring, size_t ends[CHAINS])
{
	uint64_t used = copy_ring(last, ring), at = 0, oldest_ns = 0;

	while (used - at >= WITHOUT_REGISTERS && last->used < last->room) {
		struct record record = { 0 };
		size_t *link;

		memcpy(&record, last->copy + at, WITHOUT_REGISTERS);
		if (record.header.size < sizeof(record.header) || record.header.size > used - at)
			break;
		if (record.header.size == sizeof(record))
			memcpy(&record, last->copy + at, sizeof(record));
		at += record.header.size;
		if (record.header.type != PERF_RECORD_SAMPLE)
			continue;
		oldest_ns = record.time;
		link = ends[record.pid % CHAINS] == NO_RECORD ? &last->chains[record.pid % CHAINS]
							      : &last->next[ends[record.pid % CHAINS]];
		*link = ends[record.pid % CHAINS] = last->used;
		last->next[last->used] = NO_RECORD;
		last->records[last->used++] = record;
	}
	if (used == last->data_bytes && oldest_ns > last->complete_since_ns)
		last->complete_since_ns = oldest_ns;
}

void last_faults_read(struct last_faults *last)
{
	size_t ends[CHAINS];

	last->used = 0;
	last->complete_since_ns = 0;
	for (size_t i = 0; i < CHAINS; i++)
		last->chains[i] = ends[i] = NO_RECORD;
	for (size_t i = 0; i < last->count; i++)
		read_ring(last, &last->rings[i], ends);
}

static struct fault_event event_of(const struct record *record)
{
	return (struct fault_event){
		.time_ns = record->time,
		.pid = (pid_t)record->pid,
		.tid = (pid_t)record->tid,
		.address = record->address,
		.ip = record->ip,
		.is_32bit = record->registers == PERF_SAMPLE_REGS_ABI_32,
		.source = record->source,
		.target = record->target,
		.stack = record->stack,
	};
}

/* Puts a sample where it belongs in [from, used), the newest first; the oldest falls out when there is no more room. */
static size_t put(struct fault_event *newest, size_t from, size_t used, size_t room, const struct record *record)
{
	size_t at;

	if (used == room && (used == from || record->time <= newest[used - 1].time_ns))
		return used;
	used += used < room;
	for (at = used - 1; at > from && newest[at - 1].time_ns < record->time; at--) /* of another processor */
		newest[at] = newest[at - 1];
	newest[at] = event_of(record);
	return used;
}

static size_t find_thread(const struct fault_event *events, size_t used, uint32_t tid)
{
	size_t i = 0;

	while (i < used && events[i].tid != (pid_t)tid)
		i++;
	return i;
}

/* A sample of a thread that has none among the newest of all, unless it has a newer one behind these. */
static size_t put_thread(struct fault_event *newest, size_t from, size_t used, size_t room, const struct record *record)
{
	size_t at = find_thread(newest, used, record->tid);

	if (at < from || (at < used && newest[at].time_ns >= record->time))
		return used;
	if (at < used) { /* an older one of another processor */
		memmove(newest + at, newest + at + 1, (used - at - 1) * sizeof(newest[0]));
		used--;
	}
	return put(newest, from, used, room, record);
}

size_t last_faults_of(const struct last_faults *last, pid_t pid, uint64_t until_ns, struct fault_event *newest,
		      size_t room, uint64_t *complete_since_ns)
{
	size_t used = 0, all;

	*complete_since_ns = last->complete_since_ns;
	if (!last->used)
		return 0;
	for (size_t i = last->chains[(uint32_t)pid % CHAINS]; i != NO_RECORD; i = last->next[i])
		if (last->records[i].pid == (uint32_t)pid && last->records[i].time <= until_ns)
			used = put(newest, 0, used, room / 2, &last->records[i]);
	all = used;
	if (all < room / 2)
		return all;
	for (size_t i = last->chains[(uint32_t)pid % CHAINS]; i != NO_RECORD; i = last->next[i])
		if (last->records[i].pid == (uint32_t)pid && last->records[i].time <= until_ns)
			used = put_thread(newest, all, used, room, &last->records[i]);
	return used;
}
