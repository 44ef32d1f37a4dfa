/* SPDX-License-Identifier: MIT */
/*
 * Names, arguments and paths come from the observed program, which may put anything into them: a terminal must not be
 * steered and a document not be broken by them. Columns are those of a terminal in UTF-8.
 */
#ifndef PAGEGAP_ESCAPE_H
#define PAGEGAP_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/*
 * utf8_next - decode one character
 * @bytes: at least one byte
 * @length: bytes that may be read
 * @character: its code point
 *
 * Returns its length in bytes; 0 when it is not UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above
 * U+10FFFF).
 */
size_t utf8_next(const char *bytes, size_t length, uint32_t *character);

/* Columns of a string on a terminal; what is not UTF-8 counts one column per byte. */
size_t text_columns(const char *text);

/* Bytes of the longest beginning of a string that fits into so many columns. */
size_t text_fitting(const char *text, size_t columns);

/*
 * A copy fit to print: control characters, characters that turn the direction of text, and bytes that are not UTF-8 as
 * \xNN.
 */
char *escape_text(const char *bytes, size_t length);

/* A copy that is UTF-8: only bytes that are not are written as \xNN. JSON has its own escapes for the rest. */
char *escape_utf8(const char *bytes, size_t length);

/* Like escape_text, and quoted for a shell where the argument has blanks or quotes. */
char *escape_argument(const char *argument, size_t length);

#endif
