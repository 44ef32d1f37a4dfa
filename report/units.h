/* SPDX-License-Identifier: MIT */
/* Figures as people say them. CAPTURE_UNKNOWN is "?", never 0. */
#ifndef PAGEGAP_UNITS_H
#define PAGEGAP_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct figure {
	char text[48];
};

struct figure figure_bytes(uint64_t bytes, bool exact);         /* "1.40 GiB"; exact "1,503,238,553 bytes" */
struct figure figure_cell(int64_t bytes, bool exact); /* for a table: exact has no unit; zero is "-"; may be negative */
struct figure figure_count(uint64_t count);                     /* "1,204,331" */
struct figure figure_rate(uint64_t count, uint64_t over_ns);    /* "96,000/s"; "?" where the time is too short to say */
struct figure figure_time(uint64_t ns, bool exact);             /* "12.4 s"; exact "12.402113020 s" */
struct figure figure_percent(uint64_t part, uint64_t whole);

/* "64M": a number with K, M, G or nothing behind it. False: it is none, or not between @least and @most. */
bool size_parse(const char *text, uint64_t least, uint64_t most, uint64_t *bytes);

#endif
