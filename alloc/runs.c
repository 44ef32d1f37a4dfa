/* SPDX-License-Identifier: MIT */
/* Runs of pages as slabs of one slot. */
#include "runs.h"

#include "figure.h"
#include "metadata.h"
#include "pagemap.h"

#define RUN_METADATA (sizeof(struct slab) + 2)

uint64_t run_live_bytes, run_live_blocks;

struct slab *run_allocate(size_t bytes, size_t align, bool *is_zero)
{
	struct slab *slab = metadata_allocate(RUN_METADATA);
	struct run run;

	if (!slab)
		return NULL;
	if (!pages_take(&main_arena, pages_of(bytes), align <= PAGE_SIZE ? 1 : align / PAGE_SIZE, &run)) {
		metadata_free(slab, RUN_METADATA);
		return NULL;
	}
	slab->base = (uintptr_t)run.base;
	slab->size = pages_of(bytes) * PAGE_SIZE;
	slab->slots = 1;
	slab->bin = BIN_NONE;
	slab->kind = SLAB_RUN;
	slab->chunk = run.chunk;
	pagemap_set(slab->base, 1, slab);
	*is_zero = !run.reused_pages;
	figure_adjust_shared(&run_live_bytes, slab->size, 0);
	figure_adjust_shared(&run_live_blocks, 1, 0);
	return slab;
}

void run_free(struct slab *slab)
{
	pagemap_set(slab->base, 1, NULL);
	figure_adjust_shared(&run_live_bytes, 0, slab->size);
	figure_adjust_shared(&run_live_blocks, 0, 1);
	pages_free(slab->chunk, (void *)slab->base, slab->size / PAGE_SIZE);
	metadata_free(slab, RUN_METADATA);
}

bool run_resize(struct slab *slab, size_t bytes)
{
	size_t pages = slab->size / PAGE_SIZE, new_pages = pages_of(bytes);

	if (bytes > RUN_MAX || (new_pages > pages && !pages_extend(slab->chunk, (void *)slab->base, pages, new_pages)))
		return false;
	if (new_pages < pages)
		pages_free(slab->chunk, (char *)slab->base + new_pages * PAGE_SIZE, pages - new_pages);
	figure_adjust_shared(&run_live_bytes, new_pages * PAGE_SIZE, slab->size);
	slab->size = new_pages * PAGE_SIZE;
	return true;
}
