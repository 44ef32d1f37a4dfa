/* SPDX-License-Identifier: MIT */
/*
 * Windows on the log's file. A process maps only the chunks that it fills: what an address space may hold, or what may be locked, is the program's
 * own. General registers alone, as in log.c.
 */
#include "instrument.h"
#include "log.h"

char *log_whole;
uint64_t log_whole_bytes;
char log_path[4096];

void log_keep(void)
{
	uint64_t bytes = LOG_HEADER_BYTES + (uint64_t)log_file->chunks * LOG_CHUNK_BYTES;
	long fd, map;

	if (log_whole || !instrument_is_own_process())
		return;
	fd = sys_open(log_path, O_RDWR | O_NOFOLLOW, 0);
	if (sys_failed(fd))
		return;
	map = sys_call6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sys_close((int)fd);
	if (sys_failed(map))
		return;
	log_whole_bytes = bytes;
	log_whole = (char *)map;
}

struct log_chunk *log_window(struct log_chunk *at, uint64_t offset)
{
	long fd, map;

	if (log_whole)
		return (struct log_chunk *)(void *)(log_whole + offset);
	fd = sys_open(log_path, O_RDWR | O_NOFOLLOW, 0);
	if (sys_failed(fd))
		return NULL;
	map = sys_call6(SYS_mmap, SYS_A(at), LOG_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | (at ? MAP_FIXED : 0), fd, (long)offset);
	sys_close((int)fd);
	return sys_failed(map) ? NULL : (struct log_chunk *)map;
}
