/* SPDX-License-Identifier: MIT */
/* Lines and paragraphs on 80 columns. */
#include "page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "memory.h"

#define UNUSUAL "\033[1;33m"
#define USUAL   "\033[0m"

struct page page_on(FILE *to, bool exact)
{
	const char *terminal = getenv("TERM"), *objection = getenv("NO_COLOR");
	bool colour = isatty(fileno(to)) && terminal && *terminal && strcmp(terminal, "dumb") &&
		      !(objection && *objection);

	return (struct page){ .to = to, .colour = colour, .exact = exact };
}

void page_gap(struct page *page)
{
	if (page->anything)
		fputc('\n', page->to);
}

/* Prints at most 80 columns of a line, without blanks at its end. */
static void put_line(struct page *page, const char *line, bool unusual)
{
	size_t length = strlen(line);
	bool cut = text_columns(line) > PAGE_COLUMNS;

	if (cut)
		length = text_fitting(line, PAGE_COLUMNS - 3);
	while (length && line[length - 1] == ' ')
		length--;
	fprintf(page->to, "%s%.*s%s%s\n", unusual && page->colour ? UNUSUAL : "", (int)length, line, cut ? "..." : "",
		unusual && page->colour ? USUAL : "");
	page->anything = true;
}

static char *format_list(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	return text ? text : memory_copy("", 0);
}

#define FORMATTED(text, format) \
	char *text; \
	do { \
		va_list arguments; \
\
		va_start(arguments, format); \
		text = format_list(format, arguments); \
		va_end(arguments); \
	} while (0)

void page_line(struct page *page, const char *format, ...)
{
	FORMATTED(text, format);
	put_line(page, text, false);
	free(text);
}

void page_unusual(struct page *page, const char *format, ...)
{
	FORMATTED(text, format);
	put_line(page, text, true);
	free(text);
}

/* The bytes that fit on one line: up to a blank if there is one, else cut in the middle of the word. */
static size_t line_length(const char *text, size_t columns)
{
	size_t fitting = text_fitting(text, columns), at = fitting;

	if (!text[fitting])
		return fitting;
	while (at && text[at] != ' ')
		at--;
	if (at)
		return at;
	return fitting ? fitting : 1; /* a character wider than the line still makes progress */
}

/* @first: what stands before the first line, already within its indent. */
static void wrap(struct page *page, const char *first, size_t indent, size_t hang, const char *text, bool unusual)
{
	bool begun = false;

	do {
		size_t columns = PAGE_COLUMNS - (begun ? hang : indent), length = line_length(text, columns);
		char *line = memory_format("%s%*s%.*s", begun ? "" : first,
					   (int)(begun ? hang : indent - strlen(first)), "", (int)length, text);

		put_line(page, line, unusual);
		free(line);
		text += length;
		text += strspn(text, " ");
		begun = true;
	} while (*text);
}

void page_paragraph(struct page *page, size_t indent, size_t hang, const char *format, ...)
{
	FORMATTED(text, format);
	wrap(page, "", indent, hang, text, false);
	free(text);
}

void page_unusual_paragraph(struct page *page, size_t indent, size_t hang, const char *format, ...)
{
	FORMATTED(text, format);
	wrap(page, "", indent, hang, text, true);
	free(text);
}

void page_section(struct page *page, const char *title, const char *format, ...)
{
	FORMATTED(text, format);
	page_gap(page);
	if (strlen(title) < PAGE_SECTION) {
		wrap(page, title, PAGE_SECTION, PAGE_SECTION, text, false);
	} else {
		put_line(page, title, false);
		wrap(page, "", PAGE_SECTION, PAGE_SECTION, text, false);
	}
	free(text);
}

void page_under(struct page *page, const char *format, ...)
{
	FORMATTED(text, format);
	wrap(page, "", PAGE_SECTION, PAGE_SECTION, text, false);
	free(text);
}

struct bar page_bar(unsigned long part, unsigned long whole, size_t columns)
{
	struct bar bar;
	size_t marks = whole ? (size_t)((double)part / (double)whole * (double)columns + 0.5) : 0;

	if (columns > PAGE_COLUMNS)
		columns = PAGE_COLUMNS;
	if (marks > columns)
		marks = columns;
	if (part && !marks)
		marks = 1;
	memset(bar.text, '#', marks);
	bar.text[marks] = '\0';
	return bar;
}
