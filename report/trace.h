/* SPDX-License-Identifier: MIT */
/*
 * Tracing from outside: programs that cannot load the library are followed with ptrace(2), by a process of its own that is neither
 * their parent nor the runner: it can sleep in wait(2), and the runner goes on doing what it does. The whole tree of a traced program is
 * traced and none of it is preloaded, so nothing is counted twice.
 *
 * All calls are followed by PTRACE_SYSCALL: nothing of it is left in the program, and when the tracer dies the program goes on. Where
 * only some calls are asked for and the caller may install a filter without no_new_privs, which would take set-uid programs' power
 * from them, a seccomp filter stops the program at these alone. Without a tracer, they would fail with ENOSYS: then the program is
 * killed with its tracer (PTRACE_O_EXITKILL).
 */
#ifndef PAGEGAP_TRACE_H
#define PAGEGAP_TRACE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture.h"

struct trace_set {
	bool all;                       /* wanted is true throughout */
	bool wanted[CAPTURE_NUMBERS];   /* by number of the call; the last: those above */
};

/* What the program tells its tracer before it is executed. */
struct trace_hello {
	pid_t    pid;
	uint32_t filtered;              /* 1: it will install the filter */
	uint32_t log;                   /* 1: there is a call log in its recording */
	uint64_t start_ns, start_realtime_ns;
	char     directory[CAPTURE_PATH_BYTES]; /* of the recording */
};

struct trace {
	struct trace_set set;
	const char *why;                /* for the line that says so; NULL: not wanted */
	int    link;                    /* to the tracer; -1: there is none */
	pid_t  tracer;
	struct sock_filter *filter;     /* NULL: all calls */
	unsigned short filter_used;
};

/*
 * Adds what a list says: names of calls, %category, %class (path, desc, stat, statfs), each with a ! before it to take it out again; a
 * list that begins with a ! begins with all. Returns NULL, or the item that means nothing.
 */
const char *trace_list(const char *list, struct trace_set *set);

/* One item of such a list. False: it means nothing. */
bool trace_list_item(const char *item, struct trace_set *set);

/* Says whether and why a program would be traced without being asked: the reason, or NULL. */
const char *trace_reason(const char *program);

/* Starts the tracer. Without one, after a line that says why, link is -1. */
void trace_open(struct trace *trace);

/* In the child that will be the program, the last thing before it is. True: it is traced. Else nothing has changed. */
bool trace_join(const struct trace *trace, struct trace_hello *hello);

/* The runner's end of it. */
void trace_close(struct trace *trace);

/* The filter that stops at the calls of a set; to be freed. */
struct sock_filter *trace_filter(const struct trace_set *set, unsigned short *used);

/* May this process install it and change nothing else with that? */
bool trace_filter_allowed(void);
int trace_filter_install(const struct trace *trace);

/* The tracer's work: until the last of its tracees is gone. */
void trace_follow(const struct trace_hello *hello, const struct trace_set *set, int directory);

#endif
