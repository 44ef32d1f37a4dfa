/* SPDX-License-Identifier: MIT */
/* Allocation that does not come back empty-handed. */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

static void *checked(void *memory)
{
	if (!memory) {
		complain("out of memory");
		exit(STATUS_FAILED);
	}
	return memory;
}

void *memory_get(size_t bytes)
{
	return checked(calloc(1, bytes ? bytes : 1));
}

void *memory_more(void *old, size_t bytes)
{
	return checked(realloc(old, bytes ? bytes : 1));
}

char *memory_format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return checked(length < 0 ? NULL : text);
}

void memory_append(char **text, const char *format, ...)
{
	va_list arguments;
	char *more = NULL;
	size_t have = strlen(*text);
	int length;

	va_start(arguments, format);
	length = vasprintf(&more, format, arguments);
	va_end(arguments);
	checked(length < 0 ? NULL : more);
	*text = memory_more(*text, have + (size_t)length + 1);
	memcpy(*text + have, more, (size_t)length + 1);
	free(more);
}

char *memory_copy(const char *text, size_t length)
{
	char *copy = memory_get(length + 1);

	memcpy(copy, text, length);
	return copy;
}
