/* SPDX-License-Identifier: MIT */
/* Processes that run now, as /proc shows them: proc(5). */
#ifndef PAGEGAP_LIVE_H
#define PAGEGAP_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "recording.h"

/* A file that a process has mapped. */
struct live_mapping {
	uint64_t device, inode;
	char    *path;          /* to be freed */
};

/*
 * The capture that a process has mapped. Returns 0, or an errno: ENOENT none, ESRCH no such process, EACCES not
 * permitted.
 */
int live_capture(pid_t pid, struct live_mapping *found);

/* Does this process have this very file mapped? */
bool live_maps_file(pid_t pid, uint64_t device, uint64_t inode);

/*
 * live_usage - what a process has used so far
 *
 * Works for one that has ended and was not waited for, too. Children are not in it. What only its threads know is
 * CAPTURE_UNKNOWN where some of them are gone. False: it cannot be read.
 */
bool live_usage(pid_t pid, struct usage *usage);

/* When a process began, CLOCK_MONOTONIC, to 10 ms; CAPTURE_UNKNOWN: there is no such process, or it is a zombie. */
uint64_t live_start_ns(pid_t pid);

/* Faults and time of the children that a process has waited for. */
bool live_had_children(pid_t pid);

#endif
