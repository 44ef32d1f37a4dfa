/* SPDX-License-Identifier: MIT */
/* One line on standard error. */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"

int complain_fd = STDERR_FILENO;

void complain(const char *format, ...)
{
	char *text = NULL, *escaped, *line = NULL;
	va_list arguments;
	int length;

	if (complain_fd < 0)
		return;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	escaped = escape_text(text, (size_t)length);
	length = asprintf(&line, "pagegap: %s\n", escaped);
	/* Standard error may be closed: then there is nobody to tell. */
	if (length > 0 && write(complain_fd, line, (size_t)length) < 0)
		length = 0;
	free(line);
	free(escaped);
	free(text);
}
