/* SPDX-License-Identifier: MIT */
/*
 * Reads the set of ranges the way a ledger outside reads it, as raw nodes, and says what is wrong with the structure.
 */
#ifndef PAGEGAP_TEST_RANGES_TREE_H
#define PAGEGAP_TEST_RANGES_TREE_H

#include "../../preload/ranges.h"
#include "../../preload/sys.h"

#define PLACE 0x300000000000UL

static inline struct range *array(void)
{
	return *(struct range **)(uintptr_t)ranges_address();
}

/* Reading the tree */

struct visit {
	uint32_t count, height, claimed;        /* nodes; levels; of them inside [from, to) */
	uint64_t from, to;
	uint64_t last_end, last_tag;
	uint32_t last_kind;
	const char *fault;
	void (*see)(struct visit *, const struct range *);
};

static inline void visit_tree(struct visit *v, uint32_t index, uint32_t depth)
{
	const struct range *nodes = array(), *r = &nodes[index];

	if (!index || v->fault)
		return;
	if (index >= nodes[0].start)
		v->fault = "a node beyond those in use";
	v->height = depth > v->height ? depth : v->height;
	visit_tree(v, r->left, depth + 1);
	if (r->kind == RANGE_FREE || r->kind >= RANGE_KINDS)
		v->fault = "a node of no kind";
	if (r->start >= r->end || (r->start | r->end) % PAGE_BYTES)
		v->fault = "an empty or crooked range";
	if (v->count && r->start < v->last_end)
		v->fault = "ranges out of order, or overlapping";
	if (v->count && r->start == v->last_end && r->kind == v->last_kind && r->tag == v->last_tag &&
	    r->kind != RANGE_INSTRUMENT)
		v->fault = "neighbours that should be one";
	if ((r->left && nodes[r->left].priority > r->priority) || (r->right && nodes[r->right].priority > r->priority))
		v->fault = "a child above its parent's priority";
	v->count++;
	v->claimed += r->start >= v->from && r->end <= v->to;
	v->last_end = r->end;
	v->last_kind = r->kind;
	v->last_tag = r->tag;
	if (v->see)
		v->see(v, r);
	visit_tree(v, r->right, depth + 1);
}

/* The whole structure is sound. Returns its visit. */
static inline struct visit check_structure(uint64_t from, uint64_t to,
					   void (*see)(struct visit *, const struct range *))
{
	const struct range *nodes = array();
	struct visit v = { .from = from, .to = to, .see = see };
	uint64_t unused = 0;

	visit_tree(&v, nodes[0].left, 1);
	for (uint32_t i = nodes[0].right; i && unused <= nodes[0].start; i = nodes[i].right) {
		unused++;
		if (nodes[i].kind != RANGE_FREE)
			v.fault = "a node in use in the list of unused ones";
	}
	if (!v.fault && v.count + unused + 1 != nodes[0].start)
		v.fault = "a node neither in the tree nor in the list of unused ones";
	if (!v.fault && nodes[0].start > nodes[0].end)
		v.fault = "more nodes than there is room for";
	return v;
}

#endif
