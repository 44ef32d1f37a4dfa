/* SPDX-License-Identifier: MIT */
/* The figures of a call site, from the table of them. */
#include "site_columns.h"

#include <string.h>

/* At the last ledger. */
static const struct capture_site_moment *at_end(const struct site_table *table, const struct capture_site *site)
{
	return site_moment(table, &table->capture->snapshots[SNAPSHOT_END], (uint32_t)(site - table->sites));
}

#define AT_END(figure) (at_end(table, site) ? at_end(table, site)->figure : CAPTURE_UNKNOWN)
#define GETTER(constant, name, title, words, unit, value) \
	static uint64_t get_##constant(const struct site_table *table, const struct capture_site *site) \
	{ \
		(void)table; \
		return value; \
	}
SITE_COLUMNS_TABLE(GETTER)

#define ROW(constant, name, title, words, unit, value) [constant] = { name, title, words, unit, get_##constant },
const struct site_column site_columns[SITE_COLUMNS] = { SITE_COLUMNS_TABLE(ROW) };

size_t site_column_named(const char *name)
{
	size_t i = 0;

	while (i < SITE_COLUMNS && strcmp(site_columns[i].name, name))
		i++;
	return i;
}

struct site_values site_values_of(const struct site_table *table, const struct capture_site *site)
{
	struct site_values values;

	for (size_t i = 0; i < SITE_COLUMNS; i++) {
		uint64_t value = site_columns[i].get(table, site);

		values.of[i] = value > INT64_MAX ? CAPTURE_UNKNOWN : value;
	}
	return values;
}
