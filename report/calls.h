/* SPDX-License-Identifier: MIT */
/* The system calls of an image, or of several: what all threads counted of each, in nanoseconds. */
#ifndef PAGEGAP_CALLS_H
#define PAGEGAP_CALLS_H

#include <stdbool.h>

#include "../preload/capture.h"

#define CALL_ERRORS 16

struct call_error {
	unsigned error;                 /* errno */
	uint64_t count;
};

/* One call. Times are CAPTURE_UNKNOWN where none of the calls was timed. */
struct call_figures {
	unsigned number;
	uint64_t calls, errors;
	uint64_t bytes;                 /* read or written; CAPTURE_UNKNOWN where the call does neither */
	uint64_t timed;                 /* of the calls */
	uint64_t time_ns, least_ns, most_ns;
	uint64_t half_ns, p99_ns;       /* so many took no longer, as a bound from above: at most 25 % too high, or the maximum */
	struct call_error by_error[CALL_ERRORS]; /* the most frequent first; up to the first with count 0 */
};

/* enum capture_calls_mode, as the JSON document has it. */
extern const char *const calls_mode_names[CAPTURE_CALLS_MODES];

/* The kernel's name and the service, also of a number without a row. */
const char *call_name(unsigned number);
const char *call_category(unsigned number);

/* Fills in all calls that were made, the most frequent first. Returns how many there are, at most CAPTURE_NUMBERS. */
size_t calls_of(const struct capture *capture, struct call_figures figures[CAPTURE_NUMBERS]);

/*
 * The same of several images: begin, add each, take. One at a time. The time-stamp counter is the machine's, so the image that
 * lived longest says what a tick of it is; images with another clock than the first one's are counted and not timed.
 */
void calls_begin(void);
void calls_add(const struct capture *capture);
size_t calls_take(struct call_figures figures[CAPTURE_NUMBERS]);

/* What is read and what is written, of the bytes: the result of the call says which it was. What goes between descriptors is both. */
bool call_reads(unsigned number);
bool call_writes(unsigned number);
uint64_t call_bytes_in(const struct call_figures *call);        /* CAPTURE_UNKNOWN where the call does not read */
uint64_t call_bytes_out(const struct call_figures *call);

/* What the calls of a service come to. */
struct service {
	const char *name;
	uint64_t calls, errors, timed;
	uint64_t time_ns;                               /* CAPTURE_UNKNOWN where none was timed */
	uint64_t bytes_in, bytes_out;                   /* CAPTURE_UNKNOWN where no call of it reads, or writes */
};

/* Those with a call, the one with the most time first. Room for SYSCALL_CATEGORIES. Returns how many. */
size_t calls_services(const struct call_figures *figures, size_t count, struct service *services);

enum calls_sort { SORT_TIME, SORT_CALLS, SORT_ERRORS, SORT_MAX, SORT_P99, SORT_BYTES, SORT_NAME, CALLS_SORTS };

extern const char *const calls_sort_names[CALLS_SORTS];

/* The largest first, names by the alphabet; of equal ones the most frequent. */
void calls_sort(struct call_figures *figures, size_t count, enum calls_sort by);

/* Nanoseconds in a tick of a clock; 0: not known. */
double call_tick_ns(const struct capture_clock *clock);

/* Calls of a function that the vDSO answers; CAPTURE_UNKNOWN: nobody asked for them to be counted. */
uint64_t calls_vdso(const struct capture *capture, enum capture_vdso which);
extern const char *const calls_vdso_names[CAPTURE_VDSO];

/* How often one of them was made. */
uint64_t calls_count(const struct capture *capture, unsigned number);

/* Sum of all. */
struct call_figures calls_sum(const struct call_figures *figures, size_t count);

#endif
