/* SPDX-License-Identifier: MIT */
/* Making a tree of call sites: labels are kept once, so that equal ones are the same pointer. Nothing here recurses: stacks may be deep. */
#include "site_tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "memory.h"

struct site_tree *site_tree_new(enum site_fold fold, enum site_direction direction, bool with_processes)
{
	struct site_tree *tree = memory_get(sizeof(*tree));

	tree->fold = fold;
	tree->direction = direction;
	tree->with_processes = with_processes;
	tree->root.label = "all";
	return tree;
}

void site_tree_free(struct site_tree *tree)
{
	if (!tree)
		return;
	symbol_texts_free(&tree->texts);
	free(tree->slots);
	free(tree);
}

static size_t slot_of(const struct site_tree *tree, const struct site_node *parent, const char *label)
{
	uint64_t hash = ((uintptr_t)parent ^ (uintptr_t)label << 20) * 0x9e3779b97f4a7c15; /* as in site_profile.c */
	size_t at = (size_t)(hash >> 32) & (tree->room - 1);

	while (tree->slots[at] && (tree->slots[at]->parent != parent || tree->slots[at]->label != label))
		at = (at + 1) & (tree->room - 1);
	return at;
}

static void grow(struct site_tree *tree)
{
	struct site_tree old = *tree;

	if (tree->used * 2 < tree->room)
		return;
	tree->room = old.room ? old.room * 2 : 4096;
	tree->slots = memory_get(tree->room * sizeof(tree->slots[0]));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i])
			tree->slots[slot_of(tree, old.slots[i]->parent, old.slots[i]->label)] = old.slots[i];
	free(old.slots);
}

/* @label: kept */
static struct site_node *child_of(struct site_tree *tree, struct site_node *parent, const char *label)
{
	struct site_node *node;
	size_t slot;

	grow(tree);
	slot = slot_of(tree, parent, label);
	if (tree->slots[slot])
		return tree->slots[slot];
	node = symbol_texts_get(&tree->texts, sizeof(*node));
	*node = (struct site_node){ .label = label, .parent = parent, .next = parent->child };
	parent->child = tree->slots[slot] = node;
	tree->used++;
	return node;
}

/* Raw; to be freed. */
static char *label_of(enum site_fold fold, const struct site_frame *frame, const struct symbol_frame *name)
{
	char *place = NULL, *text;

	switch (fold) {
	case FOLD_FILE:
		if (name->file)
			return memory_format("%s", name->file);
		return *frame->path ? memory_format("(%s)", frame->path) : memory_format("(no file)");
	case FOLD_MODULE:
		return *frame->path ? memory_format("%s", frame->path) : memory_format("(no module)");
	case FOLD_PLACE:
		if (name->function && name->file)
			return memory_format("0x%" PRIX64 ": %s (%s:%u)", frame->address, name->function, site_base_name(name->file), name->line);
		place = site_frame_place(frame);
		text = memory_format("0x%" PRIX64 ": %s (in %s)", frame->address, name->function ? name->function : place,
				     *frame->path ? frame->path : "???");
		free(place);
		return text;
	default:
		return name->function ? memory_format("%s", name->function) : site_frame_place(frame);
	}
}

static const char *keep(struct site_tree *tree, const char *raw)
{
	char *text = escape_text(raw, strlen(raw));
	const char *kept = symbol_texts_keep(&tree->texts, text, strlen(text));

	free(text);
	return kept;
}

static const char *const *labels_of(struct site_tree *tree, struct site_frame *frame)
{
	const char **labels;

	if (frame->labels)
		return frame->labels;
	labels = symbol_texts_get(&tree->texts, frame->count * sizeof(labels[0]));
	for (size_t i = 0; i < frame->count; i++) {
		char *raw = label_of(tree->fold, frame, &frame->names[i]);

		labels[i] = keep(tree, raw);
		free(raw);
	}
	frame->labels = labels;
	return labels;
}

/* Files and libraries that call themselves are one. */
static struct site_node *step(struct site_tree *tree, struct site_node *node, const char *label)
{
	bool coarse = tree->fold == FOLD_FILE || tree->fold == FOLD_MODULE;

	return coarse && node->label == label ? node : child_of(tree, node, label);
}

/* Where a stack was cut: "(deeper)" stands for callers that nobody kept. */
static const char *cut(const struct capture_site *site)
{
	return site->end == 1 ? "(deeper)" : site->end == 2 ? "(lost)" : NULL;
}

static struct site_node *callees_of(struct site_tree *tree, struct site_node *node, struct site_profile *profile, const struct capture_site *site)
{
	if (cut(site))
		node = child_of(tree, node, keep(tree, cut(site)));
	for (uint32_t i = site->depth; i-- > 0;) {
		struct site_frame *frame = site_profile_frame(profile, site, i);
		const char *const *labels = labels_of(tree, frame);

		for (size_t j = frame->count; j-- > 0;)
			node = step(tree, node, labels[j]);
	}
	return node;
}

static struct site_node *callers_of(struct site_tree *tree, struct site_node *node, struct site_profile *profile, const struct capture_site *site)
{
	for (uint32_t i = 0; i < site->depth; i++) {
		struct site_frame *frame = site_profile_frame(profile, site, i);
		const char *const *labels = labels_of(tree, frame);

		for (size_t j = 0; j < frame->count; j++)
			node = step(tree, node, labels[j]);
	}
	return cut(site) ? child_of(tree, node, keep(tree, cut(site))) : node;
}

static void count(struct site_tree *tree, struct site_node *node, const struct site_values *values)
{
	for (size_t i = 0; i < SITE_COLUMNS; i++) {
		if (values->of[i] == CAPTURE_UNKNOWN) {
			tree->unknown[i]++;
			continue;
		}
		node->self[i] += values->of[i];
		for (struct site_node *up = node; up; up = up->parent)
			up->total[i] += values->of[i];
	}
}

void site_tree_add(struct site_tree *tree, struct site_profile *profile)
{
	struct site_node *top = &tree->root;

	if (tree->with_processes) {
		char *name = site_profile_name(profile);

		top = child_of(tree, top, symbol_texts_keep(&tree->texts, name, strlen(name)));
		free(name);
	}
	for (size_t i = 0; i < profile->frame_count; i++)
		profile->frames[i].labels = NULL;
	for (uint32_t i = 0; i < profile->table->head.sites_used; i++) {
		const struct capture_site *site = &profile->table->sites[i];
		struct site_values values = site_values_of(profile->table, site);
		struct site_node *node;

		if (!site_profile_has(profile, i))
			continue;
		if (!i)
			node = child_of(tree, top, keep(tree, "(others)"));
		else if (tree->direction == TREE_CALLERS)
			node = callers_of(tree, top, profile, site);
		else
			node = callees_of(tree, top, profile, site);
		count(tree, node, &values);
	}
}

struct site_node *site_tree_next(const struct site_node *node, bool below)
{
	if (below && node->child)
		return node->child;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

static int larger_first(const void *a, const void *b, void *column)
{
	const struct site_node *first = *(struct site_node *const *)a, *second = *(struct site_node *const *)b;
	uint64_t x = first->total[*(size_t *)column], y = second->total[*(size_t *)column];

	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(first->label, second->label);
}

void site_tree_sort(struct site_tree *tree, size_t column)
{
	struct site_node **children = memory_get((tree->used + 1) * sizeof(children[0]));

	for (struct site_node *node = &tree->root; node; node = site_tree_next(node, true)) {
		size_t used = 0;

		for (struct site_node *child = node->child; child; child = child->next)
			children[used++] = child;
		qsort_r(children, used, sizeof(children[0]), larger_first, &column);
		children[used] = NULL;
		for (size_t i = 0; i < used; i++)
			children[i]->next = children[i + 1];
		node->child = children[0];
	}
	free(children);
}
