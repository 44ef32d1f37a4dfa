/* SPDX-License-Identifier: MIT */
/* The call sites of one process image with the names of their frames, each frame asked for once: what every list of all sites is made of. */
#ifndef PAGEGAP_SITE_PROFILE_H
#define PAGEGAP_SITE_PROFILE_H

#include "report.h"
#include "site_columns.h"

/* One address of code, as long as one module lies there. */
struct site_frame {
	const struct capture_module *module; /* NULL: none that is known */
	const char *path;               /* of the module, raw; empty: not known */
	uint64_t address;               /* as the process had it */
	const struct symbol_frame *names; /* innermost first, all but the last one inlined */
	size_t count;
	const char *const *labels;      /* for whoever makes some, one for each name; NULL: none yet */
	size_t number;                  /* likewise */
};

struct site_profile {
	const struct subject *subject;
	struct site_table *table;
	struct site_frame *frames;      /* each once */
	size_t frame_count;
	uint32_t *frame_of;             /* of each entry of the table's frames */
};

/* NULL: the image has no sites. */
struct site_profile *site_profile_make(const struct subject *subject);
void site_profile_free(struct site_profile *profile);

/* False: site 0, when nothing is counted for the others. */
bool site_profile_has(const struct site_profile *profile, uint32_t number);

/* Frame i of a site, from the innermost on. */
struct site_frame *site_profile_frame(const struct site_profile *profile, const struct capture_site *site, uint32_t i);

/* The process, fit to print: "bash (4711)". To be freed. */
char *site_profile_name(const struct site_profile *profile);

/*
 * site_profiles_each - all images of a recording that have sites, in order; with --process, that process's alone
 * @one: the page's process alone, and its last image
 *
 * Returns an exit status; says so when there is none.
 */
int site_profiles_each(const struct recording *recording, const struct report_options *options, bool one,
		       void (*visit)(struct site_profile *profile, void *data), void *data);

/* Says so, once, when a figure of some sites is not known and so not in what was written. */
void site_unknown_said(uint64_t sites, size_t column);

/* A frame without a function: "libc.so.6+0x1234", "0x7f12". Raw, to be freed. */
char *site_frame_place(const struct site_frame *frame);

/* What follows the last slash. */
const char *site_base_name(const char *path);

#endif
