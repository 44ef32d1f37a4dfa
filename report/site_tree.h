/* SPDX-License-Identifier: MIT */
/* Call sites as a tree: stacks that begin alike share their beginning, from the outermost function inwards or the other way round. */
#ifndef PAGEGAP_SITE_TREE_H
#define PAGEGAP_SITE_TREE_H

#include "site_profile.h"
#include "symbols_internal.h"

struct site_node {
	const char *label;              /* fit to print */
	struct site_node *parent, *child, *next;
	uint64_t self[SITE_COLUMNS];    /* of stacks that end here */
	uint64_t total[SITE_COLUMNS];   /* and of those that go on */
};

struct site_tree {
	enum site_fold fold;            /* what a label is */
	enum site_direction direction;
	bool with_processes;            /* each a child of the root */
	struct site_node root;          /* of all */
	uint64_t unknown[SITE_COLUMNS]; /* sites whose figure is not in the tree */
	/* how it is made */
	struct symbol_texts texts;
	struct site_node **slots;       /* a hash table with open addressing, by parent and label; NULL: free */
	size_t used, room;
};

struct site_tree *site_tree_new(enum site_fold fold, enum site_direction direction, bool with_processes);
void site_tree_add(struct site_tree *tree, struct site_profile *profile);
void site_tree_free(struct site_tree *tree);

/* Children by a figure, the largest first. */
void site_tree_sort(struct site_tree *tree, size_t column);

/* The tree in order, a node before its children; NULL: that was the last. @below: go into its children. */
struct site_node *site_tree_next(const struct site_node *node, bool below);

#endif
