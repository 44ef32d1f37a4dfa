/* SPDX-License-Identifier: MIT */
/* A table of blocks; a new one takes the place of any. */
#include "quarantine.h"

#include "figure.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "random.h"
#include "slab.h"

struct lock quarantine_lock;
static void **blocks;

static void count(const void *block, uint64_t more, uint64_t less)
{
	if (block)
		figure_adjust(&size_bins[pagemap_get((uintptr_t)block)->class].quarantined, more, less);
}

void *quarantine_swap(void *block)
{
	void *leaves = block; /* without memory for the table nobody waits */

	lock_take(&quarantine_lock);
	if (!blocks)
		blocks = metadata_map(round_up(options.quarantine * sizeof(*blocks), PAGE_SIZE));
	if (blocks) {
		void **place = &blocks[random_below(options.quarantine)];

		leaves = *place;
		*place = block;
		count(block, 1, 0);
		count(leaves, 0, 1);
	}
	lock_release(&quarantine_lock);
	return leaves;
}
