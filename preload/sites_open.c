/* SPDX-License-Identifier: MIT */
/* The file of an image's call sites: beside its capture, sparse, with disk blocks for what is in use. */
#include <fcntl.h>
#include <stddef.h>

#include "instrument.h"
#include "ranges.h"
#include "sites.h"

#define CHUNK (64UL << 10)

enum { TABLE_MODULES, TABLE_SITES, TABLE_SAMPLES, TABLE_FRAMES, TABLES };
static const uint64_t table_start[TABLES] = {
	offsetof(struct capture_sites, modules), offsetof(struct capture_sites, sites), offsetof(struct capture_sites, samples),
	offsetof(struct capture_sites, frames),
};

/* How far each of the tables has its disk blocks: offsets in the file. And where that is mapped. */
static uint64_t backed[TABLES], mapped_at;

static unsigned table_of(uint64_t offset)
{
	unsigned table = TABLE_FRAMES;

	while (table && offset < table_start[table])
		table--;
	return table;
}

/* The parts of the file that are mapped: samples need few sites, and all blocks no samples. What lies between these is not the library's. */
static uint64_t part_end(unsigned table)
{
	switch (table) {
	case TABLE_SITES:
		return table_start[table] + sites_most * sizeof(struct capture_site);
	case TABLE_SAMPLES:
		return table_start[table] + (sites_each ? 0 : sites_most * sizeof(struct capture_site_samples));
	case TABLE_FRAMES:
		return table_start[table] + sites_frames_most * sizeof(uint64_t);
	default:
		return table_start[TABLE_SITES];
	}
}

static void keep_parts(uint64_t map)
{
	ranges_claim_instrument(map, map + table_start[TABLE_SITES]);
	for (unsigned table = TABLE_SITES; table < TABLES; table++) {
		uint64_t start = table_start[table], end = part_end(table), next = table + 1 < TABLES ? table_start[table + 1] : sizeof(struct capture_sites);

		if (end > start)
			ranges_claim_instrument(map + start, map + end);
		if (end < next)
			sys_unmap((void *)(map + end), next - end);
	}
}

void sites_unmap(const struct capture_sites *table)
{
	sys_unmap(table, table_start[TABLE_SITES]);
	for (unsigned i = TABLE_SITES; i < TABLES; i++)
		if (part_end(i) > table_start[i])
			sys_unmap((const char *)table + table_start[i], part_end(i) - table_start[i]);
}

/* Only by one thread at a time: under the lock of who adds a site, or in the one thread of an image that begins. */
bool sites_back(const void *start, const void *end)
{
	uint64_t from = (uint64_t)start - mapped_at, upto = (uint64_t)end - mapped_at, *have = &backed[table_of(from)], most;
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
	mapped_at = (uint64_t)map;
	keep_parts(mapped_at);
	memcpy(backed, table_start, sizeof(backed));
	table->head.version = SITES_VERSION;
	table->head.header_bytes = sizeof(*table);
	table->head.pid = capture->pid;
	table->head.image_number = capture->image_number;
	memcpy(table->head.magic, SITES_MAGIC, sizeof(table->head.magic));
	return table;
}
