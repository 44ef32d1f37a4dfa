/* SPDX-License-Identifier: MIT */
/* perf_event_open(2): two events and one ring for each processor; records are copied out, put in order, handed over. */
#include "fault_rings.h"

#include <errno.h>
#include <asm/perf_regs.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../preload/capture.h"
#include "figures.h"
#include "memory.h"

#define MOST_PAGES 128                  /* with its header just what perf_event_mlock_kb allows an ordinary user */
#define LEAST_PAGES 8
#define SETTLED_NS 2000000ULL           /* what happened that long ago has been written by every processor */

#define TAKEN_AT_ONCE 1000              /* then the rings are emptied again, lest they overflow meanwhile */
#define WAITING_MOST 500000             /* 60 MB here: what comes faster is lost */

struct ring {
	int    minor, major;            /* events; the second one writes to the first one's ring */
	uint64_t major_id;
	struct perf_event_mmap_page *header;
	uint64_t data_bytes;            /* a power of two */
};

struct fault_rings {
	struct ring *rings;
	size_t count;
	uint64_t page_bytes;
	bool sizes;                     /* samples tell the size of the page */
	struct fault_event *waiting;    /* copied out and not handed over yet */
	size_t used, room;
};

/* A seccomp filter is in force: proc(5). Where that cannot be read, there may be one. */
static bool is_filtered(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int mode = 1;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	if (status)
		fclose(status);
	return mode != 0;
}

static int open_event(uint64_t config, int processor, uint32_t watermark, bool sizes)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = config,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_ADDR | PERF_SAMPLE_REGS_USER | (sizes ? PERF_SAMPLE_DATA_PAGE_SIZE : 0),
		.sample_regs_user = 1 << PERF_REG_X86_SI | 1 << PERF_REG_X86_DI | 1 << PERF_REG_X86_SP,
		.disabled = 1,
		.inherit = processor >= 0,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.enable_on_exec = processor >= 0,
		.watermark = 1,
		.wakeup_watermark = watermark,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	if (config == PERF_COUNT_SW_PAGE_FAULTS_MAJ) /* the one that never pauses */
		attributes.task = attributes.comm = attributes.comm_exec = attributes.mmap_data = attributes.mmap = attributes.mmap2 = 1;
	return (int)syscall(SYS_perf_event_open, &attributes, 0, processor, -1, PERF_FLAG_FD_CLOEXEC);
}

/* A kernel before 5.11 refuses what it does not know. */
static int open_minor(int processor, uint32_t watermark, bool *sizes)
{
	int event = open_event(PERF_COUNT_SW_PAGE_FAULTS_MIN, processor, watermark, *sizes);

	if (event >= 0 || errno != EINVAL || !*sizes)
		return event;
	*sizes = false;
	return open_event(PERF_COUNT_SW_PAGE_FAULTS_MIN, processor, watermark, false);
}

bool fault_rings_may_be_asked_for(void)
{
	bool sizes = true;
	int status;
	pid_t child;

	if (!is_filtered())
		return true;
	child = fork();
	if (!child) {
		prctl(PR_SET_DUMPABLE, 0); /* no core */
		open_minor(-1, 0, &sizes);
		_exit(0);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
		return true;
	errno = EPERM;
	return false;
}

static void close_ring(struct ring *ring, uint64_t page_bytes)
{
	if (ring->header)
		munmap(ring->header, page_bytes + ring->data_bytes);
	if (ring->minor >= 0)
		close(ring->minor);
	if (ring->major >= 0)
		close(ring->major);
}

/* False: errno says why. A processor that is switched off has no events: ENODEV. */
static bool open_ring(struct ring *ring, int processor, uint64_t page_bytes, bool *sizes)
{
	void *map = MAP_FAILED;

	*ring = (struct ring){ .minor = -1, .major = -1 };
	ring->minor = open_minor(processor, (uint32_t)(MOST_PAGES / 4 * page_bytes), sizes);
	if (ring->minor < 0)
		return false;
	for (uint64_t pages = MOST_PAGES; map == MAP_FAILED && pages >= LEAST_PAGES; pages /= 2) {
		ring->data_bytes = pages * page_bytes;
		map = mmap(NULL, page_bytes + ring->data_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->minor, 0);
	}
	if (map == MAP_FAILED)
		return false;
	ring->header = map;
	ring->major = open_event(PERF_COUNT_SW_PAGE_FAULTS_MAJ, processor, 1, *sizes);
	return ring->major >= 0 && !ioctl(ring->major, PERF_EVENT_IOC_SET_OUTPUT, ring->minor) &&
	       !ioctl(ring->major, PERF_EVENT_IOC_ID, &ring->major_id);
}

struct fault_rings *fault_rings_open(void)
{
	struct fault_rings *rings = memory_get(sizeof(*rings));
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	int error;

	*rings = (struct fault_rings){ .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), .sizes = true };
	rings->rings = memory_get((size_t)processors * sizeof(rings->rings[0]));
	for (int processor = 0; processor < processors; processor++) {
		struct ring *ring = &rings->rings[rings->count];

		if (open_ring(ring, processor, rings->page_bytes, &rings->sizes)) {
			rings->count++;
			continue;
		}
		error = errno;
		close_ring(ring, rings->page_bytes);
		if (error == ENODEV)
			continue;
		fault_rings_close(rings);
		errno = error;
		return NULL;
	}
	return rings;
}

void fault_rings_close(struct fault_rings *rings)
{
	for (size_t i = 0; i < rings->used; i++)
		free(rings->waiting[i].name);
	for (size_t i = 0; i < rings->count; i++)
		close_ring(&rings->rings[i], rings->page_bytes);
	free(rings->rings);
	free(rings->waiting);
	free(rings);
}

bool fault_rings_know_sizes(const struct fault_rings *rings)
{
	return rings->sizes;
}

void fault_rings_pause(struct fault_rings *rings, bool pause)
{
	for (size_t i = 0; i < rings->count; i++)
		ioctl(rings->rings[i].minor, pause ? PERF_EVENT_IOC_DISABLE : PERF_EVENT_IOC_ENABLE, 0);
}

uint64_t fault_rings_under(uint64_t (*function)(void))
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), bytes = (1 + LEAST_PAGES) * page_bytes;
	bool sizes = true;
	int event = open_minor(-1, 0, &sizes);
	void *map = event < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_SHARED, event, 0); /* overwritten, never full */
	uint64_t result;

	if (map != MAP_FAILED)
		ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	result = function();
	if (map != MAP_FAILED)
		munmap(map, bytes);
	if (event >= 0)
		close(event);
	return result;
}

size_t fault_rings_polls(const struct fault_rings *rings, struct pollfd *polls)
{
	for (size_t i = 0; polls && i < rings->count; i++)
		polls[i] = (struct pollfd){ .fd = rings->rings[i].minor, .events = POLLIN };
	return rings->count;
}

/* What every record ends with (sample_id_all), for the sample type above. */
struct trailer { uint32_t pid, tid; uint64_t time, identifier; };

/* The records, as in perf_event_open(2). */
struct sample_record {
	struct perf_event_header header;
	uint64_t identifier, ip;
	uint32_t pid, tid;
	uint64_t time, address, registers; /* the last: PERF_SAMPLE_REGS_ABI_NONE: there are none */
	uint64_t rest[];                /* registers in the order of their numbers: si, di, sp; then the size of the page */
};
struct task_record { struct perf_event_header header; uint32_t pid, parent, tid, parent_tid; uint64_t time; };
struct map_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, size, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char name[];                    /* ends with NUL, then padding and the trailer */
};
struct lost_record { struct perf_event_header header; uint64_t identifier, lost; };

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), wanted = strlen(end);

	return length >= wanted && !strcmp(name + length - wanted, end);
}

static void read_sample(const struct ring *ring, const struct sample_record *sample, bool sizes, struct fault_event *event)
{
	const uint64_t *rest = sample->rest;

	event->kind = sample->identifier == ring->major_id ? FAULT_MAJOR : FAULT_MINOR;
	event->pid = (pid_t)sample->pid;
	event->tid = (pid_t)sample->tid;
	event->time_ns = sample->time;
	event->address = sample->address;
	event->ip = sample->ip;
	event->is_32bit = sample->registers == PERF_SAMPLE_REGS_ABI_32;
	if (sample->registers != PERF_SAMPLE_REGS_ABI_NONE) {
		event->source = *rest++;
		event->target = *rest++;
		event->stack = *rest++;
	}
	if (sizes)
		event->page_bytes = *rest;
}

static void read_map(const struct map_record *map, struct fault_event *event)
{
	event->kind = FAULT_MAP;
	event->address = map->address;
	event->size = map->size;
	event->is_break = !strcmp(map->name, "[heap]");
	event->is_capture = ends_with(map->name, CAPTURE_SUFFIX);
	event->executable = map->protection & PROT_EXEC;
	event->protection = (map->protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) |
			    (map->flags & MAP_SHARED ? CAPTURE_SHARED : 0);
	event->offset = map->offset;
	event->device = makedev(map->major, map->minor);
	event->inode = map->inode;
	event->name = memory_copy(map->name, strlen(map->name));
}

/* Fills in what a record says. False: it is of no interest. */
static bool read_record(const struct ring *ring, const void *record, bool sizes, struct fault_event *event)
{
	const struct perf_event_header *header = record;
	const struct task_record *task = record;
	struct trailer trailer;

	*event = (struct fault_event){ 0 };
	if (header->type == PERF_RECORD_SAMPLE) {
		read_sample(ring, record, sizes, event);
		return true;
	}
	if (header->size < sizeof(*header) + sizeof(trailer))
		return false;
	memcpy(&trailer, (const char *)record + header->size - sizeof(trailer), sizeof(trailer));
	event->time_ns = trailer.time;
	event->pid = (pid_t)trailer.pid;
	event->tid = (pid_t)trailer.tid;
	switch (header->type) {
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		event->kind = header->type == PERF_RECORD_FORK ? FAULT_FORK : FAULT_EXIT;
		event->pid = (pid_t)task->pid;
		event->tid = (pid_t)task->tid;
		event->parent = (pid_t)task->parent;
		event->parent_tid = (pid_t)task->parent_tid;
		return true;
	case PERF_RECORD_COMM:
		event->kind = FAULT_EXEC;
		return header->misc & PERF_RECORD_MISC_COMM_EXEC;
	case PERF_RECORD_MMAP2:
		read_map(record, event);
		return true;
	case PERF_RECORD_LOST:
		event->kind = FAULT_LOST;
		event->size = ((const struct lost_record *)record)->lost;
		return true;
	}
	return false;
}

static void keep(struct fault_rings *rings, const struct fault_event *event)
{
	if (rings->used == rings->room) {
		rings->room = rings->room ? rings->room * 2 : 1024;
		rings->waiting = memory_more(rings->waiting, rings->room * sizeof(rings->waiting[0]));
	}
	rings->waiting[rings->used++] = *event;
}

/* Copies records out, so that the kernel can write on. One may lie across the end of the ring. */
static void empty(struct fault_rings *rings, struct ring *ring)
{
	const char *data = (const char *)ring->header + rings->page_bytes;
	uint64_t head = __atomic_load_n(&ring->header->data_head, __ATOMIC_ACQUIRE), at = ring->header->data_tail;

	while (at < head) {
		_Alignas(8) char whole[UINT16_MAX + 1];
		uint64_t place = at & (ring->data_bytes - 1), first = ring->data_bytes - place;
		struct perf_event_header header;
		const void *record = data + place;
		struct fault_event event;

		memcpy(&header, record, sizeof(header)); /* records are multiples of 8 bytes: it is in one piece */
		if (header.size < sizeof(header) || header.size > head - at)
			break;
		if (header.size > first) {
			memcpy(whole, record, first);
			memcpy(whole + first, data, header.size - first);
			record = whole;
		}
		if (read_record(ring, record, rings->sizes, &event))
			keep(rings, &event);
		at += header.size;
	}
	__atomic_store_n(&ring->header->data_tail, head, __ATOMIC_RELEASE);
}

static int by_time(const void *a, const void *b)
{
	const struct fault_event *first = a, *second = b;

	return first->time_ns < second->time_ns ? -1 : first->time_ns > second->time_ns;
}

static void empty_all(struct fault_rings *rings)
{
	for (size_t i = 0; i < rings->count; i++)
		empty(rings, &rings->rings[i]);
}

void fault_rings_drain(struct fault_rings *rings, bool all, bool (*take)(void *context, const struct fault_event *event),
		       void *context)
{
	uint64_t until = now_ns() - SETTLED_NS;
	size_t taken = 0, sorted;

	empty_all(rings);
	sorted = rings->used;
	qsort(rings->waiting, sorted, sizeof(rings->waiting[0]), by_time);
	while (taken < sorted && (all || rings->waiting[taken].time_ns <= until)) {
		if (!take(context, &rings->waiting[taken]))
			break;
		free(rings->waiting[taken++].name);
		if (taken % TAKEN_AT_ONCE == 0 && rings->used < WAITING_MOST)
			empty_all(rings); /* what comes meanwhile is later than all that is settled */
	}
	rings->used -= taken;
	if (taken)
		memmove(rings->waiting, rings->waiting + taken, rings->used * sizeof(rings->waiting[0]));
}
