/* SPDX-License-Identifier: MIT */
/* The system calls of an image by thread, and what each thread did with its time. */
#ifndef PAGEGAP_THREADS_H
#define PAGEGAP_THREADS_H

#include "accounting.h"

enum thread_kind {
	THREAD_ONE,                     /* one thread */
	THREAD_SEQUENCE,                /* several, one after the other, that had the same slot of counters */
	THREAD_SHARED,                  /* whatever found no slot, or no cell, of its own: what all of these counted together */
};

/* A line of the list. Times are CAPTURE_UNKNOWN where they are not known. */
struct thread_figures {
	enum thread_kind kind;
	uint64_t threads;               /* how many these are; CAPTURE_UNKNOWN: shared */
	uint32_t tid;                   /* THREAD_ONE */
	const char *name;               /* of that one, or of the last; "": not known. Points into the capture */
	bool     ended;                 /* all of them left before the image ended */
	bool     complete;              /* all calls that they made are here; else some are among the shared ones */
	uint64_t calls, errors, timed, time_ns;
	unsigned busiest;               /* the call that took most of the time, else that was made most often */
	struct accounting life;
};

/* The one with the most time in calls first, the shared ones last. Room for CAPTURE_COUNTERS. Returns how many there are. */
size_t threads_of(const struct capture *capture, struct thread_figures *figures);

#endif
