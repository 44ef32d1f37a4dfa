/* SPDX-License-Identifier: MIT */
/* The busiest descriptors, on the page of --syscalls: what was moved through each, and how long that took. */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"
#include "report_text.h"
#include "traffic.h"

#define NAME_COLUMNS 30

/* The end of a path says more than its beginning. */
static char *shortened(const char *name)
{
	char *whole = escape_argument(name, strlen(name)), *end = whole, *text;

	if (text_columns(whole) <= NAME_COLUMNS)
		return whole;
	while (text_columns(end) > NAME_COLUMNS - 3)
		end += 1 + strspn(end + 1, "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f"
					   "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf");
	text = memory_format("...%s", end);
	free(whole);
	return text;
}

static char *describe(const struct traffic_line *line)
{
	static const char *const rests[] = {
		[TARGET_NONE] = "?", [TARGET_UNKNOWN] = "(where to, is not known)", [TARGET_FILES] = "(all other files)",
		[TARGET_PIPES] = "(all other pipes)", [TARGET_SOCKETS] = "(all other sockets)",
	};

	return line->target < TARGET_FIRST ? memory_copy(rests[line->target], strlen(rests[line->target])) : shortened(line->name);
}

void text_traffic(struct page *page, struct traffic *traffic, size_t most)
{
	traffic_sort(traffic);
	if (!traffic->count)
		return;
	page_gap(page);
	page_line(page, "Busiest descriptors");
	page_line(page, "%10s %10s %10s %10s %4s  %s", "time", "calls", "bytes in", "bytes out", "fd", "leads to");
	for (size_t i = 0; i < traffic->count && i < most; i++) {
		const struct traffic_line *line = &traffic->lines[i];
		char *fd = line->target < TARGET_FIRST ? memory_copy("", 0) : memory_format("%u", line->fd), *name = describe(line);

		page_line(page, "%10s %10s %10s %10s %4s  %s", line->time_ns == CAPTURE_UNKNOWN ? "-" : TIME(line->time_ns), COUNT(line->calls),
			  line->bytes_in ? BYTES(line->bytes_in) : "-", line->bytes_out ? BYTES(line->bytes_out) : "-", fd, name);
		free(fd), free(name);
	}
	if (traffic->count > most)
		page_line(page, "  and %zu more (--all)", traffic->count - most);
}
