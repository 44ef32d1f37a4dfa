/* SPDX-License-Identifier: MIT */
/* Making bytes of unknown origin fit to print. */
#include "escape.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

size_t utf8_next(const char *bytes, size_t length, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)bytes[0];
	size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;

	if (!size || size > length || first > 0xf4)
		return 0;
	*character = size == 1 ? first : first & (0xffU >> (size + 1));
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (*character < least[size] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
		return 0;
	return size;
}

struct span {
	uint32_t first, last;
};

static bool in_spans(uint32_t character, const struct span *spans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (character >= spans[i].first && character <= spans[i].last)
			return true;
	return false;
}
#define IN(character, spans) in_spans(character, spans, sizeof(spans) / sizeof((spans)[0]))

/*
 * Controls, and what is invisible or reorders its neighbours (Unicode: Cc, bidirectional and other format characters).
 */
static bool is_unfit(uint32_t character)
{
	static const struct span spans[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },     { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },   { 0xfff0, 0xfffb },
		{ 0xfffe, 0xffff }, { 0xe000, 0xf8ff }, { 0xe0000, 0xe0fff },
	};

	return IN(character, spans);
}

/* East Asian Wide and Fullwidth (Unicode TR 11), by block; marks that combine take no column. Unlisted ones count 1. */
static size_t character_columns(uint32_t character)
{
	static const struct span wide[] = {
		{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x23e9, 0x23f3 }, { 0x25fd, 0x25fe },
		{ 0x2614, 0x27bf },   { 0x2b1b, 0x2b55 },   { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
		{ 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 },
		{ 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 }, { 0x16fe0, 0x1b2ff },
		{ 0x1f004, 0x1faff }, { 0x20000, 0x3fffd },
	};
	static const struct span none[] = {
		{ 0x300, 0x36f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
	};

	if (character < 0x300)
		return 1;
	return IN(character, none) ? 0 : IN(character, wide) ? 2 : 1;
}

size_t text_columns(const char *text)
{
	size_t columns = 0, length = strlen(text);

	while (length) {
		uint32_t character;
		size_t size = utf8_next(text, length, &character);

		columns += size ? character_columns(character) : 1;
		text += size ? size : 1;
		length -= size ? size : 1;
	}
	return columns;
}

size_t text_fitting(const char *text, size_t columns)
{
	size_t at = 0, length = strlen(text), used = 0;

	while (at < length) {
		uint32_t character;
		size_t size = utf8_next(text + at, length - at, &character);

		used += size ? character_columns(character) : 1;
		if (used > columns)
			break;
		at += size ? size : 1;
	}
	return at;
}

static char *escape(const char *bytes, size_t length, bool unfit_too)
{
	static const char digits[] = "0123456789abcdef";
	char *copy = memory_get(length * 4 + 1), *to = copy;

	for (size_t at = 0; at < length;) {
		uint32_t character = 0;
		size_t size = utf8_next(bytes + at, length - at, &character);

		if (size && !(unfit_too && is_unfit(character))) {
			memcpy(to, bytes + at, size);
			to += size;
			at += size;
			continue;
		}
		for (size_t end = at + (size ? size : 1); at < end; at++) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[(unsigned char)bytes[at] >> 4];
			*to++ = digits[bytes[at] & 15];
		}
	}
	*to = '\0';
	return copy;
}

char *escape_text(const char *bytes, size_t length)
{
	return escape(bytes, length, true);
}

char *escape_utf8(const char *bytes, size_t length)
{
	return escape(bytes, length, false);
}

char *escape_argument(const char *argument, size_t length)
{
	char *escaped = escape_text(argument, length), *quoted, *to;

	if (length && !strpbrk(escaped, " \"'$`|&;<>()*?#!"))
		return escaped;
	quoted = to = memory_get(strlen(escaped) * 4 + 3);
	*to++ = '\'';
	for (const char *from = escaped; *from; from++) {
		if (*from == '\'')
			to = stpcpy(to, "'\\'");
		*to++ = *from;
	}
	strcpy(to, "'");
	free(escaped);
	return quoted;
}
