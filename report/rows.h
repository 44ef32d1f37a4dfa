/* SPDX-License-Identifier: MIT */
/* The ledger's rows by name; in sentences the heap is one. The parts of free heap, and the kinds of page faults. */
#ifndef PAGEGAP_ROWS_H
#define PAGEGAP_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "../preload/capture.h"

/* As the JSON document calls a row. */
extern const char *const row_keys[CAPTURE_ROWS];

/* As a page calls a row; the first one stands for the heap as a whole where it is not split. */
extern const char *const row_names[CAPTURE_ROWS];

/* The parts of heap.free, likewise. */
extern const char *const part_keys[CAPTURE_FREE_PARTS];
extern const char *const part_names[CAPTURE_FREE_PARTS];

/* The kinds of page faults, likewise. */
extern const char *const kind_keys[CAPTURE_KINDS];
extern const char *const kind_names[CAPTURE_KINDS];

/* The rows with a figure that is known and not 0, the largest first. Returns how many. */
size_t rows_by_size(const uint64_t figures[CAPTURE_ROWS], enum capture_row order[CAPTURE_ROWS]);

#endif
