/* SPDX-License-Identifier: MIT */
/* Which of an image's last page faults the kernel would not serve. */
#ifndef PAGEGAP_INVALID_ACCESS_H
#define PAGEGAP_INVALID_ACCESS_H

#include "../preload/capture.h"
#include "address_map.h"
#include "fault_pages.h"

enum access_served { SERVED_UNKNOWN, SERVED, SERVED_NOT };

/* A page fault, served or not. */
struct access_attempt {
	struct fault_event event;
	enum access_served served;
	enum fault_access access;       /* of those that are not SERVED */
};

/*
 * invalid_access_find - the newest attempt that was refused
 * @attempts: an image's last ones, the newest first
 * @map: what was mapped; NULL: not known
 * @found: filled; of the file, what stands there now
 *
 * One that is not known to have been served or not counts only as the very last, and only if the map forbids it. Of
 * several threads, one may have been killed in the middle of a fault that was none of its own fault: one that the map
 * forbids comes first.
 */
void invalid_access_find(const struct access_attempt *attempts, size_t count, const struct address_map *map,
			 struct capture_invalid_access *found);

#endif
