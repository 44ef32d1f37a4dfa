/* SPDX-License-Identifier: MIT */
/* Numbers as digits, and a line to a descriptor. */
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 20       /* of a 64-bit number */

void text_add_bytes(struct text *text, const char *bytes, size_t length)
{
	if (length > sizeof(text->bytes) - text->length)
		length = sizeof(text->bytes) - text->length;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

static void add_in_base(struct text *text, uint64_t number, unsigned base, size_t columns)
{
	char digits[DIGITS];
	size_t first = DIGITS;

	do {
		digits[--first] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	for (size_t length = DIGITS - first; length < columns; length++)
		text_add(text, " ");
	text_add_bytes(text, digits + first, DIGITS - first);
}

void text_add_number(struct text *text, uint64_t number, size_t columns)
{
	add_in_base(text, number, 10, columns);
}

void text_add_address(struct text *text, const void *address)
{
	text_add(text, "0x");
	add_in_base(text, (uintptr_t)address, 16, 1);
}

/* No thread may be cancelled in the middle of malloc, of which nobody expects it (pthreads(7), "Cancellation points"). */
void text_write(const struct text *text, int fd)
{
	size_t done = 0;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (done < text->length) {
		ssize_t written = write(fd, text->bytes + done, text->length - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break;
		done += (size_t)written;
	}
	pthread_setcancelstate(state, NULL);
}
