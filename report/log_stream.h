/* SPDX-License-Identifier: MIT */
/*
 * All calls of a log, one after the other, by the time that they began: the records of each thread are in order, so the oldest of
 * those that are next is the next of all. A chunk is in memory from its first call to its last, so that the memory needed is that of
 * the threads that run at one time.
 */
#ifndef PAGEGAP_LOG_STREAM_H
#define PAGEGAP_LOG_STREAM_H

#include "log_file.h"

struct log_cursor {
	uint64_t at_ns;                 /* of the record */
	size_t   thread, place;
	uint32_t at;                    /* offset of the record */
	uint32_t used;                  /* bytes of the chunk */
	unsigned char *chunk;           /* NULL: the place has not been read yet */
};

struct log_stream {
	const struct log_file *log;
	struct log_cursor *heap;        /* the earliest first */
	size_t   used;
	bool     lent;                  /* the first one's call is with the caller */
	uint64_t overwritten;           /* calls of chunks that were used again after the log had been opened */
	_Alignas(8) unsigned char result[LOG_RECORD_BYTES];
};

void log_stream_open(struct log_stream *stream, const struct log_file *log);
void log_stream_close(struct log_stream *stream);

/* The next one; its memory is there until the one after it. False: there is none. */
bool log_stream_next(struct log_stream *stream, struct log_call *call);

/* The call that was given last: nothing comes after it of the same thread in the same image. */
bool log_stream_is_last(const struct log_stream *stream);

#endif
