/* SPDX-License-Identifier: MIT */
/*
 * Captures without a library in the process. Nothing but the tracer ever maps them, so they are plain memory until the image ends; a file
 * with the beginning is there before, for the report must know of a process whose tracer was killed. Written with pwrite: a full
 * disk is an error and not a SIGBUS.
 */
#include "trace_image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "live.h"
#include "memory.h"

#define BLOCK 4096                      /* of the file systems that there are */

static void read_identity(struct capture *c, pid_t pid)
{
	char path[64], link[CAPTURE_PATH_BYTES], text[4096], *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	got = readlink(path, link, sizeof(link) - 1);
	if (got > 0)
		memcpy(c->exe, link, (size_t)got);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, c->argv, sizeof(c->argv));
	if (fd >= 0)
		close(fd);
	c->argv_bytes = got > 0 ? (uint32_t)got : 0;
	c->argv_cut = c->argv_bytes == sizeof(c->argv);
	if (c->argv_cut)
		c->argv[sizeof(c->argv) - 1] = '\0';
	for (uint32_t i = 0; i < c->argv_bytes; i++)
		c->argc += !c->argv[i];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	if ((at = strstr(text, "\nPPid:")))
		c->parent_pid = (uint32_t)strtoul(at + 6, NULL, 10);
	if ((at = strstr(text, "\nUid:")))
		c->uid = (uint32_t)strtoul(at + 5, NULL, 10);
}

static bool is_zero(const char *at, size_t bytes)
{
	return !*at && !memcmp(at, at + 1, bytes - 1);
}

/* What is zero is left out: the file is born so, and nothing becomes zero again. */
static void write_part(int fd, const struct capture *c, size_t from, size_t bytes)
{
	const char *base = (const char *)c;

	while (bytes) {
		size_t block = BLOCK - from % BLOCK < bytes ? BLOCK - from % BLOCK : bytes;
		ssize_t put = is_zero(base + from, block) ? (ssize_t)block : pwrite(fd, base + from, block, (off_t)from);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		from += (size_t)put;
		bytes -= (size_t)put;
	}
}

/* @bytes: from the beginning; and the cells that are in use */
static void write_down(const struct trace_image *image, size_t bytes, int flags)
{
	const struct capture *c = image->capture;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "%" PRIu32 ".%" PRIu32 CAPTURE_SUFFIX, c->pid, c->image_number);
	fd = openat(image->directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return;
	if (!ftruncate(fd, sizeof(*c))) {
		write_part(fd, c, sizeof(c->magic), bytes - sizeof(c->magic));
		write_part(fd, c, offsetof(struct capture, calls), c->cells_used * sizeof(c->calls[0]));
		write_part(fd, c, 0, sizeof(c->magic));
	}
	close(fd);
}

struct trace_image *trace_image_begin(int directory, pid_t pid, uint32_t number, enum capture_born born)
{
	struct trace_image *image = memory_get(sizeof(*image));
	struct capture *c = image->capture = memory_get(sizeof(*c));
	struct timespec now;

	image->directory = directory;
	memcpy(c->magic, CAPTURE_MAGIC, sizeof(c->magic));
	c->version = CAPTURE_VERSION;
	c->header_bytes = sizeof(*c);
	c->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	c->pid = (uint32_t)pid;
	c->image_number = number;
	c->born = born;
	c->start_ns = now_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	c->start_realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	c->inherited_blocks = c->inherited_live_bytes = c->inherited_usable_bytes = CAPTURE_UNKNOWN;
	c->own_thread_ns_spent = c->children_born = CAPTURE_UNKNOWN;
	c->calls_mode = CALLS_TRACED;
	c->call_clock.kind = CALL_CLOCK_MONOTONIC;
	c->call_clock.first_ticks = c->call_clock.first_ns = c->call_clock.last_ticks = c->call_clock.last_ns = c->start_ns;
	read_identity(c, pid);
	trace_image_note(image, NOTE_TRACED, 0);
	write_down(image, offsetof(struct capture, counters), O_CREAT | O_EXCL);
	return image;
}

static struct capture_call *cell(struct trace_image *image, uint16_t *place, unsigned number)
{
	struct capture *c = image->capture;

	if (!*place) {
		if (c->cells_used == CAPTURE_CELLS)
			return NULL;
		c->calls[c->cells_used].number = (uint16_t)number;
		c->calls[c->cells_used].least_ticks = UINT64_MAX;
		*place = (uint16_t)++c->cells_used;
	}
	return &c->calls[*place - 1];
}

static bool add_error(struct capture_call *cell, unsigned error)
{
	for (int i = 0; cell && i < CAPTURE_ERRORS; i++) {
		if (cell->error_counts[i] && cell->errnos[i] != error)
			continue;
		cell->errnos[i] = (uint16_t)error;
		cell->error_counts[i]++;
		return true;
	}
	return false;
}

void trace_image_count(struct trace_image *image, unsigned number, unsigned error, uint64_t bytes, uint64_t ns)
{
	struct capture_call *call = cell(image, &image->cells[number], number);

	if (!call) {
		image->capture->uncounted_calls++;
		return;
	}
	call->calls++;
	call->bytes += bytes;
	call->errors += error != 0;
	if (error && !add_error(call, error))
		add_error(cell(image, &image->more[number], number), error);
	if (!ns)
		return;
	call->timed++;
	call->ticks += ns;
	if (ns > call->most_ticks)
		call->most_ticks = ns;
	if (ns < call->least_ticks)
		call->least_ticks = ns;
	call->latencies[capture_latency(ns)]++;
}

void trace_image_note(struct trace_image *image, enum capture_note kind, int error)
{
	for (size_t i = 0; i < CAPTURE_NOTES; i++) {
		struct capture_noted *note = &image->capture->notes[i];

		if (note->kind && note->kind != kind)
			continue;
		if (!note->kind)
			note->error = error;
		note->kind = kind;
		note->count++;
		return;
	}
}

void trace_image_ledger(struct trace_image *image, pid_t tid, enum capture_why why)
{
	struct capture *c = image->capture;
	struct capture_snapshot *snapshot = memory_get(sizeof(*snapshot));
	uint64_t start = now_ns();
	int error = ledger_of(c, tid, snapshot, c->mappings, &c->mappings_used, &c->mappings_dropped);

	if (!error) {
		snapshot->sequence = 2;
		snapshot->why = why;
		snapshot->at_ns = start;
		snapshot->cost_ns = now_ns() - start;
		c->snapshots[SNAPSHOT_END] = *snapshot;
	} else {
		c->mappings_used = 0;
		trace_image_note(image, NOTE_NO_SNAPSHOT, error);
	}
	free(snapshot);
}

static uint64_t peak_resident(pid_t tid)
{
	char path[64], text[4096], *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	at = strstr(text, "\nVmHWM:");
	return at ? strtoull(at + 7, NULL, 10) << 10 : 0;
}

void trace_image_usage(struct trace_image *image, pid_t tid)
{
	struct capture *c = image->capture;
	struct usage usage;
	uint64_t peak = peak_resident(tid);

	if (!live_usage((pid_t)c->pid, &usage))
		return;
	c->user_ns = usage.user_ns;
	c->system_ns = usage.system_ns;
	c->runnable_wait_ns = usage.runnable_wait_ns;
	c->voluntary_switches = usage.voluntary_switches;
	c->involuntary_switches = usage.involuntary_switches;
	c->migrations = usage.migrations;
	c->minor_faults = usage.minor_faults;
	c->major_faults = usage.major_faults;
	c->max_rss_bytes = peak ? peak : CAPTURE_UNKNOWN;
	c->usage_at_ns = now_ns();
}

void trace_image_end(struct trace_image *image, enum capture_ended ended, int code)
{
	struct capture *c = image->capture;

	c->ended = ended;
	c->end_code = code;
	c->end_ns = now_ns();
	c->call_clock.last_ticks = c->call_clock.last_ns = c->end_ns;
	write_down(image, offsetof(struct capture, counters), 0);
	free(c);
	free(image);
}

void trace_image_correct(int directory, pid_t pid, uint32_t number, enum capture_ended ended, int code)
{
	struct { uint32_t ended; int32_t code; } end = { ended, code };
	char name[64];
	int fd;

	_Static_assert(offsetof(struct capture, end_code) == offsetof(struct capture, ended) + sizeof(uint32_t), "side by side");
	snprintf(name, sizeof(name), "%d.%" PRIu32 CAPTURE_SUFFIX, pid, number);
	fd = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (pwrite(fd, &end, sizeof(end), (off_t)offsetof(struct capture, ended)) < 0)
		errno = 0; /* the disk: the end stays as it was */
	close(fd);
}
