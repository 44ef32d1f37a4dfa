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

/* A block that came, or goes; NULL is none. */
static void count(const void *block, bool came)
{
	const struct slab *slab = pagemap_get((uintptr_t)block);
	uint64_t slots;

	if (!block)
		return;
	slots = slots_of_block(&slab->states[slab_index(slab, (uintptr_t)block)]);
	figure_adjust(&size_bins[slab->class].quarantined, came ? slots : 0, came ? 0 : slots);
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
		count(block, true);
		count(leaves, false);
	}
	lock_release(&quarantine_lock);
	return leaves;
}
