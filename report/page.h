/* SPDX-License-Identifier: MIT */
/*
 * The page that a person reads: 80 columns, never more, whatever is put on it. Lines, paragraphs that wrap, tables that
 * split when their columns do not fit. Colour marks only what is unusual.
 */
#ifndef PAGEGAP_PAGE_H
#define PAGEGAP_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#define PAGE_COLUMNS 80

struct page {
	FILE *to;
	bool  colour;
	bool  exact;            /* figures with all their digits */
	bool  anything;         /* something is on it already */
};

/* Colour only on a terminal that knows it, and where the user does not object (https://no-color.org). */
struct page page_on(FILE *to, bool exact);

/* An empty line between what was there and what comes. */
void page_gap(struct page *page);

/* One line; what does not fit is cut and shown as cut. */
void page_line(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, marked as unusual. */
void page_unusual(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Words that wrap. @hang: columns by which the following lines are indented. */
void page_paragraph(struct page *page, size_t indent, size_t hang, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void page_unusual_paragraph(struct page *page, size_t indent, size_t hang, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * A section's beginning: its title at the left, its first words in a column of their own, as wide as
 * page_section_columns. The title stands alone when it is longer.
 */
#define PAGE_SECTION 18
void page_section(struct page *page, const char *title, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_under(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A bar of at most @columns for a part of a whole; at least one mark for anything above zero. */
struct bar {
	char text[PAGE_COLUMNS + 1];
};
struct bar page_bar(unsigned long part, unsigned long whole, size_t columns);

#endif
