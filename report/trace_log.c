/* SPDX-License-Identifier: MIT */
#include "trace_log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "figures.h"
#include "log_take.h"
#include "log_wish.h"
#include "memory.h"

static struct log_header *log_file;

static bool lives(uint32_t tid)
{
	return !kill((pid_t)tid, 0) || errno != ESRCH;
}

bool trace_log_open(int directory)
{
	int fd = openat(directory, LOG_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct log_header header;
	struct stat file;
	void *map;

	if (fd < 0 || fstat(fd, &file) || pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    (uint64_t)file.st_size < LOG_HEADER_BYTES + (uint64_t)header.chunks * LOG_CHUNK_BYTES) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	map = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	log_file = map;
	log_reach_descriptors = log_file->descriptors;
	return true;
}

static struct log_chunk *reach(void *unused, uint64_t offset)
{
	(void)unused;
	return (struct log_chunk *)(void *)((char *)log_file + offset);
}

static const struct log_writer writer = { reach, lives, NULL };

static void read_comm(struct log_chunk *chunk, pid_t tid)
{
	char path[64], *end;
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = read(fd, chunk->comm, sizeof(chunk->comm));
	end = got > 0 ? memchr(chunk->comm, '\n', (size_t)got) : NULL;
	if (end)
		*end = '\0';
	if (fd >= 0)
		close(fd);
}

static struct log_record *begin_record(struct trace_log *log, const struct trace_log_thread *thread, const struct log_record *as)
{
	struct log_record *record = log->chunk ? log_record_begin(log->chunk, as) : NULL;

	if (record)
		return record;
	trace_log_leave(log, thread->tid);
	log->chunk = log_chunk_take(log_file, (uint32_t)thread->tid, &writer);
	if (!log->chunk)
		return NULL;
	log->chunk->pid = (uint32_t)thread->pid;
	log->chunk->tid = (uint32_t)thread->tid;
	log->chunk->image_number = thread->image_number;
	read_comm(log->chunk, thread->tid);
	return log_record_begin(log->chunk, as);
}

void trace_log_call(struct trace_log *log, const struct trace_log_thread *thread, unsigned number, const uint64_t arguments[6])
{
	struct log_record as = { .kind = LOG_CALL, .number = (uint16_t)number };
	const struct syscall_row *row = &syscall_rows[number % SYSCALL_NUMBERS];
	struct log_room room;

	log->record = NULL;
	if (!log_file || !log_wanted(&log_file->wish, number))
		return;
	log->begun_ns = as.at_ns = now_ns();
	as.call = ++log->calls;
	memcpy(as.values, arguments, sizeof(as.values));
	log->record = begin_record(log, thread, &as);
	if (!log->record)
		return;
	log->record_chunk = log->chunk;
	log->record_order = log->chunk->order;
	room = log_record_room(log->record);
	log_take_before(thread->tid, row->kinds, arguments, log_file->string_bytes, &room);
	log_record_end(log->chunk, log->record, room.at);
	if (log_file->wish.path_length && !log_path_is_meant(&log_file->wish, log->record, row->kinds)) {
		log_record_withdraw(log->chunk, log->record);
		log->record = NULL;
	}
}

void trace_log_result(struct trace_log *log, const struct trace_log_thread *thread, unsigned number, const uint64_t arguments[6], int64_t result)
{
	struct log_record as = { .kind = LOG_RESULT, .number = (uint16_t)number, .result_known = 1, .call = log->calls }, *record;
	const struct syscall_row *row = &syscall_rows[number % SYSCALL_NUMBERS];
	struct log_room room;
	bool meant;

	if (!log_file || !log->record)
		return;
	as.at_ns = now_ns();
	as.values[0] = (uint64_t)result;
	meant = log_result_is_meant(&log_file->wish, result, as.at_ns - log->begun_ns);
	if (!meant && log->chunk == log->record_chunk && log->chunk->order == log->record_order) {
		log_record_withdraw(log->chunk, log->record);
		log->record = NULL;
		return;
	}
	log->record = NULL;
	record = begin_record(log, thread, &as);
	if (!record)
		return;
	room = log_record_room(record);
	if (meant)
		log_take_after(thread->tid, row->kinds, row->result, arguments, (long)result, log_file->string_bytes, &room);
	log_record_end(log->chunk, record, room.at);
	if (!meant)
		record->state = LOG_WITHDRAWN;
}

void trace_log_signal(struct trace_log *log, const struct trace_log_thread *thread, int number, const void *info, uint32_t bytes)
{
	struct log_record as = { .kind = LOG_SIGNAL, .number = (uint16_t)number, .at_ns = now_ns() }, *record;
	struct log_room room;

	if (!log_file || log_file->wish.failed || log_file->wish.slower_ns || log_file->wish.path_length)
		return;
	record = begin_record(log, thread, &as);
	if (!record)
		return;
	room = log_record_room(record);
	*(struct log_piece *)(void *)room.at = (struct log_piece){ .address = LOG_SIGINFO, .bytes = bytes };
	memcpy(room.at + sizeof(struct log_piece), info, bytes);
	log_record_end(log->chunk, record, room.at + sizeof(struct log_piece) + ((bytes + 7) & ~7U));
}

void trace_log_leave(struct trace_log *log, pid_t tid)
{
	if (log->chunk)
		log_chunk_leave(log->chunk, (uint32_t)tid);
	log->chunk = NULL;
}
