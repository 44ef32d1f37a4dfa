/* SPDX-License-Identifier: MIT */
/*
 * A flame graph that needs nothing but a viewer of SVG: no script, no font and no picture from elsewhere. The width of a box is its share
 * of the figure, what it called stands on it; all figures are in the text that appears over it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "memory.h"
#include "site_tree.h"
#include "units.h"

#define WIDTH     1200
#define MARGIN    10
#define BOX       16                    /* height */
#define TOP       40
#define LETTER    7                     /* width at 12 px of a fixed-width font, rounded down */
#define NARROWEST 0.1                   /* what is narrower is left out */

struct drawing {
	FILE *to;
	size_t column;
	double scale;                   /* width of one byte or block */
	size_t rows;
};

static void add(struct site_profile *profile, void *tree)
{
	site_tree_add(tree, profile);
}

/* Labels are free of control characters; XML 1.0 (2.2) has no U+FFFE and U+FFFF either, nor what is no character. */
static void print_xml(const char *text, size_t length, FILE *to)
{
	for (size_t at = 0, size; at < length; at += size) {
		uint32_t character = 0;

		size = utf8_next(text + at, length - at, &character);
		size = size ? size : 1;
		if (strchr("&<>\"'", text[at]))
			fprintf(to, "&#%d;", text[at]);
		else if (character == 0xfffe || character == 0xffff)
			fprintf(to, "\\u%" PRIx32, character);
		else
			fwrite(text + at, size, 1, to);
	}
}

/* Warm, and the same for a function wherever it is. */
static unsigned colour(const char *label)
{
	unsigned hash = 2166136261u; /* FNV-1a */

	while (*label)
		hash = (hash ^ (unsigned char)*label++) * 16777619u;
	return (205 + hash % 50) << 16 | (80 + hash / 50 % 130) << 8 | (20 + hash / 6500 % 50);
}

static struct figure value_of(size_t column, uint64_t value)
{
	return site_columns[column].unit == SITE_BYTES ? figure_bytes(value, false) : figure_count(value);
}

static void print_title(const struct drawing *drawing, const struct site_node *node, uint64_t all)
{
	fputs("<title>", drawing->to);
	print_xml(node->label, strlen(node->label), drawing->to);
	fprintf(drawing->to, "\n%s: %s, %.2f %%", site_columns[drawing->column].name, value_of(drawing->column, node->total[drawing->column]).text,
		all ? 100.0 * (double)node->total[drawing->column] / (double)all : 0);
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		if (i != drawing->column)
			fprintf(drawing->to, "\n%s: %s", site_columns[i].name, value_of(i, node->total[i]).text);
	fputs("</title>", drawing->to);
}

static void print_box(const struct drawing *drawing, const struct site_node *node, size_t depth, double x, uint64_t all)
{
	double width = (double)node->total[drawing->column] * drawing->scale;
	size_t y = TOP + (drawing->rows - 1 - depth) * BOX, letters = width < 6 ? 0 : (size_t)((width - 6) / LETTER);

	fputs("<g>", drawing->to);
	print_title(drawing, node, all);
	fprintf(drawing->to, "<rect x=\"%.2f\" y=\"%zu\" width=\"%.2f\" height=\"%d\" rx=\"1\" fill=\"#%06x\"/>", x, y, width, BOX - 1,
		colour(node->label));
	if (letters >= 3) {
		bool whole = text_columns(node->label) <= letters;

		fprintf(drawing->to, "<text x=\"%.2f\" y=\"%zu\">", x + 3, y + BOX - 4);
		print_xml(node->label, whole ? strlen(node->label) : text_fitting(node->label, letters - 2), drawing->to);
		fputs(whole ? "</text>" : "..</text>", drawing->to);
	}
	fputs("</g>\n", drawing->to);
}

/* One node after the other; those that are too narrow have no children that are not. */
static void walk(struct drawing *drawing, const struct site_tree *tree, bool draw)
{
	uint64_t all = tree->root.total[drawing->column], *at = NULL; /* by depth: where the next box begins */
	size_t room = 0, depth = 0;
	bool below = true;

	for (const struct site_node *node = &tree->root, *before = NULL; node; before = node, node = site_tree_next(node, below)) {
		if (before && node->parent == before)
			depth++;
		else
			for (const struct site_node *up = before; up && up->parent != node->parent; up = up->parent)
				depth--;
		if (depth + 2 > room) {
			room = (depth + 2) * 2;
			at = memory_more(at, room * sizeof(at[0]));
			at[depth] = depth ? at[depth] : 0;
		}
		below = (double)node->total[drawing->column] * drawing->scale >= NARROWEST;
		if (below && depth + 1 > drawing->rows)
			drawing->rows = depth + 1;
		if (below && draw)
			print_box(drawing, node, depth, MARGIN + (double)at[depth] * drawing->scale, all);
		at[depth + 1] = at[depth];
		at[depth] += node->total[drawing->column];
	}
	free(at);
}

static void draw(const struct site_tree *tree, const struct recording *recording, size_t column, FILE *to)
{
	uint64_t all = tree->root.total[column];
	struct drawing drawing = { .to = to, .column = column, .scale = all ? (WIDTH - 2 * MARGIN) / (double)all : 0, .rows = 1 };
	size_t height;
	char *name = escape_text(recording->path, strlen(recording->path));

	walk(&drawing, tree, false);
	height = TOP + drawing.rows * BOX + 30;
	fprintf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%zu\" viewBox=\"0 0 %d %zu\" "
		"font-family=\"monospace\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fdfaf3\"/>\n"
		"<text x=\"%d\" y=\"24\" font-size=\"16\">", WIDTH, height, WIDTH, height, MARGIN);
	print_xml(name, strlen(name), to);
	fprintf(to, ": %s, %s</text>\n", site_columns[column].words, value_of(column, all).text);
	walk(&drawing, tree, true);
	fprintf(to, "<text x=\"%d\" y=\"%zu\" fill=\"#555555\">pagegap; what is narrower than %.1f px is left out</text>\n</svg>\n", MARGIN, height - 12,
		NARROWEST);
	free(name);
}

int report_flamegraph(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct site_tree *tree = site_tree_new(options->fold, TREE_CALLEES, true);
	int status = site_profiles_each(recording, options, false, add, tree);

	if (status != STATUS_FAILED) {
		site_tree_sort(tree, options->site_sort);
		draw(tree, recording, options->site_sort, to);
		site_unknown_said(tree->unknown[options->site_sort], options->site_sort);
	}
	site_tree_free(tree);
	return status;
}
