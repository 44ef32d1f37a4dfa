/* SPDX-License-Identifier: MIT */
/* What is known of a call site in figures: one row of this table for each, and every output has it. */
#ifndef PAGEGAP_SITE_COLUMNS_H
#define PAGEGAP_SITE_COLUMNS_H

#include "sites.h"

enum site_unit { SITE_COUNT, SITE_BYTES };

/*
 * X(constant, name for --sort and for other tools, heading on a page, in words, unit, value). The value is of `site` in `table`;
 * CAPTURE_UNKNOWN where it is not known. The first four are on every page.
 */
#define SITE_COLUMNS_TABLE(X) \
	X(COLUMN_LIVE, "live", "live", "the bytes that are live at the end", SITE_BYTES, site_live_bytes(site)) \
	X(COLUMN_BLOCKS, "blocks", "blocks", "the blocks that are live at the end", SITE_COUNT, site_live_blocks(site)) \
	X(COLUMN_REQUESTED, "requested", "asked for", "the bytes that were asked for", SITE_BYTES, site->requested_bytes) \
	X(COLUMN_ALLOCATIONS, "allocations", "calls", "calls that got a block", SITE_COUNT, site->allocations) \
	X(COLUMN_USABLE, "usable", "usable", "the usable bytes of live blocks", SITE_BYTES, site_live_usable_bytes(site)) \
	X(COLUMN_TEMPORARY, "temporary", "temporary", "blocks freed before the next was asked for", SITE_COUNT, site->temporary) \
	X(COLUMN_RESIDENT, "resident", "resident", "the bytes of live blocks that are resident", SITE_BYTES, AT_END(resident_bytes)) \
	X(COLUMN_PINNED, "pinned", "pinned", "the resident pages that only their blocks keep", SITE_COUNT, AT_END(pinned_pages)) \
	X(COLUMN_SPARSE, "sparse", "sparse", "the pages with their blocks that are nearly empty", SITE_COUNT, AT_END(sparse_pages))

#define SITE_COLUMN_CONSTANT(constant, name, title, words, unit, value) constant,
enum { SITE_COLUMNS_TABLE(SITE_COLUMN_CONSTANT) SITE_COLUMNS };
#undef SITE_COLUMN_CONSTANT

struct site_column {
	const char *name, *title, *words;
	enum site_unit unit;
	uint64_t (*get)(const struct site_table *table, const struct capture_site *site);
};
extern const struct site_column site_columns[SITE_COLUMNS];

/* A row of that table by its name; SITE_COLUMNS: there is none. */
size_t site_column_named(const char *name);

/* All figures of a site. What is out of the range of a figure, as what a writer had not finished may be, is not known either. */
struct site_values { uint64_t of[SITE_COLUMNS]; };
struct site_values site_values_of(const struct site_table *table, const struct capture_site *site);

#endif
