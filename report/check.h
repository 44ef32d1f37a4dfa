/* SPDX-License-Identifier: MIT */
/* Is this a capture? Every field of a file may have been written by anybody. */
#ifndef PAGEGAP_CHECK_H
#define PAGEGAP_CHECK_H

#include <stddef.h>

#include "../preload/capture.h"

enum check_result {
	CHECK_GOOD,
	CHECK_CLEANED,          /* something in it made no sense; that is unknown now, the rest stands */
	CHECK_UNBEGUN,          /* its process ended before all of its identity was written */
	CHECK_UNUSABLE,
};

/*
 * check_capture - make a capture safe to read
 * @capture: what was read, of which only the first @read bytes are from the file
 * @file_bytes: size of the file
 * @defect: the first thing that was wrong, for CHECK_CLEANED and CHECK_UNUSABLE
 *
 * Afterwards every index, count and enumeration is within its bounds, every string ends, and every figure is below 2^62
 * or CAPTURE_UNKNOWN, so that the sum over all counters does not overflow unnoticed.
 */
enum check_result check_capture(struct capture *capture, size_t read, uint64_t file_bytes, char *defect, size_t room);

#endif
