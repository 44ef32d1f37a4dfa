/* SPDX-License-Identifier: MIT */
/*
 * What copy-on-write does, page by page: a model of processes that descend from one, which is told of each fork,
 * write, read and unmapping in their order. It knows who shares which copy of a page, what each side of each fork
 * copied, and which faults that took.
 *
 * A page written while another process maps the same copy is copied; one written when nobody else does any more is re-
 * used in place: mm/memory.c, do_wp_page. Of a huge page the kernel re-uses nothing while another process maps any
 * part of it, so that it copies what pagegap may well call re-used: such copies are in the high figure alone. One that
 * nobody else maps and that nothing has split is re-used as a whole by one write; where it is watched, by pieces.
 *
 * With three processes and more, one copy ends the sharing with several relatives: it belongs to at least one of these
 * forks. The low figure of a fork has what can belong to no other, the high one what can belong to it; of a process,
 * each copy counts once in the low one.
 */
#ifndef PAGEGAP_TESTS_COW_MODEL_H
#define PAGEGAP_TESTS_COW_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_ACTORS 5
#define MODEL_AREAS  8
#define MODEL_PAGES  1024               /* of an area */
#define HUGE_PAGES   512                /* small pages in a huge one */

enum model_sort { OWN, OWN_HUGE, HEAP_BLOCK, LARGE_BLOCK, PRIVATE_FILE, SHARED_MEMORY, STACK_PART, MODEL_SORTS };
enum model_row { MODEL_ANON, MODEL_HEAP, MODEL_FILE, MODEL_STACK, MODEL_ROWS };

/*
 * What a page maps: NOTHING, or what is no anonymous memory (the zero page, a page of the file), or the number of
 * a copy.
 */
enum { NOTHING, NO_COPY, FIRST_COPY };
#define SMALL_COPIES (1U << 24)         /* from here on; below, HUGE_PAGES in a row are one huge page */

struct model_page {
	uint32_t copy;
	uint32_t born_with;             /* what a fork gave it */
	bool     writable;              /* writing takes no fault */
	bool     written;               /* since the process was born */
	bool     left;                  /* given back, moved or unmapped since then … */
	bool     written_before;        /* … and written before that */
	bool     taken;                 /* with a huge page that was re-used as a whole */
	bool     unsure;                /* its page table may not have been copied: reading takes a fault or none */
};

struct model_range { int64_t low, high; };

/* What one side of a fork did, by row. */
struct model_side { struct model_range copied[MODEL_ROWS], reused[MODEL_ROWS]; };

/* The fork that a process was born by, as of its end. */
struct model_fork {
	struct model_side child, parent;
	int64_t inherited[MODEL_ROWS];
	int64_t shared[MODEL_ROWS], unshared[MODEL_ROWS], gone[MODEL_ROWS];
	int64_t written_gone[MODEL_ROWS]; /* of those gone */
	int64_t pieces[MODEL_ROWS];     /* of huge pages that others map too: pagemap has one bit 56 for all of them */
	int64_t zero[MODEL_ROWS];       /* the zero page when it was born: pagemap alone does not tell it from memory */
	bool    forked;                 /* it has children of its own */
	bool    killed, outlived;       /* by a signal; its parent */
};

struct model_process {
	bool    alive;
	int     parent;                 /* -1: none */
	struct model_fork fork;
	int64_t copied_once[MODEL_ROWS];
	struct model_range faults[MODEL_ROWS]; /* in user mode; low: those that can be placed to the end */
	struct model_range in_kernel;
	struct model_range faults_of[MODEL_AREAS];
	bool    changed[MODEL_AREAS];   /* some of it is mapped no more where it was */
	struct model_page pages[MODEL_AREAS][MODEL_PAGES];
};

struct model {
	enum model_sort sorts[MODEL_AREAS];
	uint32_t sizes[MODEL_AREAS];    /* pages; 0: no such area */
	bool     zero_page;             /* the kernel has one */
	bool     huge_come;             /* huge pages do come where they are asked for */
	uint32_t next_huge, next_small;
	struct model_process processes[MODEL_ACTORS];
};

static inline enum model_row model_row_of(enum model_sort sort)
{
	switch (sort) {
	case HEAP_BLOCK:
	case LARGE_BLOCK:
		return MODEL_HEAP;
	case PRIVATE_FILE:
	case SHARED_MEMORY:
		return MODEL_FILE;
	case STACK_PART:
		return MODEL_STACK;
	default:
		return MODEL_ANON;
	}
}

static inline void model_begin(struct model *model)
{
	model->next_huge = HUGE_PAGES;
	model->next_small = SMALL_COPIES;
	model->processes[0].alive = true;
	model->processes[0].parent = -1;
}

static inline int model_sharers(const struct model *model, int area, uint32_t page, uint32_t copy)
{
	int sharers = 0;

	for (int i = 0; i < MODEL_ACTORS; i++)
		sharers += model->processes[i].alive && model->processes[i].pages[area][page].copy == copy;
	return sharers;
}

/* Does another process map any page of the huge page that a copy is in? */
static inline bool model_huge_is_shared(const struct model *model, int self, int area, uint32_t page, uint32_t copy)
{
	const uint32_t first = page / HUGE_PAGES * HUGE_PAGES;

	for (int i = 0; copy < SMALL_COPIES && i < MODEL_ACTORS; i++)
		for (uint32_t at = first; i != self && model->processes[i].alive && at < first + HUGE_PAGES; at++)
			if (model->processes[i].pages[area][at].copy / HUGE_PAGES == copy / HUGE_PAGES)
				return true;
	return false;
}

/* Does a process, or one that descends from it, map the copy? */
static inline bool model_line_maps(const struct model *model, int top, int area, uint32_t page, uint32_t copy)
{
	for (int i = 0; i < MODEL_ACTORS; i++) {
		int up = i;

		while (up > top) /* children have higher numbers */
			up = model->processes[up].parent;
		if (up == top && model->processes[i].alive && model->processes[i].pages[area][page].copy == copy)
			return true;
	}
	return false;
}

static inline void model_add(struct model_range *range, int64_t low, int64_t high)
{
	range->low += low;
	range->high += high;
}

/* A copy was made by @self of what it shared: @surely, or perhaps. */
static inline void model_note_copy(struct model *model, int self, int area, uint32_t page, bool surely)
{
	struct model_process *process = &model->processes[self];
	const uint32_t copy = process->pages[area][page].copy;
	const enum model_row row = model_row_of(model->sorts[area]);
	const bool by_birth = process->pages[area][page].born_with == copy;
	const int sharers = model_sharers(model, area, page, copy);
	bool with_child = false;

	for (int i = 1; i < MODEL_ACTORS; i++) {
		struct model_process *child = &model->processes[i];
		bool shares = child->alive && child->pages[area][page].copy == copy;

		if (child->parent != self || child->pages[area][page].born_with != copy)
			continue;
		with_child |= shares;
		if (shares || model_line_maps(model, i, area, page, copy))
			model_add(&child->fork.parent.copied[row], surely && shares && sharers == 2 && !by_birth, 1);
	}
	if (by_birth)
		model_add(&process->fork.child.copied[row], surely && !with_child, 1);
	process->copied_once[row] += surely && (by_birth || with_child);
}

/* @low, @high: pages of this one, 0 or 1 */
static inline void model_add_reuse(struct model *model, int self, int area, uint32_t page, int64_t low, int64_t high)
{
	struct model_process *process = &model->processes[self];
	const uint32_t copy = process->pages[area][page].copy;
	const enum model_row row = model_row_of(model->sorts[area]);

	for (int i = 1; i < MODEL_ACTORS; i++)
		if (model->processes[i].parent == self && model->processes[i].pages[area][page].born_with == copy)
			model_add(&model->processes[i].fork.parent.reused[row], 0, high);
	if (process->pages[area][page].born_with == copy)
		model_add(&process->fork.child.reused[row], low, high);
}

static inline void model_note_reuse(struct model *model, int self, int area, uint32_t page)
{
	struct model_page *pages = model->processes[self].pages[area];
	const uint32_t first = page / HUGE_PAGES * HUGE_PAGES, huge = pages[page].copy / HUGE_PAGES;
	bool whole = pages[page].copy < SMALL_COPIES;

	model_add_reuse(model, self, area, page, 1, !pages[page].taken);
	for (uint32_t at = first; whole && at < first + HUGE_PAGES; at++)
		whole = pages[at].copy / HUGE_PAGES == huge;
	for (uint32_t at = first; whole && at < first + HUGE_PAGES; at++) {
		if (at != page && !pages[at].taken && !pages[at].writable)
			model_add_reuse(model, self, area, at, 0, 1);
		pages[at].taken = true;
	}
}

static inline void model_fault(struct model *model, int self, int area, int64_t least, bool in_kernel)
{
	struct model_process *process = &model->processes[self];

	model_add(in_kernel ? &process->in_kernel : &process->faults_of[area], least, 1);
}

/* Memory comes: a huge page where there is none of it yet. */
static inline void model_bring(struct model *model, int self, int area, uint32_t page)
{
	struct model_page *pages = model->processes[self].pages[area];
	const uint32_t first = page / HUGE_PAGES * HUGE_PAGES;
	bool huge = model->sorts[area] == OWN_HUGE && model->huge_come;

	for (uint32_t at = first; huge && at < first + HUGE_PAGES; at++)
		huge = pages[at].copy == NOTHING;
	for (uint32_t at = first; huge && at < first + HUGE_PAGES; at++) {
		pages[at].copy = model->next_huge++;
		pages[at].writable = true;
	}
	if (!huge)
		pages[page].copy = model->next_small++;
	pages[page].writable = pages[page].written = true;
}

static inline void model_write(struct model *model, int self, int area, uint32_t page, bool in_kernel)
{
	struct model_page *at = &model->processes[self].pages[area][page];
	bool shared;

	if (model->sorts[area] == SHARED_MEMORY) {
		model_fault(model, self, area, 0, in_kernel);
	} else if (at->copy < FIRST_COPY) {
		model_fault(model, self, area, 1, in_kernel);
		if (at->left && model->sorts[area] == PRIVATE_FILE) /* watched still, it takes one more */
			model_fault(model, self, area, 0, in_kernel);
		model_bring(model, self, area, page);
	} else if (!at->writable) {
		/*
		 * Where nobody else has a huge page any more, one fault makes all of it writable, unless it is
		 * watched.
		 */
		model_fault(model, self, area, model->sorts[area] != OWN_HUGE, in_kernel);
		shared = model_sharers(model, area, page, at->copy) > 1;
		if (shared || model_huge_is_shared(model, self, area, page, at->copy)) {
			model_note_copy(model, self, area, page, shared);
			at->copy = model->next_small++;
		} else {
			model_note_reuse(model, self, area, page);
		}
		at->writable = true;
	}
	at->written = true;
}

static inline void model_read(struct model *model, int self, int area, uint32_t page)
{
	struct model_page *at = &model->processes[self].pages[area][page];
	/* Around a page that is read, others of its file come with it. */
	const bool file = model_row_of(model->sorts[area]) == MODEL_FILE;

	if (at->copy >= FIRST_COPY || (at->copy == NO_COPY && !at->unsure && !file))
		return;
	model_fault(model, self, area, !file && !at->unsure, false);
	at->unsure = false;
	if (file || model->zero_page) {
		at->copy = NO_COPY;
	} else {
		at->copy = model->next_small++;
		at->writable = true;
	}
}

static inline void model_leave(struct model *model, int self, int area, uint32_t page, bool given_back, bool moved)
{
	struct model_process *process = &model->processes[self];
	struct model_page *at = &process->pages[area][page];

	if (!at->left)
		at->written_before = at->written;
	at->left = true;
	if (!given_back)
		process->changed[area] = true;
	if (moved)
		return;
	at->copy = NOTHING;
	at->writable = at->unsure = false;
}

static inline void model_fork(struct model *model, int parent, int child)
{
	struct model_process *old = &model->processes[parent], *new = &model->processes[child];

	new->alive = true;
	new->parent = parent;
	old->fork.forked = true;
	for (int area = 0; area < MODEL_AREAS; area++)
		for (uint32_t page = 0; page < model->sizes[area]; page++) {
			struct model_page *at = &old->pages[area][page];

			at->writable = at->taken = false;
			new->pages[area][page] = (struct model_page){
				.copy = at->copy,
				.born_with = at->copy,
				.unsure = at->copy == NO_COPY,
			};
		}
}

static inline void model_end(struct model *model, int self, bool killed)
{
	struct model_process *process = &model->processes[self];
	struct model_fork *fork = &process->fork;

	fork->killed = killed;
	fork->outlived = self && !model->processes[process->parent].alive;
	for (int area = 0; area < MODEL_AREAS; area++) {
		const enum model_row row = model_row_of(model->sorts[area]);

		for (uint32_t page = 0; page < model->sizes[area]; page++) {
			const struct model_page *at = &process->pages[area][page];

			fork->zero[row] += at->born_with == NO_COPY && row != MODEL_FILE;
			if (at->born_with < FIRST_COPY)
				continue;
			fork->inherited[row]++;
			fork->gone[row] += at->left;
			fork->written_gone[row] += at->left && at->written_before;
			if (at->left)
				continue;
			if (model_sharers(model, area, page, at->copy) > 1)
				fork->shared[row]++;
			else
				fork->unshared[row] += !at->written;
			fork->pieces[row] += model_huge_is_shared(model, self, area, page, at->copy);
		}
		model_add(&process->faults[row], process->changed[area] ? 0 : process->faults_of[area].low,
			  process->faults_of[area].high);
	}
	process->alive = false;
}

#endif
