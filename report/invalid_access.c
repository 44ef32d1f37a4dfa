/* SPDX-License-Identifier: MIT */
/* What the map says of an access; and what is kept of the one that is found, for the report to put into words. */
#include "invalid_access.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LONGEST 15                      /* bytes of an instruction */

enum map_word { MAP_SAYS_NOTHING, MAP_ALLOWS, MAP_FORBIDS };

/* An instruction that is not there itself. */
static bool is_execution(const struct fault_event *event)
{
	return event->address == event->ip || (event->address % 4096 == 0 && event->address - event->ip < LONGEST);
}

static enum capture_access_kind kind_of(const struct access_attempt *attempt)
{
	if (is_execution(&attempt->event))
		return TOUCH_EXECUTE;
	if (attempt->access == ACCESS_WRITE)
		return TOUCH_WRITE;
	return attempt->access == ACCESS_READ ? TOUCH_READ : TOUCH_UNKNOWN;
}

/* On this architecture what can be written or executed can be read. */
static enum map_word ask_map(const struct address_map *map, const struct access_attempt *attempt)
{
	const struct address_piece *piece = address_map_at(map, attempt->event.address);
	uint64_t access = piece ? piece->protection & (PROT_READ | PROT_WRITE | PROT_EXEC) : 0;

	if (!piece)
		return address_map_complete(map) ? MAP_FORBIDS : MAP_SAYS_NOTHING;
	if (!access)
		return MAP_FORBIDS;
	switch (kind_of(attempt)) {
	case TOUCH_WRITE:
		return access & PROT_WRITE ? MAP_ALLOWS : MAP_FORBIDS;
	case TOUCH_EXECUTE:
		return access & PROT_EXEC ? MAP_ALLOWS : MAP_FORBIDS;
	case TOUCH_READ:
		return MAP_ALLOWS;
	default:
		return access & PROT_WRITE ? MAP_ALLOWS : MAP_SAYS_NOTHING;
	}
}

/* The end of a name that is too long. */
static void fill_place(struct capture_place *place, const struct address_piece *piece)
{
	const char *name = piece ? address_piece_name(piece) : "";
	size_t length = strlen(name), most = sizeof(place->name) - 1;

	*place = (struct capture_place){ 0 };
	if (!piece)
		return;
	place->start = piece->start;
	place->end = piece->end;
	place->protection = piece->protection;
	memcpy(place->name, name + (length > most ? length - most : 0), length > most ? most : length);
}

/* Of the file that was mapped, if the same one still stands there. */
static uint64_t file_size(const struct address_piece *piece)
{
	struct stat status;

	if (!piece->inode || stat(address_piece_name(piece), &status) || status.st_ino != piece->inode ||
	    status.st_dev != piece->device)
		return CAPTURE_UNKNOWN;
	return (uint64_t)status.st_size;
}

static void describe(const struct access_attempt *attempt, const struct address_map *map,
		     struct capture_invalid_access *found)
{
	const struct fault_event *event = &attempt->event;
	const struct address_piece *piece = address_map_at(map, event->address), *code = address_map_at(map, event->ip);

	found->state = ACCESS_REFUSED;
	found->kind = kind_of(attempt);
	found->map_known = address_map_complete(map);
	found->at_ns = event->time_ns;
	found->address = event->address;
	found->instruction = event->ip;
	found->stack_pointer = event->stack;
	fill_place(&found->at, piece);
	fill_place(&found->below, address_map_below(map, piece ? piece->start : event->address));
	fill_place(&found->above, address_map_above(map, piece ? piece->end - 1 : event->address));
	fill_place(&found->code, code);
	found->code_offset = code ? code->offset + (event->ip - code->start) : 0;
	found->file_offset = found->file_bytes = CAPTURE_UNKNOWN;
	if (!piece || !piece->inode)
		return;
	found->file_offset = piece->offset + (event->address - piece->start);
	found->file_bytes = file_size(piece);
}

void invalid_access_find(const struct access_attempt *attempts, size_t count, const struct address_map *map,
			 struct capture_invalid_access *found)
{
	size_t best = count;

	*found = (struct capture_invalid_access){ .state = ACCESS_ALL_SERVED };
	for (size_t i = 0; i < count; i++) {
		bool forbidden = attempts[i].served != SERVED && ask_map(map, &attempts[i]) == MAP_FORBIDS;

		if (attempts[i].served == SERVED)
			continue;
		if (attempts[i].served == SERVED_UNKNOWN && (i || !forbidden)) { /* this one, or one before it */
			found->state = ACCESS_NOT_WATCHED;
			break;
		}
		if (forbidden || best == count)
			best = i;
		if (forbidden)
			break;
	}
	if (best == count)
		return;
	describe(&attempts[best], map, found);
	for (size_t i = 0; i < best; i++)
		found->faults_after += attempts[i].event.tid == attempts[best].event.tid;
}
