/* SPDX-License-Identifier: MIT */
/* Names, and an insertion sort: there are ten of them. */
#include "rows.h"

#define ROW_KEY(constant, key) [constant] = key,
const char *const row_keys[CAPTURE_ROWS] = { CAPTURE_ROWS_TABLE(ROW_KEY) };

const char *const row_names[CAPTURE_ROWS] = {
	[ROW_HEAP_LIVE] = "heap", [ROW_HEAP_SLACK] = "heap slack", [ROW_HEAP_FREE] = "heap free",
	[ROW_RESERVE] = "reserve", [ROW_ANON] = "own mappings", [ROW_FILE] = "files", [ROW_IMAGE] = "images", [ROW_STACK] = "stacks", [ROW_INSTRUMENT] = "pagegap", [ROW_KERNEL] = "kernel",
};

#define PART_KEY(constant, key) [constant] = key,
const char *const part_keys[CAPTURE_FREE_PARTS] = { CAPTURE_FREE_PARTS_TABLE(PART_KEY) };

const char *const part_names[CAPTURE_FREE_PARTS] = {
	[FREE_SLOTS] = "free slots", [FREE_CACHED_SLOTS] = "slots in caches of threads",
	[FREE_SLAB_ENDS] = "ends of slabs", [FREE_KEPT_PAGES] = "free pages kept for reuse",
	[FREE_RETURNED_PAGES] = "free pages given back or not yet used",
	[FREE_KEPT_BLOCKS] = "large blocks kept for reuse", [FREE_TABLES] = "tables",
	[FREE_POOLS] = "pools of the program",
};

#define KIND_KEY(constant, key) [constant] = key,
const char *const kind_keys[CAPTURE_KINDS] = { CAPTURE_KINDS_TABLE(KIND_KEY) };

const char *const kind_names[CAPTURE_KINDS] = {
	[KIND_FIRST_TOUCH] = "fresh memory", [KIND_ZERO_PAGE] = "zero page", [KIND_FILE_TOUCH] = "file pages",
	[KIND_PRIVATE_FILE_WRITE] = "private file pages copied", [KIND_SHARED_FILE_WRITE] = "shared pages made dirty",
	[KIND_AFTER_FORK] = "writes after a fork", [KIND_COPIED_AFTER_FORK] = "copied after a fork",
	[KIND_REUSED_AFTER_FORK] = "re-used after a fork", [KIND_MAJOR_FILE] = "read from files",
	[KIND_MAJOR_SWAP] = "read from swap",
	[KIND_HUGE] = "huge pages", [KIND_UNKNOWN] = "unknown",
};

size_t rows_by_size(const uint64_t figures[CAPTURE_ROWS], enum capture_row order[CAPTURE_ROWS])
{
	size_t used = 0;

	for (unsigned row = 0; row < CAPTURE_ROWS; row++) {
		size_t at = used;

		if (!figures[row] || figures[row] == CAPTURE_UNKNOWN)
			continue;
		for (; at && figures[order[at - 1]] < figures[row]; at--)
			order[at] = order[at - 1];
		order[at] = (enum capture_row)row;
		used++;
	}
	return used;
}
