/* SPDX-License-Identifier: MIT */
/*
 * Naming the frames of all sites of an image. There are far fewer addresses than frames, and they are looked up in the order of addresses, for
 * then what was read of one compilation unit serves all of its functions.
 */
#include "site_profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "memory.h"

struct slots {
	uint32_t *of;                   /* number of a frame + 1; 0: free */
	size_t room;
};

static size_t slot_of(const struct site_profile *profile, const struct slots *slots, const struct capture_module *module, uint64_t address)
{
	uint64_t hash = (address ^ (uintptr_t)module) * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio: Knuth, vol. 3, 6.4 */
	size_t at = (size_t)(hash >> 32) & (slots->room - 1);

	for (; slots->of[at]; at = (at + 1) & (slots->room - 1)) {
		const struct site_frame *frame = &profile->frames[slots->of[at] - 1];

		if (frame->module == module && frame->address == address)
			break;
	}
	return at;
}

static void grow(struct site_profile *profile, struct slots *slots)
{
	if (profile->frame_count * 2 < slots->room)
		return;
	slots->room = slots->room ? slots->room * 2 : 4096;
	free(slots->of);
	slots->of = memory_get(slots->room * sizeof(slots->of[0]));
	profile->frames = memory_more(profile->frames, slots->room / 2 * sizeof(profile->frames[0]));
	for (uint32_t i = 0; i < profile->frame_count; i++)
		slots->of[slot_of(profile, slots, profile->frames[i].module, profile->frames[i].address)] = i + 1;
}

static uint32_t frame_number(struct site_profile *profile, struct slots *slots, const struct capture_module *module, uint64_t address)
{
	const char *exe = profile->subject->capture->exe;
	size_t slot;

	grow(profile, slots);
	slot = slot_of(profile, slots, module, address);
	if (!slots->of[slot]) {
		profile->frames[profile->frame_count++] = (struct site_frame){
			.module = module, .path = !module ? "" : *module->path ? module->path : exe, .address = address,
		};
		slots->of[slot] = (uint32_t)profile->frame_count;
	}
	return slots->of[slot] - 1;
}

static void find_frames(struct site_profile *profile)
{
	const struct site_table *table = profile->table;
	struct slots slots = { NULL, 0 };

	profile->frame_of = memory_get((table->head.frames_used + 1) * sizeof(profile->frame_of[0]));
	for (uint32_t i = 0; i < table->head.sites_used; i++) {
		const struct capture_site *site = &table->sites[i];

		for (uint32_t j = 0; j < site->depth; j++) {
			uint64_t address = table->frames[site->frames_at + j];

			profile->frame_of[site->frames_at + j] = frame_number(profile, &slots, site_module(table, site, address), address);
		}
	}
	free(slots.of);
}

static int by_address(const void *a, const void *b)
{
	const struct site_frame *first = *(struct site_frame *const *)a, *second = *(struct site_frame *const *)b;

	if (first->module != second->module)
		return first->module < second->module ? -1 : 1;
	return first->address < second->address ? -1 : first->address > second->address;
}

static void name_frames(struct site_profile *profile)
{
	struct site_frame **order = memory_get((profile->frame_count + 1) * sizeof(order[0]));

	for (size_t i = 0; i < profile->frame_count; i++)
		order[i] = &profile->frames[i];
	qsort(order, profile->frame_count, sizeof(order[0]), by_address);
	for (size_t i = 0; i < profile->frame_count; i++)
		order[i]->count = site_frame_names(order[i]->module, profile->subject->capture, order[i]->address, &order[i]->names);
	free(order);
}

struct site_profile *site_profile_make(const struct subject *subject)
{
	struct site_table *table = site_table_read(subject->recording, subject->image, subject->capture);
	struct site_profile *profile;

	if (!table)
		return NULL;
	profile = memory_get(sizeof(*profile));
	profile->subject = subject;
	profile->table = table;
	find_frames(profile);
	name_frames(profile);
	return profile;
}

void site_profile_free(struct site_profile *profile)
{
	if (!profile)
		return;
	site_table_free(profile->table);
	free(profile->frames);
	free(profile->frame_of);
	free(profile);
}

bool site_profile_has(const struct site_profile *profile, uint32_t number)
{
	const struct capture_site *site = &profile->table->sites[number];

	return number || site->allocations || site->inherited_blocks;
}

struct site_frame *site_profile_frame(const struct site_profile *profile, const struct capture_site *site, uint32_t i)
{
	return &profile->frames[profile->frame_of[site->frames_at + i]];
}

const char *site_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *site_profile_name(const struct site_profile *profile)
{
	const struct capture *capture = profile->subject->capture;
	const char *exe = site_base_name(capture->exe);
	char *escaped = escape_text(exe, strlen(exe));
	char *name = memory_format("%s (%" PRIu32 ")", escaped, profile->subject->image->pid);

	free(escaped);
	return name;
}

char *site_frame_place(const struct site_frame *frame)
{
	if (!*frame->path)
		return memory_format("0x%" PRIx64, frame->address);
	return memory_format("%s+0x%" PRIx64, site_base_name(frame->path), frame->address - frame->module->bias);
}

int site_profiles_each(const struct recording *recording, const struct report_options *options, bool one,
		       void (*visit)(struct site_profile *profile, void *data), void *data)
{
	size_t only = options->process ? recording_find(recording, options->process) : recording_last(recording, recording->root), seen = 0;
	const struct image **order;
	int status = recording->bad ? STATUS_PARTIAL : STATUS_GOOD;

	if (only == NO_IMAGE) {
		complain("%s: no process %" PRIu32 " in this recording (pagegap report --all shows all)", recording->path, options->process);
		return STATUS_FAILED;
	}
	order = report_in_order(recording);
	for (size_t i = 0; i < recording->count; i++) {
		size_t index = (size_t)(order[i] - recording->images);
		struct site_profile *profile;
		struct subject subject;

		if (one ? index != only : options->process && order[i]->pid != options->process)
			continue;
		if (!recording_load(recording, index, recording->buffer)) {
			status = STATUS_PARTIAL;
			continue;
		}
		subject = subject_of(recording, options, index, recording->buffer);
		profile = site_profile_make(&subject);
		if (profile)
			visit(profile, data), seen++;
		site_profile_free(profile);
	}
	free(order);
	if (seen)
		return status;
	complain("%s: no call sites were recorded; 'pagegap run --stacks=all' does", recording->path);
	return STATUS_FAILED;
}

void site_unknown_said(uint64_t sites, size_t column)
{
	if (sites)
		complain("%s: not known of %" PRIu64 " call sites, which are left out: a process forked unseen", site_columns[column].name, sites);
}
