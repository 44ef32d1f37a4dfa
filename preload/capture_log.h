/* SPDX-License-Identifier: MIT */
/*
 * The call log: one file for a whole recording, beside its captures. It is a ring of chunks. A thread owns a chunk, and maps it, while it
 * fills it, so writing takes no lock and no atomic operation, and what has been written survives whatever ends the
 * writer. When all chunks have been used, the oldest one that nobody owns is used again, and the calls in it are counted as lost:
 * the file never grows.
 *
 * A chunk is a header and records, each a multiple of 8 bytes. A record is reserved first and completed last: one that a signal's handler
 * interrupts has the handler's records behind it. Whoever reads must believe nothing: a chunk may be used again while it is read.
 */
#ifndef PAGEGAP_CAPTURE_LOG_H
#define PAGEGAP_CAPTURE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FILE          "calls.log"   /* in the directory of the recording */
#define LOG_MAGIC         "pgaplog"     /* with its 0, 8 bytes */
#define LOG_VERSION       1
#define LOG_NUMBERS       512           /* CAPTURE_NUMBERS */
#define LOG_HEADER_BYTES  4096
#define LOG_CHUNK_BYTES   32768
#define LOG_RECORD_BYTES  8192          /* no record is longer */
#define LOG_CHUNKS_MIN    16
#define LOG_PATH_BYTES    256

/* Which calls are kept. All conditions must hold. */
struct log_wish {
	uint64_t wanted[LOG_NUMBERS / 64]; /* by number, a bit each; the last bit: all numbers above, too */
	uint64_t slower_ns;             /* took at least this long; 0: however long */
	uint32_t failed;                /* 1: only those that failed */
	uint32_t path_length;
	char     path[LOG_PATH_BYTES];  /* an argument is a path that begins so; empty: whatever the path */
};

/* The first LOG_HEADER_BYTES of the file; chunks follow it. */
struct log_header {
	char     magic[8];
	uint32_t version;
	uint32_t string_bytes;          /* of buffers and texts that are no paths, at most so many are kept */
	uint32_t chunks;
	uint32_t descriptors;           /* 1: the paths of descriptors are kept with each call */
	uint64_t begun_ns;              /* CLOCK_MONOTONIC, as all times of records … */
	uint64_t begun_realtime_ns;     /* … and CLOCK_REALTIME at that moment */
	struct log_wish wish;
	uint64_t taken;                 /* chunks handed out, ever: chunk N of the file is handed out as N, N + chunks, … */
	uint64_t lost_calls;            /* that were in chunks used again */
	uint64_t skipped_calls;         /* that found no room: all chunks are owned */
};
_Static_assert(sizeof(struct log_header) <= LOG_HEADER_BYTES, "room for the header");

struct log_chunk {
	uint32_t owner;                 /* thread that fills it; 0: nobody, it may be used again */
	uint32_t pid, tid;              /* as outside of all namespaces where that is known */
	uint32_t image_number;
	uint64_t order;                 /* 1 + log_header.taken when it was handed out; 0: never used, or being changed */
	uint32_t used;                  /* bytes, this header included */
	uint32_t calls;                 /* LOG_CALL records in it that were not withdrawn */
	char     comm[16];              /* name of the thread when it took the chunk */
};

enum log_kind {
	LOG_CALL = 1,                   /* a call that begins */
	LOG_RESULT,                     /* a call that has returned */
	LOG_SIGNAL,                     /* a signal that is delivered: its number stands for that of the call; known when traced from outside */
	LOG_KINDS
};

enum log_state { LOG_UNFINISHED, LOG_COMPLETE, LOG_WITHDRAWN };

struct log_record {
	uint16_t bytes;                 /* this structure, the pieces, and perhaps some that mean nothing: to the next record */
	uint8_t  kind;                  /* enum log_kind */
	uint8_t  state;                 /* enum log_state; the last that is written */
	uint16_t number;                /* the call's, at most LOG_NUMBERS - 1 */
	uint16_t piece_bytes;           /* all pieces together */
	uint32_t call;                  /* counts the calls of its thread: a result has that of its call. Begins again when an image does. */
	uint32_t result_known;          /* of LOG_RESULT: 0: it came back, but what with is not known */
	uint64_t at_ns;
	uint64_t values[6];             /* LOG_CALL: its arguments; LOG_RESULT: values[0] is the result, negated errno if it failed */
};

/*
 * Memory of the program, as it was before the call (with LOG_CALL: what the kernel reads) or after it (with LOG_RESULT: what it has
 * written), or a descriptor's path.
 */
struct log_piece {
	uint64_t address;               /* in the program; LOG_DESCRIPTOR + N: the path of descriptor N, as /proc/self/fd has it */
	uint32_t bytes;                 /* that follow, before padding to a multiple of 8 */
	uint32_t cut;                   /* 1: there was more */
};
#define LOG_DESCRIPTOR (1ULL << 63)

/* A record's bytes as they are written: from `at` on there is room until `end`. */
struct log_room {
	unsigned char *at, *end;
};

static inline bool log_wanted(const struct log_wish *wish, unsigned number)
{
	if (number >= LOG_NUMBERS)
		number = LOG_NUMBERS - 1;
	return wish->wanted[number / 64] >> number % 64 & 1;
}

/* Where a chunk lies in the file. */
static inline uint64_t log_chunk_offset(const struct log_header *log, uint64_t order)
{
	return LOG_HEADER_BYTES + order % log->chunks * LOG_CHUNK_BYTES;
}

/* How a writer comes to a chunk, and what it knows of other writers. */
struct log_writer {
	struct log_chunk *(*reach)(void *context, uint64_t offset); /* maps it; NULL: that cannot be */
	bool (*lives)(uint32_t owner);  /* what a dead one owned may be used again */
	void *context;
};

/*
 * log_chunk_take - the next chunk, emptied, for a thread
 * @owner: the thread, by a number that means the same to all who write to this log
 *
 * NULL, and a call counted as skipped, when all are owned. The caller says whose it is (pid, tid, image_number, comm) before its first
 * record. Async-signal-safe.
 */
static inline struct log_chunk *log_chunk_take(struct log_header *log, uint32_t owner, const struct log_writer *writer)
{
	for (uint32_t tries = 0; tries < log->chunks; tries++) {
		uint64_t order = __atomic_fetch_add(&log->taken, 1, __ATOMIC_RELAXED);
		struct log_chunk *chunk = writer->reach(writer->context, log_chunk_offset(log, order));
		uint32_t was;

		if (!chunk)
			break;
		was = __atomic_load_n(&chunk->owner, __ATOMIC_RELAXED);
		if (was && (was == owner || writer->lives(was)))
			continue;
		if (!__atomic_compare_exchange_n(&chunk->owner, &was, owner, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&chunk->order, 0, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		__atomic_fetch_add(&log->lost_calls, chunk->calls, __ATOMIC_RELAXED);
		chunk->calls = 0;
		chunk->used = sizeof(*chunk);
		for (unsigned i = 0; i < sizeof(chunk->comm); i++)
			chunk->comm[i] = 0;
		__atomic_store_n(&chunk->order, order + 1, __ATOMIC_RELEASE);
		return chunk;
	}
	__atomic_fetch_add(&log->skipped_calls, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* It is full, or its owner ends. */
static inline void log_chunk_leave(struct log_chunk *chunk, uint32_t owner)
{
	__atomic_compare_exchange_n(&chunk->owner, &owner, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/*
 * log_record_begin - room for a record of LOG_RECORD_BYTES
 * @as: what is known of it; its bytes and state are set here
 *
 * NULL: the chunk is full. A handler that interrupts this may write records of its own. Only the owner of the chunk.
 */
static inline struct log_record *log_record_begin(struct log_chunk *chunk, const struct log_record *as)
{
	uint32_t at = __atomic_load_n(&chunk->used, __ATOMIC_RELAXED);
	struct log_record *record;

	do {
		if (at > LOG_CHUNK_BYTES - LOG_RECORD_BYTES)
			return NULL;
		record = (struct log_record *)((char *)chunk + at);
		*record = *as;
		record->bytes = LOG_RECORD_BYTES;
		record->state = LOG_UNFINISHED;
		record->piece_bytes = 0;
	} while (!__atomic_compare_exchange_n(&chunk->used, &at, at + LOG_RECORD_BYTES, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (as->kind == LOG_CALL)
		__atomic_fetch_add(&chunk->calls, 1, __ATOMIC_RELAXED);
	return record;
}

/* Where its pieces go. */
static inline struct log_room log_record_room(struct log_record *record)
{
	return (struct log_room){ (unsigned char *)(record + 1), (unsigned char *)record + LOG_RECORD_BYTES };
}

/* It has been written up to @end. What was not needed is given back, unless a handler's records lie behind it. */
static inline void log_record_end(struct log_chunk *chunk, struct log_record *record, const unsigned char *end)
{
	uint32_t start = (uint32_t)((char *)record - (char *)chunk), used = start + LOG_RECORD_BYTES;
	uint16_t bytes = (uint16_t)(end - (unsigned char *)record);

	record->piece_bytes = (uint16_t)(bytes - sizeof(*record));
	if (__atomic_compare_exchange_n(&chunk->used, &used, start + bytes, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		record->bytes = bytes; /* what a handler wrote between these two begins there */
	__atomic_store_n(&record->state, LOG_COMPLETE, __ATOMIC_RELEASE);
}

/* It is not one of those that are asked for. */
static inline void log_record_withdraw(struct log_chunk *chunk, struct log_record *record)
{
	uint32_t start = (uint32_t)((char *)record - (char *)chunk), used = start + record->bytes;

	__atomic_store_n(&record->state, LOG_WITHDRAWN, __ATOMIC_RELEASE);
	__atomic_fetch_sub(&chunk->calls, 1, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(&chunk->used, &used, start, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

#endif
