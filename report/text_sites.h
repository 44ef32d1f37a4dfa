/* SPDX-License-Identifier: MIT */
/* Between the files that print call sites on the page. */
#ifndef PAGEGAP_TEXT_SITES_H
#define PAGEGAP_TEXT_SITES_H

#include "report_text.h"
#include "site_columns.h"

#define TEXT_SITES_NAME_AT 44           /* column */

/* A text that is too long loses its middle. To be freed. */
char *text_cut_middle(const char *text, size_t columns);

/* A figure of a column as the page has it. */
struct figure text_site_value(size_t column, uint64_t value, bool exact);

/* The line above and the lines with figures: the column that sites are sorted by, then the first others. */
void text_site_heading(struct page *page, size_t sort, const char *names);
void text_site_row(struct page *page, size_t sort, const uint64_t values[SITE_COLUMNS], const char *name);

/* text_site_tree.c: with --tree or --fold */
void text_site_tree(struct page *page, const struct subject *subject);

#endif
