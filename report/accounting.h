/* SPDX-License-Identifier: MIT */
/*
 * What became of the time that threads lived: they computed, in user mode or in the kernel, waited for a processor, or slept. The first
 * three are the kernel's figures and sleep is what is left, so the four add up; what that may be off by is said. How much of the sleep was inside
 * calls can be bounded: a call that took longer than the processor time that it can have had slept in between.
 */
#ifndef PAGEGAP_ACCOUNTING_H
#define PAGEGAP_ACCOUNTING_H

#include <stdbool.h>

#include "../preload/capture.h"

struct accounting {
	bool     known;                 /* else nothing below is */
	uint64_t threads;               /* whose lives these are */
	uint64_t lived_ns;              /* added up; of one thread, the wall time */
	uint64_t user_ns, system_ns, wait_ns, asleep_ns; /* add up to it */
	uint64_t bound_ns;              /* asleep_ns is off by at most this */
	uint64_t least_in_calls_ns;     /* of asleep_ns, in calls that were seen and timed; both CAPTURE_UNKNOWN where none was */
	uint64_t most_in_calls_ns;
};

/* Of all threads of an image. */
struct accounting accounting_of(const struct capture *capture);

/* What the threads of a slot of counters did with their time, those that are gone and the one that was there at the end. */
struct capture_thread_time accounting_slot(const struct capture_thread *thread);

/* Fills in the last two. @timed: calls, that took @calls_ns together */
void accounting_add_calls(struct accounting *accounting, uint64_t timed, uint64_t calls_ns);

#endif
