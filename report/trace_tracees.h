/* SPDX-License-Identifier: MIT */
/* The threads that are traced, by their numbers, and the processes that they belong to. */
#ifndef PAGEGAP_TRACE_TRACEES_H
#define PAGEGAP_TRACE_TRACEES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace_image.h"
#include "trace_log.h"

struct traced {
	pid_t    pid;
	size_t   threads;               /* that are known */
	size_t   living;                /* of these, those that have not begun to exit */
	uint32_t number;                /* of the image */
	struct trace_image *image;      /* NULL: not executed yet, or ended */
	bool     borrows;               /* born by vfork and not executed since: its memory is its parent's */
	bool     refuses;               /* a filter of its own may refuse calls before ours is heard */
	bool     ended;                 /* it has been written down, with this status as of wait(2) */
	int      status;
};

struct tracee {
	struct tracee *next;
	pid_t    tid;
	struct traced *process;         /* NULL: it stopped, or died, before its parent said that it was born */
	bool     dead, in_call, leaving;
	bool     sizes_only;            /* the call asks how many bytes there would be */
	uint16_t number;                /* of the call that it is in */
	uint64_t begun_ns;              /* of that call; 0: not going on yet */
	int      status;                /* what it died of before it was born */
	uint64_t arguments[6];          /* of the call that it is in */
	struct trace_log log;
};

struct tracee *tracee_find(pid_t tid);
struct tracee *tracee_new(pid_t tid, struct traced *process);

/* Forgets it, and its process with the last one. */
void tracee_drop(struct tracee *tracee);

/* Another number: execve(2) gives the thread that calls it that of the process. */
void tracee_rename(struct tracee *tracee, pid_t tid);

#endif
