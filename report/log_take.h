/* SPDX-License-Identifier: MIT */
/*
 * Which memory of the program is kept with a call, by the kinds of its arguments. The same code runs inside the program and in the tracer,
 * and whoever decodes a call finds in the log what is taken here.
 */
#ifndef PAGEGAP_LOG_TAKE_H
#define PAGEGAP_LOG_TAKE_H

#include "../preload/capture_log.h"
#include "syscalls.h"

/*
 * Pieces that are no memory of the program, beside LOG_DESCRIPTOR. LOG_COUNT + N: how many things argument N leads to, 64 bits, where
 * that says enough (variables of an environment, entries of a directory). LOG_SIGINFO: of a LOG_SIGNAL record, its siginfo_t.
 */
#define LOG_COUNT   (1ULL << 62)
#define LOG_COUNT_CUT (1ULL << 63)      /* in the number: the memory ended before they did */
#define LOG_SIGINFO (1ULL << 61)

#define LOG_TAKE_ELEMENTS 32            /* of an array at most so many, as strace shows */
#define LOG_TAKE_PATH     4096          /* PATH_MAX: a path with its 0 */

/*
 * Reads memory of a thread without ever faulting (process_vm_readv(2)): bytes read, which may be fewer than asked for, or a negated errno.
 * Each part of pagegap has its own, of this name.
 */
long log_take_memory(int tid, uint64_t address, void *to, size_t bytes);

/*
 * Where a descriptor of the thread leads (readlink(2) on /proc): bytes, not terminated, or a negated errno. Called for each descriptor of
 * each call: one that always fails is how not to keep paths.
 */
long log_take_descriptor(int tid, int descriptor, char *to, size_t bytes);

/* Whether the tracer keeps descriptors' paths: log_reach.c. */
extern bool log_reach_descriptors;

/* Before the call: what the kernel will read. Fills @room from its beginning and moves room->at behind the last piece. */
void log_take_before(int tid, const uint8_t kinds[SYSCALL_ARGUMENTS], const uint64_t arguments[6], unsigned string_bytes, struct log_room *room);

/* After it: what the kernel has written. @result: as the kernel gave it */
void log_take_after(int tid, const uint8_t kinds[SYSCALL_ARGUMENTS], unsigned result_kind, const uint64_t arguments[6], long result,
		    unsigned string_bytes, struct log_room *room);

#endif
