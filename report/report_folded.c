/* SPDX-License-Identifier: MIT */
/* Collapsed stacks, as flame graph programs read them: one line a stack, from the process inwards, and a figure. */
#include <inttypes.h>
#include <stdlib.h>

#include "complain.h"
#include "memory.h"
#include "site_tree.h"

static void add(struct site_profile *profile, void *tree)
{
	site_tree_add(tree, profile);
}

/* A semicolon would end a frame: as stackcollapse-perf.pl has it, a colon stands for it. */
static void print_label(const char *label, FILE *to)
{
	for (; *label; label++)
		putc(*label == ';' ? ':' : *label, to);
}

static void print_stack(const struct site_node *node, const struct site_node *root, uint64_t value, FILE *to)
{
	const struct site_node **path;
	size_t depth = 0;

	for (const struct site_node *up = node; up != root; up = up->parent)
		depth++;
	path = memory_get((depth + 1) * sizeof(path[0]));
	for (size_t i = depth; i-- > 0; node = node->parent)
		path[i] = node;
	for (size_t i = 0; i < depth; i++) {
		print_label(path[i]->label, to);
		putc(i + 1 < depth ? ';' : ' ', to);
	}
	fprintf(to, "%" PRIu64 "\n", value);
	free(path);
}

int report_folded(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct site_tree *tree = site_tree_new(options->fold, TREE_CALLEES, true);
	size_t column = options->site_sort;
	int status = site_profiles_each(recording, options, false, add, tree);

	if (status != STATUS_FAILED) {
		site_tree_sort(tree, column);
		for (const struct site_node *node = &tree->root; node; node = site_tree_next(node, true))
			if (node->self[column])
				print_stack(node, &tree->root, node->self[column], to);
		site_unknown_said(tree->unknown[column], column);
	}
	site_tree_free(tree);
	return status;
}
