/* SPDX-License-Identifier: MIT */
/*
 * glibc's and other allocators' books are behind locks, or need memory to be opened. An allocator that exports
 * pagepool_statistics_1 promises by that name to answer without either, and these words in this order: a version, the
 * number of size classes, and the figures below. It fills in nothing where there is not room for all of them.
 */
#include "holdings.h"

#include <string.h>

#include "next.h"

struct statistics {
	uint32_t version, classes;
	uint64_t mapped_bytes, live_bytes;
	uint64_t cached_bytes, free_slot_bytes, slab_end_bytes;
	uint64_t free_page_bytes, not_returned_bytes; /* the latter: part of the former */
	uint64_t run_blocks, run_bytes, large_blocks, large_bytes; /* parts of live_bytes */
	uint64_t large_kept_bytes, table_bytes, pool_bytes;
	uint64_t returned_pages, reused_pages, threads, forks, leaves_holes;
};

void holdings_ask(struct capture_holdings *h)
{
	struct statistics s = { 0 };

	memset(h, 0xff, sizeof(*h)); /* CAPTURE_UNKNOWN */
	if (!allocator.statistics || allocator.statistics(&s, sizeof(s)) != sizeof(s) || s.version != 1)
		return;
	h->mapped_bytes = s.mapped_bytes;
	h->live_bytes = s.live_bytes;
	h->free_bytes[FREE_SLOTS] = s.free_slot_bytes;
	h->free_bytes[FREE_CACHED_SLOTS] = s.cached_bytes;
	h->free_bytes[FREE_SLAB_ENDS] = s.slab_end_bytes;
	h->free_bytes[FREE_KEPT_PAGES] = min_u64(s.not_returned_bytes, s.free_page_bytes);
	h->free_bytes[FREE_RETURNED_PAGES] = s.free_page_bytes - min_u64(s.not_returned_bytes, s.free_page_bytes);
	h->free_bytes[FREE_KEPT_BLOCKS] = s.large_kept_bytes;
	h->free_bytes[FREE_TABLES] = s.table_bytes;
	h->free_bytes[FREE_POOLS] = s.pool_bytes;
}
