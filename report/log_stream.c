/* SPDX-License-Identifier: MIT */
/* A heap of threads, by the time of what each has next. */
#include "log_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

static bool is_before(const struct log_cursor *a, const struct log_cursor *b)
{
	return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->thread < b->thread);
}

static void sift_down(struct log_stream *stream, size_t at)
{
	struct log_cursor moved = stream->heap[at];

	for (size_t child; (child = 2 * at + 1) < stream->used; at = child) {
		if (child + 1 < stream->used && is_before(&stream->heap[child + 1], &stream->heap[child]))
			child++;
		if (!is_before(&stream->heap[child], &moved))
			break;
		stream->heap[at] = stream->heap[child];
	}
	stream->heap[at] = moved;
}

/* To the next place from this one on that something is shown of. False: there is none. */
static bool go_to(const struct log_stream *stream, struct log_cursor *cursor, size_t place)
{
	const struct log_thread *thread = &stream->log->threads[cursor->thread];

	free(cursor->chunk);
	cursor->chunk = NULL;
	for (; place < thread->first + thread->count; place++)
		if (stream->log->places[place].first_ns != LOG_NEVER) {
			cursor->place = place;
			cursor->at_ns = stream->log->places[place].first_ns;
			return true;
		}
	return false;
}

static bool is_shown(const struct log_stream *stream, const struct log_cursor *cursor, uint32_t at, const struct log_record *record)
{
	const struct log_pair *pair;

	if (record->state != LOG_COMPLETE || !log_record_is_sound(record))
		return false;
	if (record->kind == LOG_SIGNAL || (record->kind == LOG_CALL && !stream->log->some_not_meant))
		return true;
	pair = log_file_pair(stream->log, log_position_of(cursor->place, at));
	return record->kind == LOG_CALL ? !pair || pair->result != LOG_NOT_MEANT : pair && pair->result == LOG_ORPHAN;
}

/* The next record from an offset of the cursor's chunk on that is shown; 0: none. */
static uint32_t find_shown(const struct log_stream *stream, const struct log_cursor *cursor, uint32_t at)
{
	const struct log_record *record;
	bool bad;

	for (; (record = log_record_at(cursor->chunk, cursor->used, at, &bad)); at += record->bytes)
		if (is_shown(stream, cursor, at, record))
			return at;
	return 0;
}

/* To the next record from this offset on. False: this thread has none any more. */
static bool advance(struct log_stream *stream, struct log_cursor *cursor, uint32_t at)
{
	cursor->at = find_shown(stream, cursor, at);
	if (!cursor->at)
		return go_to(stream, cursor, cursor->place + 1);
	cursor->at_ns = ((const struct log_record *)(cursor->chunk + cursor->at))->at_ns;
	return true;
}

static bool read_place(struct log_stream *stream, struct log_cursor *cursor)
{
	const struct log_place *place = &stream->log->places[cursor->place];

	cursor->chunk = memory_get(LOG_CHUNK_BYTES);
	cursor->used = log_file_load(stream->log, place, cursor->chunk);
	if (cursor->used)
		return advance(stream, cursor, sizeof(struct log_chunk));
	stream->overwritten += place->calls;
	return go_to(stream, cursor, cursor->place + 1);
}

void log_stream_open(struct log_stream *stream, const struct log_file *log)
{
	memset(stream, 0, sizeof(*stream));
	stream->log = log;
	stream->heap = memory_get(log->threads_used * sizeof(stream->heap[0]));
	for (size_t i = 0; i < log->threads_used; i++) {
		struct log_cursor *cursor = &stream->heap[stream->used];

		cursor->thread = i;
		if (go_to(stream, cursor, log->threads[i].first))
			stream->used++;
	}
	for (size_t i = stream->used / 2; i--;)
		sift_down(stream, i);
}

void log_stream_close(struct log_stream *stream)
{
	for (size_t i = 0; i < stream->used; i++)
		free(stream->heap[i].chunk);
	free(stream->heap);
}

static const struct log_record *first_record(const struct log_stream *stream)
{
	return (const void *)(stream->heap[0].chunk + stream->heap[0].at);
}

/* The first cursor has moved, or has nothing any more. */
static void settle(struct log_stream *stream, bool has_more)
{
	if (!has_more) {
		free(stream->heap[0].chunk);
		stream->heap[0] = stream->heap[--stream->used];
	}
	if (stream->used)
		sift_down(stream, 0);
}

/* The result of a call that others came between: copied, as long as its chunk is what was found. */
static const struct log_record *distant_result(struct log_stream *stream, log_position at, const struct log_record *call)
{
	const struct log_place *place = &stream->log->places[at >> 16];
	uint32_t offset = at & 0xffff, bytes = place->used - offset;
	off_t begin = LOG_HEADER_BYTES + (off_t)place->number * LOG_CHUNK_BYTES;
	const struct log_record *record;
	uint64_t order;
	bool bad;

	if (bytes > sizeof(stream->result))
		bytes = sizeof(stream->result);
	if (pread(stream->log->fd, stream->result, bytes, begin + offset) != (ssize_t)bytes ||
	    pread(stream->log->fd, &order, sizeof(order), begin + (off_t)offsetof(struct log_chunk, order)) != sizeof(order) ||
	    order != place->order)
		return NULL;
	record = log_record_at(stream->result, bytes, 0, &bad);
	return record && log_record_ends(record, call) ? record : NULL;
}

static const struct log_record *result_of(struct log_stream *stream, const struct log_record *call)
{
	const struct log_cursor *cursor = &stream->heap[0];
	const struct log_pair *pair;
	bool bad;
	const struct log_record *next = log_record_at(cursor->chunk, cursor->used, cursor->at + call->bytes, &bad);

	if (next && log_record_ends(next, call))
		return next;
	pair = log_file_pair(stream->log, log_position_of(cursor->place, cursor->at));
	return pair ? distant_result(stream, pair->result, call) : NULL;
}

static void fill_result(struct log_call *call, const struct log_record *record)
{
	bool bad;

	call->ended_ns = record->at_ns;
	call->result_known = record->result_known != 0;
	call->result = (int64_t)record->values[0];
	call->after = log_record_memory(record, &bad);
}

static void fill(struct log_stream *stream, struct log_call *call)
{
	const struct log_cursor *cursor = &stream->heap[0];
	const struct log_place *place = &stream->log->places[cursor->place];
	const struct log_record *record = first_record(stream), *result;
	bool bad;

	memset(call, 0, sizeof(*call));
	call->kind = record->kind == LOG_SIGNAL ? LOG_SIGNAL : LOG_CALL;
	call->number = record->number;
	call->pid = place->pid;
	call->tid = place->tid;
	call->image_number = place->image_number;
	memcpy(call->comm, ((const struct log_chunk *)cursor->chunk)->comm, sizeof(call->comm) - 1);
	if (record->kind == LOG_RESULT) {
		fill_result(call, record);
		return;
	}
	call->begun_ns = record->at_ns;
	memcpy(call->arguments, record->values, sizeof(call->arguments));
	call->before = log_record_memory(record, &bad);
	result = record->kind == LOG_CALL ? result_of(stream, record) : NULL;
	if (result)
		fill_result(call, result);
}

bool log_stream_next(struct log_stream *stream, struct log_call *call)
{
	if (stream->lent)
		settle(stream, advance(stream, &stream->heap[0], stream->heap[0].at + first_record(stream)->bytes));
	stream->lent = false;
	while (stream->used) {
		struct log_cursor *first = &stream->heap[0];

		if (first->chunk) {
			fill(stream, call);
			stream->lent = true;
			return true;
		}
		settle(stream, read_place(stream, first));
	}
	return false;
}

bool log_stream_is_last(const struct log_stream *stream)
{
	const struct log_cursor *cursor = &stream->heap[0];
	const struct log_thread *thread = &stream->log->threads[cursor->thread];

	if (find_shown(stream, cursor, cursor->at + first_record(stream)->bytes))
		return false;
	for (size_t i = cursor->place + 1; i < thread->first + thread->count; i++)
		if (stream->log->places[i].first_ns != LOG_NEVER)
			return stream->log->places[i].image_number != stream->log->places[cursor->place].image_number;
	return true;
}
