/* SPDX-License-Identifier: MIT */
/* The call log of what is traced from outside: the tracer writes it for its tracees, in the chunks that each of them has. */
#ifndef PAGEGAP_TRACE_LOG_H
#define PAGEGAP_TRACE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture_log.h"

/* Of a tracee. */
struct trace_log {
	struct log_chunk *chunk;        /* it fills this one; NULL: none yet */
	struct log_record *record;      /* of the call that it is in; NULL: that one is not logged */
	struct log_chunk *record_chunk;
	uint64_t record_order;
	uint64_t begun_ns;
	uint32_t calls;
};

/* Who a chunk belongs to, when a new one is taken. */
struct trace_log_thread {
	pid_t    pid, tid;
	uint32_t image_number;
};

/* Maps the log in a recording's directory. False: there is none, and the others do nothing. */
bool trace_log_open(int directory);

void trace_log_call(struct trace_log *log, const struct trace_log_thread *thread, unsigned number, const uint64_t arguments[6]);
void trace_log_result(struct trace_log *log, const struct trace_log_thread *thread, unsigned number, const uint64_t arguments[6], int64_t result);

/* A signal that is about to be delivered. @info: a siginfo_t of the kernel's, @bytes long */
void trace_log_signal(struct trace_log *log, const struct trace_log_thread *thread, int number, const void *info, uint32_t bytes);

/* It is gone, or executes another image. */
void trace_log_leave(struct trace_log *log, pid_t tid);

#endif
