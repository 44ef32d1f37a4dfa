/* SPDX-License-Identifier: MIT */
/*
 * Writing the call log (capture_log.h), --log: two records for each call that dispatch catches, one before it and one after it. The hub of
 * patched sites writes them too, so general registers alone are used here (the Makefile sees to that).
 */
#ifndef PAGEGAP_LOG_H
#define PAGEGAP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "capture_log.h"
#include "sys.h"

extern struct log_header *log_file HIDDEN; /* NULL: there is no log */

#define LOG_SIZE_LEAST (LOG_HEADER_BYTES + (uint64_t)LOG_CHUNKS_MIN * LOG_CHUNK_BYTES)
#define LOG_SIZE_MOST  (1ULL << 36)

/* Maps the log's header where one is asked for. Once per image, when its capture stands. */
void log_begin(void) COLD;

/* A call that is being made. */
struct log_entry {
	struct log_record *record;      /* NULL: it is not logged */
	uint64_t order;                 /* of the chunk that this is in */
	uint64_t at_ns;
	uint32_t call;
};

/* Before a call; after it. Async-signal-safe; no lock is held in between. */
void log_call(struct log_entry *entry, unsigned number, const long arguments[6]);
void log_result(const struct log_entry *entry, unsigned number, const long arguments[6], long result);

/*
 * A call that comes back through a stub (dispatch_enter.S), to its parent, by the same two steps: what the second one needs is kept
 * with the thread.
 */
void log_birth(unsigned number, const long arguments[6]);
void log_born(long result);

/* The calling thread ends, or its image does: its chunk may be used again. */
void log_leave(void);

/* In the only thread of a child: what it has of its parent's is not its own. */
void log_forked(void);

/* Tells whose the pages are that were mapped meanwhile, before a ledger. */
void log_claim(void);

/* log_window.c: a window on the file, of LOG_CHUNK_BYTES. @at: in the place of another one, or NULL. NULL: that cannot be. */
struct log_chunk *log_window(struct log_chunk *at, uint64_t offset);

/* All of the file at once, for a process that will not be able to open it any more; log_window needs no system call then. */
void log_keep(void);
extern char *log_whole HIDDEN;          /* NULL: not kept */
extern uint64_t log_whole_bytes HIDDEN;
extern char log_path[4096] HIDDEN;

#endif
