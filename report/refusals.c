/* SPDX-License-Identifier: MIT */
/*
 * The limits in the order in which the kernel looks at them (mm/mmap.c, do_mmap and may_expand_vm; mm/util.c,
 * __vm_enough_memory). An allocator asks the kernel for more than it was asked for, so a request of malloc's need not
 * pass a limit by itself: it is enough that what the allocator asks for at least does.
 */
#include "refusals.h"

#define ADDRESSES    (1ULL << 47)       /* of a process, with four levels of page tables */
#define MALLOC_BYTES (2ULL << 20)       /* glibc maps 1 MiB at least: malloc.c, MMAP_AS_MORECORE_SIZE */
#define KEPT_BYTES   (8ULL << 20)       /* of the commit limit, for the administrator, … */
#define KEPT_SHARE   32                 /* … and of what the process has: vm.admin_reserve_kbytes, vm.user_… */

const char *const refusal_keys[] = {
	[REFUSAL_UNKNOWN] = NULL, [REFUSAL_SIZE] = "address_space_size", [REFUSAL_HUGE_PAGES] = "vm.nr_hugepages",
	[REFUSAL_MAPPINGS] = "vm.max_map_count",
	[REFUSAL_ADDRESS_SPACE] = "RLIMIT_AS", [REFUSAL_DATA] = "RLIMIT_DATA",
	[REFUSAL_COMMIT] = "vm.overcommit_memory=2", [REFUSAL_MEMORY] = "vm.overcommit_memory=0",
};

#define REQUEST_KEY(constant, key) [constant] = key,
const char *const request_keys[CAPTURE_REQUESTS] = { CAPTURE_REQUESTS_TABLE(REQUEST_KEY) };

static bool passes(uint64_t used, uint64_t more, uint64_t limit)
{
	return used != CAPTURE_UNKNOWN && limit != CAPTURE_UNKNOWN && (more > limit || used > limit - more);
}

struct refusal refusal_of(const struct capture_exhaustion *e)
{
	uint64_t bytes = e->first_bytes, least = bytes + (e->first_request == REQUEST_MALLOC ? MALLOC_BYTES : 4096);
	uint64_t kept = e->mapped_bytes == CAPTURE_UNKNOWN ? KEPT_BYTES : KEPT_BYTES + e->mapped_bytes / KEPT_SHARE;

	if (bytes >= ADDRESSES)
		return (struct refusal){ REFUSAL_SIZE, ADDRESSES, e->mapped_bytes };
	if (e->first_request == REQUEST_HUGE_PAGES)
		return (struct refusal){ REFUSAL_HUGE_PAGES, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN };
	if (passes(e->mappings, 4, e->mappings_limit)) /* one request can take several */
		return (struct refusal){ REFUSAL_MAPPINGS, e->mappings_limit, e->mappings };
	if (passes(e->mapped_bytes, least, e->address_limit_bytes))
		return (struct refusal){ REFUSAL_ADDRESS_SPACE, e->address_limit_bytes, e->mapped_bytes };
	if (passes(e->data_bytes, least, e->data_limit_bytes))
		return (struct refusal){ REFUSAL_DATA, e->data_limit_bytes, e->data_bytes };
	if (e->overcommit == 2 && passes(e->committed_bytes, least + kept, e->commit_limit_bytes))
		return (struct refusal){ REFUSAL_COMMIT, e->commit_limit_bytes, e->committed_bytes };
	if (e->overcommit == 0 && e->memory_bytes != CAPTURE_UNKNOWN && bytes > e->memory_bytes)
		return (struct refusal){ REFUSAL_MEMORY, e->memory_bytes, CAPTURE_UNKNOWN };
	return (struct refusal){ REFUSAL_UNKNOWN, CAPTURE_UNKNOWN, CAPTURE_UNKNOWN };
}
