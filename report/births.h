/* SPDX-License-Identifier: MIT */
/* What a fork copied of the page tables, and how long it took. */
#ifndef PAGEGAP_BIRTHS_H
#define PAGEGAP_BIRTHS_H

#include "report.h"

struct birth_figures {
	uint64_t page_table_bytes;      /* of the child at its birth */
	uint64_t parent_page_table_bytes; /* of its parent then, where the fork took long enough to look */
	uint64_t fork_ns;               /* what it took the parent */
};

/* Of an image that began with a fork; what is not known is CAPTURE_UNKNOWN. */
struct birth_figures births_of(const struct subject *subject);

/* Of an image's own forks, as far as its table of children goes: how many, what they took together, and the longest. */
struct fork_times { uint64_t forks, sum_ns, longest_ns; };
struct fork_times births_by(const struct subject *subject);

#endif
