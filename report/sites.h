/* SPDX-License-Identifier: MIT */
/* Call sites of an image, as its file beside the capture has them (preload/capture_sites.h), checked; and the names of their frames. */
#ifndef PAGEGAP_SITES_REPORT_H
#define PAGEGAP_SITES_REPORT_H

#include "../preload/capture_sites.h"
#include "interval.h"
#include "recording.h"
#include "symbols.h"

struct site_table {
	struct capture_sites_head head;
	char (*tags)[SITES_TAG_BYTES];  /* names, by number */
	struct capture_module *modules;
	struct capture_site *sites;     /* the others first; counts of blocks are whole ones */
	struct capture_site_samples *samples; /* of each, where head.sample_bytes is not 0 */
	uint64_t *frames;
	const struct capture *capture;
	/* What each site held, by its number, when the snapshot in the same place of the capture was taken; NULL: not known. */
	struct capture_site_moment *moments[CAPTURE_SNAPSHOTS];
	uint32_t moment_sites[CAPTURE_SNAPSHOTS]; /* so many were known then */
};

/*
 * site_table_read - the sites of an image
 * @capture: of the image; has to live as long
 *
 * NULL: there are none, because no stacks were taken, or, after a line on standard error, because the file is damaged. Every index
 * and count in what is returned is within its table.
 */
struct site_table *site_table_read(const struct recording *recording, const struct image *image, const struct capture *capture);
void site_table_free(struct site_table *table);

/* What is live of a site, as of the last moment that was recorded; CAPTURE_UNKNOWN. */
uint64_t site_live_blocks(const struct capture_site *site);
uint64_t site_live_bytes(const struct capture_site *site);
uint64_t site_live_usable_bytes(const struct capture_site *site);

/* The name under which a site was reached; NULL: none. */
const char *site_tag(const struct site_table *table, const struct capture_site *site);

/* What a site, by its number, held at a snapshot of the capture; NULL: not known, nor where there is no snapshot. */
const struct capture_site_moment *site_moment(const struct site_table *table, const struct capture_snapshot *snapshot, uint32_t number);

/* The snapshot at which resident memory was highest; NULL: none. */
const struct capture_snapshot *site_peak(const struct site_table *table);

/* Where blocks were sampled, how sure the estimates of requested_bytes and site_live_bytes are. @number: of the site */
struct interval site_requested_interval(const struct site_table *table, uint32_t number);
struct interval site_live_interval(const struct site_table *table, uint32_t number);

/* The object that a frame of a site lies in; NULL: none that is known. */
const struct capture_module *site_module(const struct site_table *table, const struct capture_site *site, uint64_t frame);

/*
 * site_frame_names - the functions at a frame, inlined ones included
 * @module: that it lies in, or NULL: it may be code of a just-in-time compiler
 * @capture: of the image, whose executable may be the module
 *
 * As symbols_resolve; the texts live as long as the process.
 */
size_t site_frame_names(const struct capture_module *module, const struct capture *capture, uint64_t frame, const struct symbol_frame **names);

#endif
