/* SPDX-License-Identifier: MIT */
/*
 * A report of a recording. Every section of the text and every key of the JSON document is a function over one `struct
 * subject`: a process image with its capture. A new kind of figure is a new file with such functions and a line in the
 * table of report_text.c or report_json.c.
 */
#ifndef PAGEGAP_REPORT_H
#define PAGEGAP_REPORT_H

#include <stdio.h>

#include "calls.h"
#include "figures.h"
#include "page.h"
#include "recording.h"
#include "site_options.h"

/* How a recording can be written; FORMAT_TEXT is the default. */
#define REPORT_FORMATS(X) \
	X(FORMAT_TEXT, "text", report_page) \
	X(FORMAT_JSON, "json", report_json) \
	X(FORMAT_FOLDED, "folded", report_folded) \
	X(FORMAT_FLAMEGRAPH, "flamegraph", report_flamegraph) \
	X(FORMAT_PPROF, "pprof", report_pprof) \
	X(FORMAT_MASSIF, "massif", report_massif) \
	X(FORMAT_CALLGRIND, "callgrind", report_callgrind)

#define REPORT_FORMAT_CONSTANT(constant, name, write) constant,
enum report_format { REPORT_FORMATS(REPORT_FORMAT_CONSTANT) REPORT_FORMAT_COUNT };
#undef REPORT_FORMAT_CONSTANT
extern const char *const report_format_names[REPORT_FORMAT_COUNT];

struct report_options {
	enum report_format format;
	bool     exact;         /* all digits */
	bool     all;           /* a page for every process, lists unfolded */
	uint32_t process;       /* the page of this one; 0: of the first */
	bool     syscalls;      /* the page of system calls alone */
	enum calls_sort sort;   /* of that page */
	size_t   top;           /* so many calls on it; 0: all */
	bool     threads;       /* and a list of threads on it */
	const char *sort_by;    /* as it was given, until it is known of what; NULL: not */
	size_t   site_sort;     /* the figure that call sites are sorted and drawn by: a row of site_columns, the first by default */
	enum site_fold fold;
	enum site_direction tree; /* TREE_NONE: a list */
	size_t   sites;         /* so many call sites; 0: as many as fit a first look */
};

/* One process image, and what is derived from its capture once for all sections. */
struct subject {
	const struct recording *recording;
	const struct report_options *options;
	size_t index;
	const struct image *image;
	const struct capture *capture;
	struct capture_totals heap;
	const struct capture_snapshot *snapshot;        /* the ledger nearest to its end; NULL: none */
};

struct subject subject_of(const struct recording *recording, const struct report_options *options, size_t index,
			  const struct capture *capture);

/* Writes the report. Returns an exit status: STATUS_PARTIAL when something of the recording could not be read. */
int report_write(const struct recording *recording, const struct report_options *options, FILE *to);

int report_text(const struct recording *recording, const struct report_options *options, FILE *to);
int text_syscalls(const struct recording *recording, const struct report_options *options, FILE *to);
/* The images of a recording, processes in order of birth, their images in order of exec. To be freed. */
const struct image **report_in_order(const struct recording *recording);

int report_json(const struct recording *recording, const struct report_options *options, FILE *to);
int report_folded(const struct recording *recording, const struct report_options *options, FILE *to);
int report_pprof(const struct recording *recording, const struct report_options *options, FILE *to);
int report_massif(const struct recording *recording, const struct report_options *options, FILE *to);
int report_callgrind(const struct recording *recording, const struct report_options *options, FILE *to);
int report_flamegraph(const struct recording *recording, const struct report_options *options, FILE *to);

#endif
