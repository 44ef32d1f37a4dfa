/* SPDX-License-Identifier: MIT */
/* Laying out a table. */
#include "table.h"

#include <stdarg.h>
#include <string.h>

#include "escape.h"

struct table_row *table_add(struct table *table, const char *label)
{
	struct table_row *row;
	size_t columns = sizeof(row->label), length;

	if (table->rows == TABLE_ROWS)
		return NULL;
	do /* a character may take more bytes than columns */
		length = text_fitting(label, --columns);
	while (length >= sizeof(row->label));
	row = &table->row[table->rows++];
	memset(row, 0, sizeof(*row));
	memcpy(row->label, label, length);
	return row;
}

void table_cell(struct table *table, struct table_row *row, size_t column, const char *format, ...)
{
	va_list arguments;

	if (!row || column >= TABLE_COLUMNS)
		return;
	va_start(arguments, format);
	vsnprintf(row->cells[column], sizeof(row->cells[column]), format, arguments);
	va_end(arguments);
	if (column >= table->columns)
		table->columns = column + 1;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < table->rows; i++) {
		size_t columns = text_columns(table->row[i].cells[column]);

		width = columns > width ? columns : width;
	}
	return width + 2; /* the distance between two columns */
}

static size_t label_width(const struct table *table, size_t first_row)
{
	size_t width = 0;

	for (size_t i = first_row; i < table->rows; i++) {
		size_t columns = text_columns(table->row[i].label);

		width = columns > width ? columns : width;
	}
	return width;
}

static void print_row(struct page *page, const struct table_row *row, size_t label, const size_t *widths, size_t from,
		      size_t to)
{
	char line[1024];
	size_t used = strlen(row->label), columns_used = text_columns(row->label);
	size_t padding = label > columns_used ? label - columns_used : 0;

	memcpy(line, row->label, used);
	memset(line + used, ' ', padding);
	used += padding;
	for (size_t i = from; i < to; i++) {
		size_t columns = text_columns(row->cells[i]), length = strlen(row->cells[i]);

		if (used + widths[i] + length >= sizeof(line))
			break;
		memset(line + used, ' ', widths[i] - columns);
		used += widths[i] - columns;
		memcpy(line + used, row->cells[i], length);
		used += length;
	}
	line[used] = '\0';
	if (row->unusual)
		page_unusual(page, "%s", line);
	else
		page_line(page, "%s", line);
}

/*
 * The heading's label is the table's title. Where it is so long that columns would not fit beside it, it stands above
 * them.
 */
void table_print(struct page *page, const struct table *table)
{
	size_t label = label_width(table, 0), widths[TABLE_COLUMNS], all = label;
	struct table_row heading = table->row[0];

	for (size_t i = 0; i < table->columns; i++) {
		widths[i] = column_width(table, i);
		all += widths[i];
	}
	if (all > PAGE_COLUMNS && table->rows > 1) {
		page_line(page, "%s", heading.label);
		heading.label[0] = '\0';
		label = label_width(table, 1);
	}
	for (size_t from = 0, to; from < table->columns; from = to) {
		size_t width = label;

		for (to = from; to < table->columns && (to == from || width + widths[to] <= PAGE_COLUMNS); to++)
			width += widths[to];
		for (size_t i = 0; i < table->rows; i++)
			print_row(page, i ? &table->row[i] : &heading, label, widths, from, to);
	}
}
