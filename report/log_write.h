/* SPDX-License-Identifier: MIT */
/*
 * Writing a log: a format is a table of functions that are given calls, signals, and the beginnings and ends of processes, all by time,
 * one after the other. Nothing is kept of what has been written.
 */
#ifndef PAGEGAP_LOG_WRITE_H
#define PAGEGAP_LOG_WRITE_H

#include <stdio.h>

#include "log_filter.h"
#include "log_lives.h"
#include "log_stream.h"

enum log_time { LOG_TIME_ABSOLUTE, LOG_TIME_RELATIVE, LOG_TIME_DELTA, LOG_TIME_NONE, LOG_TIMES };

struct log_options {
	struct log_wish filter;
	enum log_time time;
	bool duration, descriptors;
	uint32_t pid;                   /* of this process or thread alone; 0: of all */
	uint64_t first, last;           /* so many calls; 0: all */
};

struct log_output {
	FILE *to;
	const struct log_options *options;
	const struct log_file *log;
	struct log_stream *stream;
	struct log_lives lives;
	void *own;                      /* the format's */
};

struct log_format {
	const char *name;
	void (*begin)(struct log_output *output);
	/* An exec that went well has the result 0, and ends when it begins: how long it took is not known. */
	void (*call)(struct log_output *output, const struct log_call *call);
	void (*life)(struct log_output *output, const struct log_life *life);
	void (*end)(struct log_output *output);
};

extern const struct log_format log_text, log_json, log_chrome;

/* Everything that is meant. Returns an exit status. @recording: may be NULL */
int log_write(const struct log_format *format, const struct log_options *options, const struct log_file *log,
	      const struct recording *recording, FILE *to);

/* When it happened, or was first heard of. */
static inline uint64_t log_call_at(const struct log_call *call)
{
	return call->begun_ns ? call->begun_ns : call->ended_ns;
}

/* How long it took is known. No call takes no time at all. */
static inline bool log_is_timed(const struct log_call *call)
{
	return call->begun_ns && call->ended_ns > call->begun_ns;
}

/* "exit", "killed", …: what a beginning or end is called in documents. */
const char *log_life_name(const struct log_output *output, const struct log_life *life);

#endif
