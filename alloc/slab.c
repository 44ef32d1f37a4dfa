/* SPDX-License-Identifier: MIT */
/* The slabs of each size class, and the batches that they hand out and take back. */
#include "slab.h"

#include <string.h>

#include "figure.h"
#include "fork.h"
#include "holes.h"
#include "metadata.h"
#include "options.h"
#include "pagemap.h"
#include "random.h"

struct size_bin size_bins[SIZE_CLASSES];
uint32_t shared_below;
uint32_t slow_free_below;

void slab_count_taken(struct size_bin *bin, struct slab *slab, size_t slots)
{
	slab->free = (uint16_t)(slab->free - slots);
	if (slab->slots - slab->free > slab->peak)
		slab->peak = (uint16_t)(slab->slots - slab->free);
	figure_adjust(&bin->free, 0, slots);
}

/* Making and unmaking */

static size_t slab_bytes(size_t slots)
{
	return sizeof(struct slab) + slots + 1;
}

struct slab *slab_make(struct arena *arena, unsigned class, size_t *reused_pages)
{
	size_t size = class_size(class), pages = class_pages(class), slots = pages * PAGE_SIZE / size;
	struct slab *slab = metadata_allocate(slab_bytes(slots));
	struct run run;

	if (!slab)
		return NULL;
	if (!pages_take(arena, pages, 1, &run)) {
		metadata_free(slab, slab_bytes(slots));
		return NULL;
	}
	*reused_pages = run.reused_pages;
	slab->base = (uintptr_t)run.base;
	slab->size = size;
	slab->reciprocal = (uint32_t)((1UL << 32) / size + 1);
	slab->epoch = fork_epoch;
	slab->slots = slab->free = (uint16_t)slots;
	slab->class = slab->bin = (uint8_t)class;
	slab->kind = SLAB_SMALL;
	slab->chunk = run.chunk;
	pagemap_set(slab->base, pages, slab);
	return slab;
}

void slab_forget(struct slab *slab)
{
	pagemap_set(slab->base, class_pages(slab->class), NULL);
	metadata_free(slab, slab_bytes(slab->slots));
}

void slab_unmake(struct slab *slab)
{
	struct chunk *chunk = slab->chunk;
	void *base = (void *)slab->base;
	size_t pages = class_pages(slab->class);

	slab_forget(slab);
	pages_free(chunk, base, pages);
}

/* Lists; with the lock of the class held */

static struct slab **list_of(struct size_bin *bin, const struct slab *slab)
{
	return slab->place == PLACE_PARTIAL   ? &bin->partial :
	       slab->place == PLACE_SPARSE    ? &bin->sparse :
	       slab->place == PLACE_INHERITED ? &bin->inherited :
						NULL;
}

/* Whether a class has sparse slabs is looked at without its lock. */
static void set_first(struct slab **list, struct slab *slab)
{
	__atomic_store_n(list, slab, __ATOMIC_RELAXED);
}

void slab_move(struct size_bin *bin, struct slab *slab, enum slab_place place)
{
	struct slab **list = list_of(bin, slab);

	if (list) {
		if (slab->previous)
			slab->previous->next = slab->next;
		else
			set_first(list, slab->next);
		if (slab->next)
			slab->next->previous = slab->previous;
	}
	slab->place = (uint8_t)place;
	slab->next = slab->previous = NULL;
	list = list_of(bin, slab);
	if (list) {
		slab->next = *list;
		if (slab->next)
			slab->next->previous = slab;
		set_first(list, slab);
	}
}

/* A sparse slab stays where it is until no row of its slots can be had any more. */
static enum slab_place place_of(const struct slab *slab)
{
	if (!slab->free)
		return PLACE_ALONE;
	if (slab->epoch < shared_below)
		return PLACE_INHERITED;
	return slab->place == PLACE_SPARSE || is_sparse(slab) ? PLACE_SPARSE : PLACE_PARTIAL;
}

void slab_settle(struct size_bin *bin, struct slab *slab)
{
	enum slab_place place = place_of(slab);

	if (slab->free == slab->slots) {
		slab_move(bin, slab, PLACE_ALONE);
		figure_adjust(&bin->slabs, 0, 1);
		figure_adjust(&bin->free, 0, slab->slots);
		slab_unmake(slab);
	} else if (slab->place != place) {
		slab_move(bin, slab, place);
	}
}

/* Handing out */

/* Eight states at a time: their bytes are aligned, and SLOT_FREE is 0. */
size_t slab_next_free(const struct slab *slab, size_t from)
{
	while (from % 8 && slot_state(&slab->states[from]) != SLOT_FREE)
		from++;
	if (from % 8)
		return from;
	for (;;) {
		uint64_t eight = __atomic_load_n((const uint64_t *)(const void *)&slab->states[from], __ATOMIC_RELAXED);
		uint64_t zeros = (eight - 0x0101010101010101UL) & ~eight & 0x8080808080808080UL;

		if (zeros)
			return from + (size_t)__builtin_ctzl(zeros) / 8;
		from += 8;
	}
}

static void take_slot(struct slab *slab, size_t index, struct cached *entry)
{
	slot_set(&slab->states[index], SLOT_CACHED);
	entry->block = (void *)(slab->base + index * slab->size);
	entry->state = &slab->states[index];
}

/* From any slot on; behind the last one stands SLOT_FREE. */
static size_t random_free(const struct slab *slab)
{
	size_t at = slab_next_free(slab, random_below(slab->slots));

	return at < slab->slots ? at : slab_next_free(slab, slab->first_free);
}

/* Fills entries[0 … taken - 1] from the end on. */
static void take_slots(struct size_bin *bin, struct slab *slab, struct cached *entries, unsigned taken)
{
	size_t at = slab->first_free;

	for (unsigned i = taken; i-- > 0;) {
		at = options.random_slots ? random_free(slab) : slab_next_free(slab, at);
		take_slot(slab, at++, &entries[i]);
	}
	if (!options.random_slots)
		slab->first_free = (uint16_t)at;
	slab_count_taken(bin, slab, taken);
}

/* A slab with free slots for the caller to own, if there is one. */
static struct slab *own_slab(struct size_bin *bin)
{
	struct slab *slab = bin->partial ? bin->partial : bin->sparse;

	if (slab)
		slab_move(bin, slab, PLACE_OWNED);
	return slab;
}

/* A new one. NULL: no memory. */
static struct slab *new_slab(struct size_bin *bin, unsigned class)
{
	size_t reused_pages;
	struct slab *slab;

	fork_slab_wanted(class_pages(class));
	slab = slab_make(&main_arena, class, &reused_pages);
	if (!slab)
		return NULL;
	figure_adjust(&bin->slabs, 1, 0);
	figure_adjust(&bin->slabs_made, 1, 0);
	figure_adjust(&bin->reused_pages, reused_pages, 0);
	figure_adjust(&bin->free, slab->slots, 0);
	slab->place = PLACE_OWNED;
	return slab;
}

/* Takes what is free in slabs of the class that are there already; entries[@wanted - 1] is the first one. */
static unsigned take_present(struct size_bin *bin, struct slab **own, struct cached *entries, unsigned wanted)
{
	unsigned taken = 0;

	while (taken < wanted) {
		struct slab *slab = *own;
		unsigned count;

		if (slab && (!slab->free || slab->epoch < shared_below)) {
			slab_move(bin, slab, PLACE_ALONE);
			slab_settle(bin, slab);
			slab = NULL;
		}
		*own = slab = slab ? slab : own_slab(bin);
		if (!slab)
			break;
		count = wanted - taken < slab->free ? wanted - taken : slab->free;
		take_slots(bin, slab, entries + wanted - taken - count, count);
		taken += count;
	}
	return taken;
}

/* From slabs of the class, which may be made for it or not. */
static unsigned take(unsigned class, struct slab **own, struct cached *entries, unsigned wanted, bool make)
{
	struct size_bin *bin = &size_bins[class];
	unsigned taken;

	lock_take(&bin->lock);
	taken = take_present(bin, own, entries, wanted);
	if (!taken && make && (*own = new_slab(bin, class)))
		taken = take_present(bin, own, entries, wanted);
	lock_release(&bin->lock);
	if (taken && taken < wanted)
		memmove(entries, entries + wanted - taken, taken * sizeof(*entries));
	return taken;
}

unsigned slab_take_aligned(unsigned class, struct slab **own, struct cached *entries, unsigned wanted)
{
	return take(class, own, entries, wanted, true);
}

unsigned slab_take(unsigned class, struct slab **own, struct cached *entries, unsigned wanted)
{
	unsigned taken = take(class, own, entries, wanted, false);

	if (!taken)
		taken = holes_take(class, entries, wanted);
	return taken ? taken : take(class, own, entries, wanted, true);
}

/* Taking back */

/* With the lock of its class held. */
static void give_block(struct size_bin *bin, struct slab *slab, uint8_t *state)
{
	size_t index = (size_t)(state - slab->states), slots = slots_of_block(state);

	for (size_t i = 0; i < slots; i++)
		slot_set(&state[i], SLOT_FREE);
	if (slots > 1 && --slab->guests == 0)
		__atomic_store_n(&slab->bin, slab->class, __ATOMIC_RELAXED);
	slab->free = (uint16_t)(slab->free + slots);
	figure_adjust(&bin->free, slots, 0);
	if (index < slab->first_free)
		slab->first_free = (uint16_t)index;
	if (slab->place != PLACE_OWNED && (slab->free == slab->slots || slab->place != place_of(slab)))
		slab_settle(bin, slab);
}

/* Most blocks of a batch are of one class, but for those in holes of another. */
void slab_give(const struct cached *entries, unsigned count)
{
	struct size_bin *locked = NULL;

	for (unsigned i = 0; i < count; i++) {
		struct slab *slab = pagemap_get((uintptr_t)entries[i].block);
		struct size_bin *bin = &size_bins[slab->class];

		if (bin != locked) {
			if (locked)
				lock_release(&locked->lock);
			lock_take(&bin->lock);
			locked = bin;
		}
		give_block(bin, slab, entries[i].state);
	}
	if (locked)
		lock_release(&locked->lock);
}

void slab_disown(unsigned class, struct slab *own)
{
	struct size_bin *bin = &size_bins[class];

	lock_take(&bin->lock);
	slab_move(bin, own, PLACE_ALONE);
	slab_settle(bin, own);
	lock_release(&bin->lock);
}

size_t slab_used_bytes(void)
{
	size_t used = 0;

	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		size_t slots = class_pages(class) * PAGE_SIZE / class_size(class);
		size_t slabs = figure(&size_bins[class].slabs), free = figure(&size_bins[class].free);

		if (slabs * slots > free)
			used += (slabs * slots - free) * class_size(class);
	}
	return used;
}

/* Forks */

static struct slab *last_of(struct slab *slab)
{
	while (slab->next)
		slab = slab->next;
	return slab;
}

/* Puts all of one list in front of another, and says so in each. */
static void splice(struct slab **from, struct slab **to, enum slab_place place)
{
	struct slab *last;

	if (!*from)
		return;
	for (struct slab *slab = *from; slab; slab = slab->next)
		slab->place = (uint8_t)place;
	last = last_of(*from);
	last->next = *to;
	if (*to)
		(*to)->previous = last;
	set_first(to, *from);
	set_first(from, NULL);
}

static void set_shared_below(uint32_t epoch)
{
	__atomic_store_n(&shared_below, epoch, __ATOMIC_RELAXED);
	__atomic_store_n(&slow_free_below, options_slow_free() ? UINT32_MAX : epoch, __ATOMIC_RELAXED);
}

void slab_leave_alone(uint32_t epoch)
{
	set_shared_below(epoch);
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		lock_take(&size_bins[class].lock);
		splice(&size_bins[class].partial, &size_bins[class].inherited, PLACE_INHERITED);
		splice(&size_bins[class].sparse, &size_bins[class].inherited, PLACE_INHERITED);
		lock_release(&size_bins[class].lock);
	}
}

void slab_fill_again(void)
{
	set_shared_below(0);
	for (unsigned class = 0; class < SIZE_CLASSES; class++) {
		lock_take(&size_bins[class].lock);
		splice(&size_bins[class].inherited, &size_bins[class].partial, PLACE_PARTIAL);
		lock_release(&size_bins[class].lock);
	}
}

bool slab_is_locked(void)
{
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		if (__atomic_load_n(&size_bins[class].lock.state, __ATOMIC_RELAXED))
			return true;
	return false;
}

void slab_lock_all(void)
{
	for (unsigned class = 0; class < SIZE_CLASSES; class++)
		lock_take(&size_bins[class].lock);
}

void slab_unlock_all(void)
{
	for (unsigned class = SIZE_CLASSES; class-- > 0;)
		lock_release(&size_bins[class].lock);
}
