/* SPDX-License-Identifier: MIT */
/* Bytes by descriptor, of an image or of several: what is the same descriptor leading to the same place is one line. */
#ifndef PAGEGAP_REPORT_TRAFFIC_H
#define PAGEGAP_REPORT_TRAFFIC_H

#include <stdbool.h>

#include "../preload/capture.h"

struct traffic_line {
	unsigned target;                /* below TARGET_FIRST: all others of a kind; else TARGET_FIRST */
	uint32_t fd;                    /* of TARGET_FIRST */
	char    *name;                  /* the same; else "" */
	uint64_t calls, errors, bytes_in, bytes_out, timed;
	uint64_t ticks, time_ns;        /* time_ns is set by traffic_sort; CAPTURE_UNKNOWN: none was timed */
};

/* Begins as all zeros. */
struct traffic {
	struct traffic_line *lines;
	size_t   count, room;
	uint32_t clock;                 /* enum capture_clock_kind, of the first image that has one */
	double   tick;                  /* nanoseconds, as the image says that lived longest */
	uint64_t span_ns;
	uint64_t dropped;               /* targets that are in the others of their kind */
};

void traffic_add(struct traffic *traffic, const struct capture *capture);

/* Makes one line of those that are the same; the busiest first: by time, then bytes, then calls. */
void traffic_sort(struct traffic *traffic);

void traffic_free(struct traffic *traffic);

/* "file", "pipe", "socket", "anonymous", "unknown" */
const char *traffic_kind(const struct traffic_line *line);

#endif
