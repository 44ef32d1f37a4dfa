/* SPDX-License-Identifier: MIT */
/*
 * How many of a process's calls were seen. The kernel says only of some how many there were: of those that read or write files, pipes and
 * the like (/proc/PID/io). What it counted and nobody saw is a lower bound; of other calls nothing is known.
 */
#ifndef PAGEGAP_COVERAGE_H
#define PAGEGAP_COVERAGE_H

#include "../preload/capture.h"

/* CAPTURE_UNKNOWN: not known. Seen are those that did not fail: what fails at once the kernel does not count. */
struct coverage {
	uint64_t kernel_reads, seen_reads;
	uint64_t kernel_writes, seen_writes;
	uint64_t unseen_least;          /* of both together, at least so many were not seen */
};

struct coverage coverage_of(const struct capture *capture);

#endif
