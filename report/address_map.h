/* SPDX-License-Identifier: MIT */
/*
 * What an image has mapped where and with which access, by what the kernel reports of each mapping that is made or
 * changed. It reports neither munmap nor mremap: what is here may be gone, and what was moved or has grown is not here
 * in its new place. A forked child begins with its parent's.
 */
#ifndef PAGEGAP_ADDRESS_MAP_H
#define PAGEGAP_ADDRESS_MAP_H

#include <stdbool.h>

#include "fault_rings.h"

struct address_map;

struct address_piece {
	uint64_t start, end;
	uint64_t protection;            /* PROT_READ | PROT_WRITE | PROT_EXEC | CAPTURE_SHARED */
	uint64_t offset, device, inode; /* in the file; inode 0: none */
	struct address_name *name;      /* shared by pieces and maps; NULL: anonymous */
};

struct address_map *address_map_new(void);
struct address_map *address_map_share(struct address_map *map);
void address_map_drop(struct address_map *map);

/* A mapping was made or changed; @map is replaced by a copy of its own when somebody else holds it too. */
void address_map_note(struct address_map **map, const struct fault_event *event);

/* False: there were too many mappings for all of them to be kept. */
bool address_map_complete(const struct address_map *map);

/*
 * The piece that an address lies in, the last one below it, the first one above it; NULL: none. Until the next
 * change.
 */
const struct address_piece *address_map_at(const struct address_map *map, uint64_t address);
const struct address_piece *address_map_below(const struct address_map *map, uint64_t address);
const struct address_piece *address_map_above(const struct address_map *map, uint64_t address);

/* "" for anonymous memory. */
const char *address_piece_name(const struct address_piece *piece);

#endif
