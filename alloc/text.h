/* SPDX-License-Identifier: MIT */
/* Text for messages and statistics, composed without stdio, which would allocate. What does not fit is cut off. */
#ifndef PAGEPOOL_TEXT_H
#define PAGEPOOL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	size_t length;
	char bytes[1000];
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);

/* A number, right-aligned in so many columns. */
void text_add_number(struct text *text, uint64_t number, size_t columns);
void text_add_address(struct text *text, const void *address);
void text_write(const struct text *text, int fd);

#endif
