/* SPDX-License-Identifier: MIT */
/* The file of an image's call sites: beside its capture, sparse, with disk blocks for what is in use. */
#include <fcntl.h>
#include <stddef.h>

#include "instrument.h"
#include "ranges.h"
#include "sites.h"

#define CHUNK (64UL << 10)

/* How far each of the three tables has its disk blocks: offsets in the file. */
static uint64_t backed[3];

static unsigned table_of(uint64_t offset)
{
	return offset < offsetof(struct capture_sites, sites) ? 0 : offset < offsetof(struct capture_sites, frames) ? 1 : 2;
}

/* Only by one thread at a time: under the lock of who adds a site, or in the one thread of an image that begins. */
bool sites_back(const void *start, const void *end)
{
	uint64_t from = (uint64_t)start - (uint64_t)sites, upto = (uint64_t)end - (uint64_t)sites, *have = &backed[table_of(from)], most;
	long fd, error;

	if (upto <= *have)
		return true;
	most = min_u64((upto + CHUNK - 1) & ~(CHUNK - 1), sizeof(struct capture_sites));
	fd = recording_open(SITES_SUFFIX, sizeof(struct capture_sites), 0);
	if (fd < 0)
		return false;
	error = recording_back_file((int)fd, *have, most);
	sys_close((int)fd);
	if (sys_failed(error))
		return false;
	*have = most;
	return true;
}

static long make(void)
{
	long fd = recording_open(SITES_SUFFIX, sizeof(struct capture_sites), O_CREAT | O_EXCL), map;

	if (fd < 0)
		return fd;
	sys_call2(SYS_fchmod, fd, 0600); /* whatever the program's umask took away */
	map = sys_call2(SYS_ftruncate, fd, sizeof(struct capture_sites));
	if (!sys_failed(map))
		map = recording_back_file((int)fd, 0, SITES_EAGER_BYTES);
	if (!sys_failed(map))
		map = sys_call6(SYS_mmap, 0, sizeof(struct capture_sites), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sys_close((int)fd);
	return map;
}

struct capture_sites *sites_map(void)
{
	struct capture_sites *table;
	long map = make();

	if (sys_failed(map)) {
		instrument_note(NOTE_NO_SITES, (int)-map);
		return NULL;
	}
	table = (struct capture_sites *)map;
	ranges_claim_instrument((uint64_t)map, (uint64_t)map + sizeof(*table));
	backed[0] = offsetof(struct capture_sites, modules);
	backed[1] = offsetof(struct capture_sites, sites);
	backed[2] = offsetof(struct capture_sites, frames);
	table->head.version = SITES_VERSION;
	table->head.header_bytes = sizeof(*table);
	table->head.pid = capture->pid;
	table->head.image_number = capture->image_number;
	memcpy(table->head.magic, SITES_MAGIC, sizeof(table->head.magic));
	return table;
}
