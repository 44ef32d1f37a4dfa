/* SPDX-License-Identifier: MIT */
/* The functions of glibc that show statistics: malloc_stats(3), mallinfo(3), malloc_info(3). */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "sizes.h"
#include "statistics.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void malloc_stats(void)
{
	int error = errno;

	statistics_print(STDERR_FILENO);
	errno = error;
}

/* glibc's fields, where there is something like them: blocks above 1 MiB are its mmapped ones. */
static struct mallinfo2 all_info(void)
{
	struct pagepool_statistics s;
	struct mallinfo2 info = { 0 };

	statistics_take(&s, sizeof(s));
	info.arena = s.mapped_bytes - s.large_bytes;
	info.ordblks = s.free_page_bytes / PAGE_SIZE;
	info.hblks = s.large_blocks;
	info.hblkhd = s.large_bytes;
	info.fsmblks = s.cached_bytes;
	info.uordblks = s.live_bytes;
	info.fordblks = info.arena + info.hblkhd > s.live_bytes ? info.arena + info.hblkhd - s.live_bytes : 0;
	info.keepcost = s.not_returned_bytes;
	return info;
}

EXPORT struct mallinfo2 mallinfo2(void)
{
	return all_info();
}

static int clip(size_t number)
{
	return number > INT_MAX ? INT_MAX : (int)number;
}

EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 info = all_info();

	return (struct mallinfo){
		.arena = clip(info.arena), .ordblks = clip(info.ordblks), .hblks = clip(info.hblks),
		.hblkhd = clip(info.hblkhd), .fsmblks = clip(info.fsmblks), .uordblks = clip(info.uordblks),
		.fordblks = clip(info.fordblks), .keepcost = clip(info.keepcost),
	};
}

EXPORT int malloc_info(int format, FILE *stream)
{
	struct pagepool_statistics s;

	if (format != 0) {
		errno = EINVAL;
		return -1;
	}
	statistics_take(&s, sizeof(s));
	fprintf(stream, "<malloc version=\"pagepool-1\">\n<sizes>\n");
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		const struct pagepool_class_statistics *c = &s.class[class];

		if (c->slabs)
			fprintf(stream,
				"  <size bytes=\"%lu\" live=\"%lu\" cached=\"%lu\" free=\"%lu\" slabs=\"%lu\"/>\n",
				c->block_bytes, c->live, c->cached, c->free, c->slabs);
	}
	fprintf(stream, "</sizes>\n<total type=\"live\" size=\"%lu\"/>\n"
		"<total type=\"mmap\" count=\"%lu\" size=\"%lu\"/>\n"
		"<total type=\"kept\" size=\"%lu\"/>\n<total type=\"tables\" size=\"%lu\"/>\n"
		"<system type=\"current\" size=\"%lu\"/>\n</malloc>\n",
		s.live_bytes, s.large_blocks, s.large_bytes, s.large_kept_bytes + s.not_returned_bytes, s.table_bytes,
		s.mapped_bytes);
	return 0;
}
