/* SPDX-License-Identifier: MIT */
/* PAGEPOOL_OPTIONS="key=value,…", read once, with the first block that is handed out. */
#ifndef PAGEPOOL_OPTIONS_H
#define PAGEPOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool_options {
	size_t huge_from_bytes;         /* chunks ask for huge pages when so much is in use */
	size_t large_kept_bytes;        /* of freed large blocks, kept for reuse */
	uint64_t return_after_ms;       /* free pages go back to the kernel after so long */
	size_t fork_from_bytes;         /* a process with less in use fills holes after a fork as before */
	uint64_t fork_limit_percent;    /* of what was in use at the fork: after so much anew, holes are filled again */
	bool random_slots;
	bool zero_on_free;
	bool canaries;
	uint64_t quarantine;            /* freed small blocks that wait */
	bool hardened;                  /* all of these four */
	bool statistics_at_exit;
};

extern struct pool_options options;

void options_read(void);

/* Something is to be done with each block that is freed. */
static inline bool options_slow_free(void)
{
	return options.zero_on_free || options.canaries || options.quarantine;
}

#endif
