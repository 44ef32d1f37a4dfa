/* SPDX-License-Identifier: MIT */
/*
 * A table on the page: a label at the left, columns of figures at the right edge of their columns. Columns that do not
 * fit on 80 are printed below, as a second table with the same labels.
 */
#ifndef PAGEGAP_TABLE_H
#define PAGEGAP_TABLE_H

#include "page.h"

#define TABLE_COLUMNS 8
#define TABLE_ROWS    48

struct table_row {
	char label[96];
	char cells[TABLE_COLUMNS][32];
	bool unusual;
};

/* The first row is the heading. */
struct table {
	size_t columns, rows;
	struct table_row row[TABLE_ROWS];
};

/* Adds a row and returns it; NULL when the table is full. */
struct table_row *table_add(struct table *table, const char *label);

void table_cell(struct table *table, struct table_row *row, size_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void table_print(struct page *page, const struct table *table);

#endif
