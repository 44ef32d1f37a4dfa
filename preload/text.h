/* SPDX-License-Identifier: MIT */
/* Putting short texts together without stdio, in a buffer of the caller's. */
#ifndef PAGEGAP_TEXT_H
#define PAGEGAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char  *buffer;                  /* always NUL-terminated */
	size_t room, length;
	bool   cut;                     /* something did not fit: the text is not to be used */
};

static inline struct text text_begin(char *buffer, size_t room)
{
	buffer[0] = '\0';
	return (struct text){ buffer, room, 0, false };
}

static inline void text_add(struct text *text, const char *more)
{
	size_t length = strlen(more);

	if (length >= text->room - text->length) {
		text->cut = true;
		return;
	}
	memcpy(text->buffer + text->length, more, length + 1);
	text->length += length;
}

static inline void text_add_number(struct text *text, uint64_t number)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_add(text, digits + at);
}

static inline uint64_t scan_decimal_text(const char *text)
{
	uint64_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

/* "64M": a number with K, M, G or nothing behind it. False: it is none, or not between @least and @most. */
static inline bool scan_size(const char *text, uint64_t least, uint64_t most, uint64_t *bytes)
{
	static const char suffixes[] = "KMGkmg";
	const char *end = text + strspn(text, "0123456789"), *suffix = *end ? strchr(suffixes, *end) : NULL;

	if (end == text || end - text > 12 || (*end && (!suffix || end[1])))
		return false;
	*bytes = scan_decimal_text(text);
	if (suffix)
		*bytes <<= 10 * (1 + (suffix - suffixes) % 3);
	return *bytes >= least && *bytes <= most;
}

#endif
