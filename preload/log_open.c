/* SPDX-License-Identifier: MIT */
/* Opening the call log: the runner has made the file, or the first process of a recording without one makes it, with its defaults. */
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "environment.h"
#include "instrument.h"
#include "ranges.h"
#include "text.h"

#define SIZE_DEFAULT   (64ULL << 20)
#define STRING_DEFAULT 32

static uint64_t number_option(const char *name, uint64_t otherwise)
{
	char value[32];

	return environment_option(name, value, sizeof(value)) ? scan_decimal_text(value) : otherwise;
}

/* Without a runner the first process makes the log, of all calls. Disk blocks for all of it: a write into a hole on a full disk would be SIGBUS. */
static long make_file(const char *path, uint64_t bytes)
{
	struct log_header header = { .magic = LOG_MAGIC, .version = LOG_VERSION };
	long fd = sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600), error;

	if (fd < 0)
		return fd;
	header.chunks = (uint32_t)((bytes - LOG_HEADER_BYTES) / LOG_CHUNK_BYTES);
	header.string_bytes = (uint32_t)min_u64(number_option("log-strings", STRING_DEFAULT), LOG_RECORD_BYTES / 2);
	header.descriptors = (uint32_t)number_option("log-descriptors", 0);
	header.begun_ns = sys_now_ns(CLOCK_MONOTONIC);
	header.begun_realtime_ns = sys_now_ns(CLOCK_REALTIME);
	memset(header.wish.wanted, 0xff, sizeof(header.wish.wanted));
	bytes = LOG_HEADER_BYTES + (uint64_t)header.chunks * LOG_CHUNK_BYTES;
	error = sys_call4(SYS_fallocate, fd, 0, 0, bytes);
	if (!sys_failed(error))
		error = sys_call4(SYS_pwrite64, fd, &header, sizeof(header), 0);
	if (!sys_failed(error))
		return fd;
	sys_close((int)fd);
	sys_call3(SYS_unlinkat, AT_FDCWD, path, 0);
	return error;
}

static long open_file(void)
{
	struct text text = text_begin(log_path, sizeof(log_path));
	uint64_t bytes = SIZE_DEFAULT;
	char size[32];
	struct rlimit limit;
	long fd;

	text_add(&text, environment_recording());
	text_add(&text, "/" LOG_FILE);
	if (text.cut)
		return -ENAMETOOLONG;
	fd = sys_open(log_path, O_RDWR | O_NOFOLLOW, 0);
	if (fd != -ENOENT)
		return fd;
	if (environment_option("log-size", size, sizeof(size)) && !scan_size(size, LOG_SIZE_LEAST, LOG_SIZE_MOST, &bytes))
		return -EINVAL;
	if (sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit)) || limit.rlim_cur < bytes)
		return -EFBIG;
	return make_file(log_path, bytes);
}

/* The mapping of the header of a file that is a log, or a negated errno. */
static long map_header(int fd)
{
	struct log_header header = { 0 };
	struct stat file;
	long got = sys_pread(fd, &header, sizeof(header), 0), map;

	if (sys_failed(got) || sys_failed(got = sys_call2(SYS_fstat, fd, &file)))
		return got;
	if (memcmp(header.magic, LOG_MAGIC, sizeof(header.magic)) || header.version != LOG_VERSION || header.chunks < LOG_CHUNKS_MIN ||
	    (uint64_t)file.st_size < LOG_HEADER_BYTES + (uint64_t)header.chunks * LOG_CHUNK_BYTES)
		return -EINVAL;
	map = sys_call6(SYS_mmap, 0, LOG_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!sys_failed(map))
		ranges_claim_instrument((uint64_t)map, (uint64_t)map + LOG_HEADER_BYTES);
	return map;
}

void log_begin(void)
{
	char value[8];
	long fd, map;

	if (!environment_option("log", value, sizeof(value)) || !strcmp(value, "off"))
		return;
	map = fd = open_file();
	if (!sys_failed(fd)) {
		map = map_header((int)fd);
		sys_close((int)fd);
	}
	if (sys_failed(map))
		instrument_note(NOTE_NO_LOG, (int)-map);
	else
		log_file = (struct log_header *)map;
}
