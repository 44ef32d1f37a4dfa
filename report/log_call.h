/* SPDX-License-Identifier: MIT */
/*
 * A call out of a log, put together from its records: what it was given, what it answered, and the memory of the program that was
 * kept with it.
 */
#ifndef PAGEGAP_LOG_CALL_H
#define PAGEGAP_LOG_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../preload/capture_log.h"

/* struct log_piece after struct log_piece, as in the record; NULL: none. It has been checked that each lies within. */
struct log_memory {
	const unsigned char *pieces;
	size_t bytes;
};

struct log_call {
	enum log_kind kind;             /* LOG_CALL, or LOG_SIGNAL */
	uint16_t number;
	uint32_t pid, tid;
	uint32_t image_number;
	char     comm[17];
	uint64_t begun_ns;              /* 0: its beginning is lost, and with it its arguments */
	uint64_t ended_ns;              /* 0: it did not return, as far as the log says */
	bool     result_known;
	int64_t  result;
	uint64_t arguments[6];
	struct log_memory before, after;
};

/* Where they are kept: the bytes from this address on, and how many of them. NULL: none */
const unsigned char *log_memory_at(const struct log_memory *memory, uint64_t address, size_t *bytes, bool *cut);

/*
 * log_memory_read - bytes that lay at an address of the program
 *
 * Copies what was kept, at most @bytes, and returns how many that were: 0 when nothing was. @cut, where it is not NULL, is set when the
 * piece says that there was more.
 */
size_t log_memory_read(const struct log_memory *memory, uint64_t address, void *to, size_t bytes, bool *cut);

/* Path of a descriptor when the call was made (or, for @after, when it returned): not terminated, NULL: not known. */
const char *log_descriptor_path(const struct log_memory *memory, int descriptor, size_t *length);

#endif
