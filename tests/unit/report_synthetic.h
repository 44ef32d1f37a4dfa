/* SPDX-License-Identifier: MIT */
/* Captures made by hand, for tests of what reads them: complete, consistent, with something in every part. */
#ifndef PAGEGAP_REPORT_SYNTHETIC_H
#define PAGEGAP_REPORT_SYNTHETIC_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../preload/capture.h"

/*
 * The engine is not under test here, and belongs to no program that only reads: whoever asks it for a ledger gets none.
 */
int ledger_of(const struct capture *capture, pid_t pid, struct capture_snapshot *out, struct capture_mapping *mappings,
	      uint32_t *mappings_used, uint64_t *mappings_dropped)
{
	(void)capture, (void)pid, (void)out, (void)mappings, (void)mappings_used, (void)mappings_dropped;
	return ENOSYS;
}

int ledger_claims(const struct capture *capture, pid_t pid, ledger_claimed *claimed, void *context);
int ledger_claims(const struct capture *capture, pid_t pid, ledger_claimed *claimed, void *context)
{
	(void)capture, (void)pid, (void)claimed, (void)context;
	return ESRCH;
}

#define MIB (1ULL << 20)
#define SECOND 1000000000ULL

static inline void synthetic_snapshot(struct capture_snapshot *s, uint32_t why, uint64_t at_ns)
{
	memset(s, 0, sizeof(*s));
	s->sequence = 2;
	s->why = why;
	s->at_ns = at_ns;
	s->cost_ns = 200000;
	s->live_blocks = 1000;
	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		s->rows[i].mapped_bytes = (i + 1) * MIB;
		s->rows[i].resident_bytes = i == ROW_RESERVE ? 0 : (i + 1) * MIB / 2;
		s->rows[i].dirty_bytes = s->rows[i].resident_bytes / 2;
		s->vm_size_bytes += s->rows[i].mapped_bytes;
		s->rss_bytes += s->rows[i].resident_bytes;
	}
	s->page_table_bytes = 128 << 10;
	for (size_t i = 0; i < CAPTURE_FILL_BUCKETS; i++)
		s->fill_pages[i] = 10 * i;
	s->free_on_empty_bytes = MIB / 4;
	s->locked_bytes = 2 * MIB;
	s->locked_resident_bytes = MIB;
	s->hugetlb_mapped_bytes = 4 * MIB;
	s->hugetlb_bytes = 2 * MIB;
}

static inline void synthetic_cow(struct capture_cow *cow, uint64_t looked_at_ns)
{
	*cow = (struct capture_cow){ .method = COW_PAGEMAP, .looked = 1, .inherited_pages = 5000, .looked_at_ns = looked_at_ns };
	cow->rows[ROW_HEAP_LIVE] = (struct capture_cow_row){ 4000, 3000, 900, 100, 0, 0 };
	cow->rows[ROW_ANON] = (struct capture_cow_row){ 900, 890, 10, 0, 0, 0 };
}

/* Evidence of what may have killed it. */
static inline void synthetic_evidence(struct capture *c, uint64_t at_ns)
{
	c->invalid_access = (struct capture_invalid_access){
		.state = ACCESS_REFUSED, .kind = TOUCH_WRITE, .map_known = 1, .at_ns = at_ns, .address = 0x2100010,
		.instruction = 0x2000123, .stack_pointer = 0x7ffffff0, .file_offset = CAPTURE_UNKNOWN,
		.file_bytes = CAPTURE_UNKNOWN, .code_offset = 0x123,
		.below = { 0x2000000, 0x2100000, 3, "" },
		.above = { 0x3000000, 0x3100000, 1, "/usr/lib/libexample.so" },
		.code = { 0x2000000, 0x2001000, 5, "/usr/bin/program" },
	};
	c->oom = (struct capture_oom){ .watched = 1, .cgroup_kills = 1, .machine_kills = 1, .limit_bytes = 64 * MIB,
				       .cgroup = "/sys/fs/cgroup/example" };
	c->exhaustion = (struct capture_exhaustion){
		.noted = 1, .first_request = REQUEST_MMAP, .first_bytes = 8 * MIB, .mapped_bytes = 60 * MIB,
		.data_bytes = 30 * MIB, .address_limit_bytes = 64 * MIB, .data_limit_bytes = CAPTURE_UNKNOWN,
		.commit_limit_bytes = 900 * MIB, .committed_bytes = 100 * MIB, .memory_bytes = 1000 * MIB,
		.mappings = 70, .mappings_limit = 65530,
	};
	c->exhaustion.refused[REQUEST_MALLOC] = (struct capture_refused){ 2, 5 * MIB, 5 * MIB, at_ns, at_ns };
	c->exhaustion.refused[REQUEST_MMAP] = (struct capture_refused){ 7, MIB, 8 * MIB, at_ns - 1000, at_ns };
}

/* An image that lived from start to start + 1 s and then ended with exit 0. */
static inline void synthetic_capture(struct capture *c, uint32_t pid, uint32_t parent_pid, uint32_t number,
				     uint32_t born, uint64_t start_ns)
{
	static const char argv[] = "/usr/bin/program\0--with\0an argument";

	memset(c, 0, sizeof(*c));
	memcpy(c->magic, CAPTURE_MAGIC, sizeof(c->magic));
	c->version = CAPTURE_VERSION;
	c->header_bytes = sizeof(*c);
	c->page_size = 4096;
	c->pid = pid;
	c->parent_pid = parent_pid;
	c->image_number = number;
	c->born = born;
	c->start_ns = start_ns;
	c->start_realtime_ns = 1700000000 * SECOND;
	c->argc = 3;
	c->argv_bytes = sizeof(argv);
	memcpy(c->argv, argv, sizeof(argv));
	c->has_heap = 1;
	strcpy(c->exe, "/usr/bin/program");
	strcpy(c->allocator, "glibc");
	c->ended = ENDED_EXIT;
	c->end_ns = start_ns + SECOND;
	c->user_ns = SECOND / 2;
	c->system_ns = SECOND / 4;
	c->runnable_wait_ns = SECOND / 8;
	c->voluntary_switches = 12;
	c->involuntary_switches = 3;
	c->migrations = 1;
	c->minor_faults = 4000;
	c->major_faults = 2;
	c->max_rss_bytes = 64 * MIB;
	c->usage_at_ns = c->end_ns - 1000;
	c->faults = (struct capture_faults){ .method = FAULTS_SAMPLED, .unplaced_minor = 5, .late_minor = 1, .early_minor = 3,
					     .minor_fault_ns = 1200 };
	c->faults.minor[ROW_HEAP_LIVE] = 3000;
	c->faults.minor[ROW_IMAGE] = 900;
	c->faults.major[ROW_FILE] = 2;
	c->faults.kinds[KIND_FIRST_TOUCH] = 2800;
	c->faults.kinds[KIND_FILE_TOUCH] = 1100;
	c->faults.kinds[KIND_MAJOR_FILE] = 2;
	c->faults.kinds[KIND_UNKNOWN] = 5;
	if (born == BORN_FORK)
		synthetic_cow(&c->cow, c->end_ns);
	c->born_page_table_bytes = born == BORN_FORK ? 96 << 10 : CAPTURE_UNKNOWN;
	synthetic_evidence(c, start_ns + SECOND / 4);
	c->populate_calls = 3;
	c->populate_bytes = 2 * MIB;
	c->counters[1].tid = pid;
	c->counters[1].size_class[6] = 3000;
	c->counters[1].size_class[12] = 500;
	c->counters[1].frees = 2500;
	c->counters[1].requested_bytes = 3 * MIB;
	c->counters[1].live_bytes = c->live_bytes = c->counters[1].published_bytes = MIB;
	c->counters[1].peak_bytes = MIB;
	c->counters[1].usable_live_bytes = MIB + 4096;
	c->peak_live_bytes = 2 * MIB;
	c->call_clock.kind = CALL_CLOCK_MONOTONIC;
	c->cells_used = 1;
	c->calls[0] = (struct capture_call){
		.number = SYS_mmap, .slot = 1, .calls = 7, .errors = 1, .errnos = { ENOMEM }, .error_counts = { 1 },
		.timed = 7, .ticks = 14000, .least_ticks = 1000, .most_ticks = 5000,
	};
	c->calls[0].latencies[capture_latency(1000)] = 5;
	c->calls[0].latencies[capture_latency(4000)] = 1;
	c->calls[0].latencies[capture_latency(5000)] = 1;
	synthetic_snapshot(&c->snapshots[SNAPSHOT_PEAK], WHY_PEAK, start_ns + SECOND / 2);
	synthetic_snapshot(&c->snapshots[SNAPSHOT_REFUSED], WHY_REFUSED, start_ns + SECOND / 4);
	synthetic_snapshot(&c->snapshots[SNAPSHOT_END], WHY_EXIT, start_ns + SECOND - 1000000);
	c->samples_used = 3;
	for (uint32_t i = 0; i < c->samples_used; i++)
		c->samples[i] = (struct capture_sample){
			start_ns + i * SECOND / 4, MIB, 2 * MIB, 55 * MIB, 25 * MIB, 100 * i, 0
		};
	c->mappings_used = 2;
	c->mappings[0] = (struct capture_mapping){ .start = 0x1000000,
						   .end = 0x1100000,
						   .row = ROW_HEAP_LIVE,
						   .protection = 3,
						   .resident_bytes = MIB / 2,
						   .name = "[heap]" };
	c->mappings[1] = (struct capture_mapping){ .start = 0x2000000,
						   .end = 0x2100000,
						   .row = ROW_IMAGE,
						   .protection = 5,
						   .resident_bytes = MIB / 4,
						   .name = "/usr/lib/libexample.so" };
}

static inline void synthetic_child(struct capture *c, size_t place, uint32_t pid, uint32_t born, uint64_t born_at_ns,
				   uint64_t waited_at_ns, int status)
{
	c->children[place] = (struct capture_child){
		.pid = pid, .born = born, .born_at_ns = born_at_ns, .waited_at_ns = waited_at_ns, .status = status,
		.fork_ns = born == BORN_FORK ? 1500000 : 0, .fork_page_table_bytes = born == BORN_FORK ? 128 << 10 : 0,
	};
	c->children_born++;
}

#endif
