/* SPDX-License-Identifier: MIT */
/* Against which limit memory was refused, as far as what was read at that moment tells. */
#ifndef PAGEGAP_REFUSALS_H
#define PAGEGAP_REFUSALS_H

#include <stdbool.h>

#include "../preload/capture.h"

enum refusal_cause {
	REFUSAL_UNKNOWN,
	REFUSAL_SIZE,                   /* more than any address space has */
	REFUSAL_HUGE_PAGES,             /* explicit huge pages: vm.nr_hugepages */
	REFUSAL_MAPPINGS,               /* vm.max_map_count */
	REFUSAL_ADDRESS_SPACE,          /* RLIMIT_AS */
	REFUSAL_DATA,                   /* RLIMIT_DATA */
	REFUSAL_COMMIT,                 /* the machine's commit limit: vm.overcommit_memory is 2 */
	REFUSAL_MEMORY,                 /* one request for more than the machine has: vm.overcommit_memory is 0 */
};

/*
 * The limit and what of it was used, in bytes, or in mappings for REFUSAL_MAPPINGS; CAPTURE_UNKNOWN where there is
 * none.
 */
struct refusal { enum refusal_cause cause; uint64_t limit, used; };

/* Why the first request was refused. A limit is named only when the request did not fit under it. */
struct refusal refusal_of(const struct capture_exhaustion *exhaustion);

/* The name of a limit for the JSON document; NULL for REFUSAL_UNKNOWN. And of a request. */
extern const char *const refusal_keys[];
extern const char *const request_keys[CAPTURE_REQUESTS];

#endif
