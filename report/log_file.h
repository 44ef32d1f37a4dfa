/* SPDX-License-Identifier: MIT */
/*
 * The call log of a recording, found out about: which chunks are whose, what they hold, which result belongs to which call. Nothing of
 * the calls themselves is kept, so that the memory needed does not grow with their number. A log may be written meanwhile; then what was
 * there when it was opened is shown, as far as it has not been overwritten since.
 */
#ifndef PAGEGAP_LOG_FILE_H
#define PAGEGAP_LOG_FILE_H

#include "log_call.h"

#define LOG_NEVER UINT64_MAX            /* a time of nothing */

struct log_counts {
	uint64_t calls;                 /* that have begun, withdrawn ones not included */
	uint64_t signals;
	uint64_t unfinished;            /* of the calls: no result is there */
	uint64_t orphans;               /* results of calls that are lost */
	uint64_t lost, skipped;         /* as the header has it */
	uint64_t bad_chunks, bad_records;
};

/* A chunk. */
struct log_place {
	uint64_t order;
	uint64_t first_ns, last_ns;     /* of what is shown of it: calls, signals, results without a call; first_ns LOG_NEVER: nothing is */
	uint32_t number;                /* in the file */
	uint32_t pid, tid, image_number;
	uint32_t used;                  /* bytes of it that are shown; until it has been read, all */
	uint32_t calls;
};

/* Its places stand side by side, in order. Threads may be several that had the number one after the other. */
struct log_thread {
	uint32_t pid, tid;
	size_t first, count;
	char   comm[17];                /* the last it had; as the program gave it */
};

/* Where a record is: its place, and the offset in it. */
typedef uint64_t log_position;

static inline log_position log_position_of(size_t place, uint32_t offset)
{
	return (uint64_t)place << 16 | offset;
}

/* A call whose result is not the record after it; or a result without a call; or a call that its result says is not meant. */
struct log_pair {
	log_position at;
	log_position result;            /* LOG_ORPHAN: `at` is a result; LOG_NOT_MEANT */
};
#define LOG_ORPHAN    UINT64_MAX
#define LOG_NOT_MEANT (UINT64_MAX - 1)

struct log_file {
	int      fd;
	struct log_header header;
	struct log_counts counts;
	struct log_place *places;
	size_t   places_used;
	struct log_thread *threads;
	size_t   threads_used;
	struct log_pair *pairs;         /* by `at` */
	size_t   pairs_used, pairs_room;
	bool     some_not_meant;        /* one of the pairs is LOG_NOT_MEANT */
	unsigned char *again;           /* a chunk that somebody may write is read twice */
	uint64_t last_ns;               /* of all records; 0: there is none */
};

/*
 * log_file_open - the log in a directory
 *
 * Returns NULL after a line that says why it cannot be read; that some of it is bad, counts say.
 */
struct log_file *log_file_open(const char *directory);

/* The same of an open file, which it takes over. @name: for complaints */
struct log_file *log_file_read(int fd, const char *name);

void log_file_close(struct log_file *log);

/*
 * log_file_load - copy a chunk, as long as it is what was found
 *
 * Returns how many bytes of it are whole records, of those that were there when it was found; 0: it has been used again, or cannot be
 * read any more.
 */
uint32_t log_file_load(const struct log_file *log, const struct log_place *place, unsigned char chunk[LOG_CHUNK_BYTES]);

const struct log_pair *log_file_pair(const struct log_file *log, log_position at);

/* The record at an offset of a chunk; NULL: there is none. @bad: set when what is there is none. */
const struct log_record *log_record_at(const unsigned char *chunk, uint32_t used, uint32_t at, bool *bad);

/* Its fields are within their bounds. */
bool log_record_is_sound(const struct log_record *record);

/* What was kept with it: the pieces that lie within. @bad: set when one does not */
struct log_memory log_record_memory(const struct log_record *record, bool *bad);

/* The result of this call. */
bool log_record_ends(const struct log_record *result, const struct log_record *call);

#endif
