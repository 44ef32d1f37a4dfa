/* SPDX-License-Identifier: MIT */
/* Call logs made by hand, for tests of what reads them: chunk by chunk, record by record, in memory. */
#ifndef PAGEGAP_LOG_SYNTHETIC_H
#define PAGEGAP_LOG_SYNTHETIC_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../preload/capture_log.h"

#define SYNTHETIC_BEGUN_NS    1000000000ULL
#define SYNTHETIC_REALTIME_NS 1700000000000000000ULL

struct synthetic_log {
	unsigned char *bytes;
	size_t size;
	struct log_header *header;
	struct log_chunk *chunk;        /* that is filled */
	struct log_record *record;      /* that pieces are added to */
};

static inline void synthetic_log_begin(struct synthetic_log *log, uint32_t chunks)
{
	memset(log, 0, sizeof(*log));
	log->size = LOG_HEADER_BYTES + (size_t)chunks * LOG_CHUNK_BYTES;
	log->bytes = calloc(1, log->size);
	if (!log->bytes)
		abort();
	log->header = (struct log_header *)log->bytes;
	memcpy(log->header->magic, LOG_MAGIC, sizeof(log->header->magic));
	log->header->version = LOG_VERSION;
	log->header->string_bytes = 32;
	log->header->descriptors = 1;
	log->header->chunks = chunks;
	log->header->begun_ns = SYNTHETIC_BEGUN_NS;
	log->header->begun_realtime_ns = SYNTHETIC_REALTIME_NS;
	memset(log->header->wish.wanted, 0xff, sizeof(log->header->wish.wanted));
}

static inline void synthetic_log_end(struct synthetic_log *log)
{
	free(log->bytes);
}

/* A file in memory with its contents; the reader closes it. */
static inline int synthetic_log_file(const struct synthetic_log *log)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (fd < 0 || write(fd, log->bytes, log->size) != (ssize_t)log->size)
		abort();
	return fd;
}

static inline struct log_chunk *synthetic_chunk_at(const struct synthetic_log *log, uint64_t number)
{
	return (struct log_chunk *)(log->bytes + LOG_HEADER_BYTES + number * LOG_CHUNK_BYTES);
}

/* The next chunk of the ring goes to this thread, and its calls are lost if it had any. */
static inline struct log_chunk *synthetic_chunk(struct synthetic_log *log, uint32_t pid, uint32_t tid, uint32_t image, const char *comm)
{
	struct log_chunk *chunk = synthetic_chunk_at(log, log->header->taken % log->header->chunks);

	log->header->lost_calls += chunk->calls;
	memset(chunk, 0, LOG_CHUNK_BYTES);
	chunk->owner = tid;
	chunk->pid = pid;
	chunk->tid = tid;
	chunk->image_number = image;
	chunk->order = ++log->header->taken;
	chunk->used = sizeof(*chunk);
	strncpy(chunk->comm, comm, sizeof(chunk->comm) - 1);
	return log->chunk = chunk;
}

static inline bool synthetic_is_full(const struct log_chunk *chunk)
{
	return chunk->used > LOG_CHUNK_BYTES - 2048;
}

static inline struct log_record *synthetic_record(struct synthetic_log *log, uint8_t kind, uint16_t number, uint32_t call, uint64_t at_ns)
{
	struct log_record *record = (struct log_record *)((unsigned char *)log->chunk + log->chunk->used);

	*record = (struct log_record){
		.bytes = sizeof(*record), .kind = kind, .state = LOG_COMPLETE, .number = number, .call = call, .at_ns = at_ns,
	};
	log->chunk->used += record->bytes;
	log->chunk->calls += kind == LOG_CALL;
	return log->record = record;
}

/* Times from here on are since the log began. */
static inline struct log_record *synthetic_call(struct synthetic_log *log, uint16_t number, uint32_t call, uint64_t at_ns, uint64_t first,
						uint64_t second, uint64_t third)
{
	struct log_record *record = synthetic_record(log, LOG_CALL, number, call, SYNTHETIC_BEGUN_NS + at_ns);

	record->values[0] = first;
	record->values[1] = second;
	record->values[2] = third;
	return record;
}

static inline struct log_record *synthetic_result(struct synthetic_log *log, uint16_t number, uint32_t call, uint64_t at_ns, int64_t result)
{
	struct log_record *record = synthetic_record(log, LOG_RESULT, number, call, SYNTHETIC_BEGUN_NS + at_ns);

	record->result_known = 1;
	record->values[0] = (uint64_t)result;
	return record;
}

/* Memory that was kept with the last record. */
static inline void synthetic_piece(struct synthetic_log *log, uint64_t address, const void *bytes, uint32_t length, bool cut)
{
	struct log_piece piece = { address, length, cut };
	unsigned char *to = (unsigned char *)log->record + log->record->bytes;
	uint16_t all = (uint16_t)(sizeof(piece) + ((length + 7) & ~7U));

	memcpy(to, &piece, sizeof(piece));
	memcpy(to + sizeof(piece), bytes, length);
	log->record->bytes = (uint16_t)(log->record->bytes + all);
	log->record->piece_bytes = (uint16_t)(log->record->piece_bytes + all);
	log->chunk->used += all;
}

static inline void synthetic_path(struct synthetic_log *log, uint64_t address, const char *path)
{
	synthetic_piece(log, address, path, (uint32_t)strlen(path) + 1, false);
}

static inline void synthetic_descriptor(struct synthetic_log *log, uint32_t descriptor, const char *path)
{
	synthetic_piece(log, LOG_DESCRIPTOR + descriptor, path, (uint32_t)strlen(path), false);
}

#endif
