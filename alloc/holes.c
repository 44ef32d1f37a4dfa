/* SPDX-License-Identifier: MIT */
/* Looking for rows of free slots in sparse slabs. */
#include "holes.h"

#include "options.h"
#include "random.h"

#define SLABS_TRIED  8                  /* per search; each costs a look at all its states */
#define ROW_MAX      ((size_t)4 << 10)  /* bytes; the slabs of small classes have few pages */

unsigned holes_class(const struct slab *slab, size_t slots)
{
	unsigned class = size_class(slots * slab->size);

	return class_size(class) > slots * slab->size ? class - 1 : class;
}

/* Free slots from @at on, at most @wanted. */
static size_t row_length(const struct slab *slab, size_t at, size_t wanted)
{
	size_t length = 0;

	while (length < wanted && at + length < slab->slots && slot_state(&slab->states[at + length]) == SLOT_FREE)
		length++;
	return length;
}

static void take_row(struct size_bin *bin, struct slab *slab, size_t at, size_t row, struct cached *entry)
{
	slot_set(&slab->states[at], SLOT_CACHED);
	for (size_t i = 1; i < row; i++)
		slot_set(&slab->states[at + i], SLOT_INSIDE);
	slab_count_taken(bin, slab, row);
	if (row > 1) { /* from now on the bin of its blocks must be looked up one by one */
		slab->guests++;
		__atomic_store_n(&slab->bin, BIN_NONE, __ATOMIC_RELAXED);
	}
	entry->block = (void *)(slab->base + at * slab->size);
	entry->state = &slab->states[at];
}

static unsigned take_rows_from(struct size_bin *bin, struct slab *slab, size_t at, size_t row, struct cached *entries,
			       unsigned wanted)
{
	unsigned taken = 0;

	while (taken < wanted) {
		size_t length;

		at = slab_next_free(slab, at);
		if (at + row > slab->slots)
			break;
		length = row_length(slab, at, row);
		if (length == row)
			take_row(bin, slab, at, row, &entries[taken++]);
		at += length;
	}
	return taken;
}

/* From the first free slot on, or from any, and then from the first. */
static unsigned take_rows(struct size_bin *bin, struct slab *slab, size_t row, struct cached *entries, unsigned wanted)
{
	unsigned taken = 0;

	if (options.random_slots)
		taken = take_rows_from(bin, slab, random_below(slab->slots), row, entries, wanted);
	return taken + take_rows_from(bin, slab, slab->first_free, row, entries + taken, wanted - taken);
}

/* From the sparse slabs of one class, @tries at most. */
static unsigned take_from(unsigned host, unsigned class, struct cached *entries, unsigned wanted, unsigned *tries)
{
	size_t row = (class_size(class) + class_size(host) - 1) / class_size(host);
	struct size_bin *bin = &size_bins[host];
	unsigned taken = 0;

	lock_take(&bin->lock);
	while (bin->sparse && taken < wanted && *tries) {
		struct slab *slab = bin->sparse;

		taken += take_rows(bin, slab, row, entries + taken, wanted - taken);
		--*tries;
		if (taken < wanted) /* nothing is left of it for such blocks; a free may bring it back */
			slab_move(bin, slab, slab->free ? PLACE_PARTIAL : PLACE_ALONE);
		else
			slab_settle(bin, slab);
	}
	lock_release(&bin->lock);
	return taken;
}

/* From those of the classes of whose rows at most @slack_percent are beyond what the class needs. */
static unsigned take_tight(unsigned class, size_t slack_percent, struct cached *entries, unsigned wanted,
			   unsigned *tries)
{
	size_t bytes = class_size(class);
	unsigned taken = 0;

	for (unsigned host = 0; host < SIZE_CLASSES && taken < wanted && *tries; host++) {
		size_t slot = class_size(host), row = (bytes + slot - 1) / slot * slot;

		if (host != class && __atomic_load_n(&size_bins[host].sparse, __ATOMIC_RELAXED) &&
		    (row - bytes) * 100 <= row * slack_percent)
			taken += take_from(host, class, entries + taken, wanted - taken, tries);
	}
	return taken;
}

unsigned holes_take(unsigned class, struct cached *entries, unsigned wanted)
{
	unsigned taken, tries = SLABS_TRIED;

	if (class_size(class) > ROW_MAX)
		return 0;
	taken = take_tight(class, 12, entries, wanted, &tries);
	if (!taken)
		taken = take_tight(class, 40, entries, wanted, &tries);
	for (unsigned i = 0; i < taken / 2; i++) { /* the lowest address goes last, to be handed out first */
		struct cached entry = entries[i];

		entries[i] = entries[taken - 1 - i];
		entries[taken - 1 - i] = entry;
	}
	return taken;
}
