/* SPDX-License-Identifier: MIT */
#include "log_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "memory.h"
#include "units.h"

bool log_parse_size(const char *text, uint64_t *bytes)
{
	return size_parse(text, LOG_SIZE_MIN, LOG_SIZE_MAX, bytes);
}

struct log_header log_header_for(uint64_t bytes)
{
	struct log_header header = { .magic = LOG_MAGIC, .version = LOG_VERSION, .string_bytes = LOG_STRINGS_DEFAULT };

	header.chunks = (uint32_t)((bytes - LOG_HEADER_BYTES) / LOG_CHUNK_BYTES);
	memset(header.wish.wanted, 0xff, sizeof(header.wish.wanted));
	return header;
}

uint64_t log_bytes(const struct log_header *header)
{
	return LOG_HEADER_BYTES + (uint64_t)header->chunks * LOG_CHUNK_BYTES;
}

int log_make(const char *directory, const struct log_header *as)
{
	char *path = memory_format("%s/" LOG_FILE, directory);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), error;
	struct log_header header = *as;
	struct timespec now;

	header.begun_ns = now_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	header.begun_realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)log_bytes(&header));
	if (!error && pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		error = errno;
	if (fd >= 0)
		close(fd);
	if (error && fd >= 0)
		unlink(path);
	free(path);
	return error;
}
