/* SPDX-License-Identifier: MIT */
/* The file of the call log: made by the runner, before the program begins, with all that is to be known of it. */
#ifndef PAGEGAP_LOG_MAKE_H
#define PAGEGAP_LOG_MAKE_H

#include "../preload/capture_log.h"

#define LOG_SIZE_DEFAULT    (64ULL << 20)
#define LOG_SIZE_MIN        (LOG_HEADER_BYTES + (uint64_t)LOG_CHUNKS_MIN * LOG_CHUNK_BYTES)
#define LOG_SIZE_MAX        (1ULL << 36)
#define LOG_STRINGS_DEFAULT 32
#define LOG_STRINGS_MAX     (LOG_RECORD_BYTES / 2)

/* A size as people write it, "64M", within what a log may have. False: it is none. */
bool log_parse_size(const char *text, uint64_t *bytes);

/* A header for a file of at most so many bytes, from LOG_SIZE_MIN on, that keeps all calls. */
struct log_header log_header_for(uint64_t bytes);

/* Bytes of the file that a header is for. */
uint64_t log_bytes(const struct log_header *header);

/* Makes the file in a directory, with disk blocks for all of it: writing into a mapping of a full disk is SIGBUS. 0, or an errno. */
int log_make(const char *directory, const struct log_header *header);

#endif
