/* SPDX-License-Identifier: MIT */
/* Reading the file of an image's call sites: the head, and of each table what is in use. */
#include "sites.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "memory.h"

/* False: it is shorter. */
static bool read_part(int fd, void *to, size_t bytes, size_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static const char *defect_of(const struct capture_sites_head *head, const struct image *image)
{
	if (memcmp(head->magic, SITES_MAGIC, sizeof(head->magic)))
		return "not a table of call sites";
	if (head->version != SITES_VERSION || head->header_bytes != sizeof(struct capture_sites))
		return "of another version of pagegap";
	if (head->pid != image->pid || head->image_number != image->number)
		return "of another process";
	if (head->sites_used > SITES_MOST || head->frames_used > SITES_FRAMES || head->modules_used > SITES_MODULES || head->tags_used >= SITES_TAGS)
		return "damaged: it has more than there is room for";
	return NULL;
}

static uint64_t whole(uint64_t parts)
{
	return parts == CAPTURE_UNKNOWN ? parts : (parts + SITES_FRACTION / 2) / SITES_FRACTION;
}

/* What is live is rounded, and what is gone is the rest: else sites of which all is gone would have a block. */
static void count_whole_blocks(struct site_table *table)
{
	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		struct capture_site *s = &table->sites[i];
		uint64_t left = s->inherited_blocks == CAPTURE_UNKNOWN ? 0 : whole(s->inherited_blocks + s->allocations - s->frees);

		s->inherited_blocks = whole(s->inherited_blocks);
		s->allocations = whole(s->allocations);
		s->temporary = whole(s->temporary);
		s->frees = s->inherited_blocks == CAPTURE_UNKNOWN ? whole(s->frees) : s->inherited_blocks + s->allocations - left;
	}
}

static const char *read_tables(struct site_table *table, int fd)
{
	const struct capture_sites_head *head = &table->head;

	table->tags = memory_get((head->tags_used + 1) * sizeof(table->tags[0]));
	table->modules = memory_get((head->modules_used + 1) * sizeof(table->modules[0]));
	table->sites = memory_get((head->sites_used + 1) * sizeof(table->sites[0]));
	table->samples = memory_get((head->sites_used + 1) * sizeof(table->samples[0]));
	table->frames = memory_get((head->frames_used + 1) * sizeof(table->frames[0]));
	if (!read_part(fd, table->tags, (head->tags_used + 1) * sizeof(table->tags[0]), offsetof(struct capture_sites, tags)) ||
	    !read_part(fd, table->modules, head->modules_used * sizeof(table->modules[0]), offsetof(struct capture_sites, modules)) ||
	    !read_part(fd, table->sites, head->sites_used * sizeof(table->sites[0]), offsetof(struct capture_sites, sites)) ||
	    (head->sample_bytes && !read_part(fd, table->samples, head->sites_used * sizeof(table->samples[0]), offsetof(struct capture_sites, samples))) ||
	    !read_part(fd, table->frames, head->frames_used * sizeof(table->frames[0]), offsetof(struct capture_sites, frames)))
		return "cut short";
	for (uint32_t i = 0; i <= head->tags_used; i++)
		table->tags[i][SITES_TAG_BYTES - 1] = '\0';
	for (uint32_t i = 0; i < head->modules_used; i++) {
		struct capture_module *module = &table->modules[i];

		module->path[sizeof(module->path) - 1] = '\0';
		if (module->build_id_bytes > SITES_BUILD_ID_BYTES)
			return "damaged: a build ID that is too long";
	}
	for (uint32_t i = 0; i < head->sites_used; i++)
		if (table->sites[i].depth > head->frames_used || table->sites[i].frames_at > head->frames_used - table->sites[i].depth)
			return "damaged: a site has frames beyond the table";
	if (head->sample_bytes)
		count_whole_blocks(table);
	return NULL;
}

/* One that was cut short, or that is not of the snapshot that stands there now, is not known. */
static void read_moments(struct site_table *table, int fd)
{
	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++) {
		const struct capture_snapshot *snapshot = &table->capture->snapshots[i];
		struct capture_sites_moment_head head;
		struct capture_site_moment *moment;

		if (!snapshot->sequence || !read_part(fd, &head, sizeof(head), SITES_MOMENT_AT(i)) || head.at_ns != snapshot->at_ns ||
		    head.sites > SITES_MOST)
			continue;
		moment = memory_get((head.sites + 1) * sizeof(moment[0]));
		if (read_part(fd, moment, head.sites * sizeof(moment[0]), SITES_MOMENT_AT(i) + SITES_MOMENT_HEAD_BYTES)) {
			table->moments[i] = moment;
			table->moment_sites[i] = head.sites;
		} else {
			free(moment);
		}
	}
}

/* There was no memory to begin it with, which a note says, or no time. */
static const char never_began[] = "never began";

static const char *read_file(struct site_table *table, int fd, const struct image *image)
{
	struct stat status;
	const char *defect;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || (size_t)status.st_size < sizeof(struct capture_sites))
		return "not a table of call sites";
	if (!read_part(fd, &table->head, sizeof(table->head), 0))
		return "cut short";
	if (!*table->head.magic)
		return never_began;
	defect = defect_of(&table->head, image);
	return defect ? defect : read_tables(table, fd);
}

struct site_table *site_table_read(const struct recording *recording, const struct image *image, const struct capture *capture)
{
	char *name = memory_format("%" PRIu32 ".%" PRIu32 SITES_SUFFIX, image->pid, image->number);
	int fd = recording->directory < 0 || !image->file ? -1 :
		 openat(recording->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct site_table *table;
	const char *defect;

	if (fd < 0) {
		free(name);
		return NULL;
	}
	table = memory_get(sizeof(*table));
	table->capture = capture;
	defect = read_file(table, fd, image);
	if (!defect)
		read_moments(table, fd);
	close(fd);
	if (defect == never_began) {
		site_table_free(table);
		table = NULL;
	} else if (defect) {
		complain("%s/%s: %s: its call sites are left out", recording->path, name, defect);
		site_table_free(table);
		table = NULL;
	}
	free(name);
	return table;
}

void site_table_free(struct site_table *table)
{
	if (!table)
		return;
	free(table->tags), free(table->modules), free(table->sites), free(table->samples), free(table->frames);
	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++)
		free(table->moments[i]);
	free(table);
}

static uint64_t live(uint64_t inherited, uint64_t come, uint64_t gone)
{
	return inherited == CAPTURE_UNKNOWN ? CAPTURE_UNKNOWN : inherited + come - gone;
}

uint64_t site_live_blocks(const struct capture_site *site)
{
	return live(site->inherited_blocks, site->allocations, site->frees);
}

uint64_t site_live_bytes(const struct capture_site *site)
{
	return live(site->inherited_bytes, site->requested_bytes, site->freed_bytes);
}

uint64_t site_live_usable_bytes(const struct capture_site *site)
{
	return live(site->inherited_usable_bytes, (uint64_t)site->usable_live_bytes, 0);
}

const char *site_tag(const struct site_table *table, const struct capture_site *site)
{
	return site->tag && site->tag <= table->head.tags_used ? table->tags[site->tag] : NULL;
}

const struct capture_site_moment *site_moment(const struct site_table *table, const struct capture_snapshot *snapshot, uint32_t number)
{
	static const struct capture_site_moment nothing;
	size_t i = snapshot ? (size_t)(snapshot - table->capture->snapshots) : CAPTURE_SNAPSHOTS;

	if (i >= CAPTURE_SNAPSHOTS || !table->moments[i])
		return NULL;
	return number < table->moment_sites[i] ? &table->moments[i][number] : &nothing;
}

const struct capture_snapshot *site_peak(const struct site_table *table)
{
	const struct capture_snapshot *highest = NULL;

	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++) {
		const struct capture_snapshot *s = &table->capture->snapshots[i];

		if (s->sequence && s->rss_bytes != CAPTURE_UNKNOWN && (!highest || s->rss_bytes > highest->rss_bytes))
			highest = s;
	}
	return highest;
}

/* Of a variance as the file has it. */
static double square_bytes(const struct site_table *table, double variance)
{
	double mean = (double)table->head.sample_bytes;

	return variance / SITES_VARIANCE * mean * mean;
}

struct interval site_requested_interval(const struct site_table *table, uint32_t number)
{
	const struct capture_site_samples *s = &table->samples[number];

	if (!table->head.sample_bytes)
		return (struct interval){ .known = false };
	return interval_95(s->samples, s->bytes, table->sites[number].requested_bytes, square_bytes(table, (double)s->variance), table->head.sample_bytes);
}

struct interval site_live_interval(const struct site_table *table, uint32_t number)
{
	const struct capture_site_samples *s = &table->samples[number];
	uint64_t bytes = site_live_bytes(&table->sites[number]);

	if (!table->head.sample_bytes || bytes == CAPTURE_UNKNOWN || s->live_samples <= 0 || s->live_bytes < 0)
		return (struct interval){ .known = false };
	return interval_95((uint64_t)s->live_samples, (uint64_t)s->live_bytes, bytes, square_bytes(table, (double)s->live_variance), table->head.sample_bytes);
}

const struct capture_module *site_module(const struct site_table *table, const struct capture_site *site, uint64_t frame)
{
	for (uint32_t i = site->modules_at < table->head.modules_used ? site->modules_at : table->head.modules_used; i-- > 0;)
		if (frame >= table->modules[i].start && frame < table->modules[i].end)
			return &table->modules[i];
	return NULL;
}
