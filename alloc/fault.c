/* SPDX-License-Identifier: MIT */
/* The line and the end. */
#include "fault.h"

#include <stdlib.h>
#include <unistd.h>

#include "lock.h"
#include "text.h"

COLD __attribute__((noreturn)) void fault(const char *call, const void *pointer, const char *what)
{
	struct text line = { 0 };

	text_add(&line, "pagepool: ");
	text_add(&line, call);
	text_add(&line, "(");
	text_add_address(&line, pointer);
	text_add(&line, "): ");
	text_add(&line, what);
	text_add(&line, "\n");
	text_write(&line, STDERR_FILENO);
	abort();
}
