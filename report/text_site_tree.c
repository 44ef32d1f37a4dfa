/* SPDX-License-Identifier: MIT */
/* Call sites on the page, not one by one: functions, files or modules with what they hold, as a list or as a tree of callers or callees. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_text.h"
#include "site_tree.h"
#include "text_sites.h"

#define ROWS_SHOWN 10                   /* roots of a tree, or lines of a list */
#define SMALL      100                  /* of the whole: less than 1 % is left out of a tree */

struct view {
	struct page *page;
	const struct report_options *options;
	const struct site_tree *tree;
	size_t column;
	uint64_t all;
};

static const char *const parts[] = {
	[FOLD_NONE] = "functions", [FOLD_FUNCTION] = "functions", [FOLD_FILE] = "files", [FOLD_MODULE] = "modules",
};

static bool is_shown(const struct view *view, const struct site_node *node)
{
	uint64_t value = node->total[view->column];

	return value && (view->options->all || value * SMALL >= view->all);
}

/* The children that are shown are the first ones, for all are sorted. */
static bool branches(const struct view *view, const struct site_node *node)
{
	return node->child && node->child->next && is_shown(view, node->child->next);
}

/* Indentation grows where there are several: what is alone below another stands under it. */
static size_t indent_of(const struct view *view, const struct site_node *node)
{
	size_t indent = 0, deepest = PAGE_COLUMNS / 2;

	for (const struct site_node *up = node->parent; up && up->parent; up = up->parent)
		if (branches(view, up) || (!up->parent->parent && view->options->tree == TREE_CALLERS))
			indent += 2;
	return indent < deepest ? indent : deepest;
}

static void print_node(const struct view *view, const struct site_node *node, size_t indent, size_t times)
{
	char *name = times > 1 ? memory_format("%s, %zu times", node->label, times) : memory_format("%s", node->label);
	char *label = text_cut_middle(name, PAGE_COLUMNS - 21 - indent);

	page_line(view->page, "%10s %7s  %*s%s", text_site_value(view->column, node->total[view->column], view->page->exact).text,
		  figure_percent(node->total[view->column], view->all).text, (int)indent, "", label);
	free(name);
	free(label);
}

/* What calls nothing but itself is one line. Returns the last of them. */
static const struct site_node *repeated(const struct view *view, const struct site_node *node, size_t *times)
{
	*times = 1;
	while (node->child && node->child->label == node->label && node->child->total[view->column] == node->total[view->column]) {
		node = node->child;
		++*times;
	}
	return node;
}

static void print_tree(const struct view *view, size_t most)
{
	const struct site_node *root = &view->tree->root, *node = root->child;
	size_t shown = 0;

	while (node) {
		bool below = is_shown(view, node);
		size_t indent = indent_of(view, node), times;

		if (below && node->parent == root && shown++ == most)
			break;
		if (below) {
			node = repeated(view, node, &times);
			print_node(view, node, indent, times);
		}
		node = site_tree_next(node, below && !(view->options->tree == TREE_CALLERS && !strcmp(node->label, "main")));
	}
}

static void print_list(const struct view *view, size_t most)
{
	for (const struct site_node *node = view->tree->root.child; node && most; node = node->next, most--) {
		char *label;

		if (!node->total[COLUMN_ALLOCATIONS] && !node->total[COLUMN_BLOCKS])
			continue;
		label = text_cut_middle(node->label, PAGE_COLUMNS - TEXT_SITES_NAME_AT);
		text_site_row(view->page, view->column, node->total, label);
		free(label);
	}
}

void text_site_tree(struct page *page, const struct subject *subject)
{
	const struct report_options *options = subject->options;
	bool list = options->tree == TREE_NONE;
	struct site_profile *profile = site_profile_make(subject);
	struct site_tree *tree;
	struct view view = { .page = page, .options = options, .column = options->site_sort };
	size_t rows = 0, most = options->sites ? options->sites : options->all ? SIZE_MAX : ROWS_SHOWN;

	if (!profile)
		return;
	view.tree = tree = site_tree_new(options->fold, list ? TREE_CALLERS : options->tree, false);
	site_tree_add(tree, profile);
	site_tree_sort(tree, view.column);
	view.all = tree->root.total[view.column];
	for (const struct site_node *node = tree->root.child; node; node = node->next)
		rows++;
	if (list) {
		most = most < rows ? most : rows;
		page_section(page, "Call sites", "%s%s of %s %s that asked, by %s", most < rows ? "the first " : "", COUNT(most), COUNT(rows), parts[options->fold],
			     site_columns[view.column].words);
		text_site_heading(page, view.column, "by");
		print_list(&view, most);
	} else {
		page_section(page, "Call sites", "%s %s, by %s", parts[options->fold],
			     options->tree == TREE_CALLERS ? "that asked, and their callers below them" : "from the first one on, and their callees below them",
			     site_columns[view.column].words);
		page_line(page, "%10s %7s  %s", site_columns[view.column].title, "share", options->tree == TREE_CALLERS ? "by, called from" : "function, calling");
		print_tree(&view, most);
		if (!options->all)
			page_paragraph(page, 2, 2, "Less than 1 %% of the whole is left out; --all shows everything.");
	}
	if (tree->unknown[view.column])
		page_paragraph(page, 2, 2, "Of %s call sites this figure is not known.", COUNT(tree->unknown[view.column]));
	site_tree_free(tree);
	site_profile_free(profile);
}
