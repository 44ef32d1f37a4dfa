/* SPDX-License-Identifier: MIT */
/* An insertion sort: there are ten of them. */
#include "rows.h"

#define ROW_KEY(constant, key) [constant] = key,
const char *const row_keys[CAPTURE_ROWS] = { CAPTURE_ROWS_TABLE(ROW_KEY) };

const char *const row_names[CAPTURE_ROWS] = {
	[ROW_HEAP_LIVE] = "heap", [ROW_RESERVE] = "reserve", [ROW_ANON] = "own mappings", [ROW_FILE] = "files",
	[ROW_IMAGE] = "images", [ROW_STACK] = "stacks", [ROW_INSTRUMENT] = "pagegap", [ROW_KERNEL] = "kernel",
};

size_t rows_by_size(const uint64_t figures[CAPTURE_ROWS], enum capture_row order[CAPTURE_ROWS])
{
	size_t used = 0;

	for (unsigned row = 0; row < CAPTURE_ROWS; row++) {
		size_t at = used;

		if (!row_names[row] || !figures[row] || figures[row] == CAPTURE_UNKNOWN)
			continue;
		for (; at && figures[order[at - 1]] < figures[row]; at--)
			order[at] = order[at - 1];
		order[at] = (enum capture_row)row;
		used++;
	}
	return used;
}
