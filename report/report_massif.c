/* SPDX-License-Identifier: MIT */
/*
 * massif's output of one process: what was live over time, by the recording's samples, and at the end by call sites, from the function that
 * asked outwards. Callers with a small share are added up, as massif does, or thousands of sites would be unreadable.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "escape.h"
#include "figures.h"
#include "site_tree.h"

#define SMALL 1000                      /* of a whole: 0.10 % */

struct output {
	FILE *to;
	struct site_tree *tree;
	unsigned snapshots;
	uint64_t last_ms;
};

static void put_snapshot(struct output *out, uint64_t ms, uint64_t live, uint64_t usable, const char *tree)
{
	out->last_ms = ms > out->last_ms ? ms : out->last_ms;
	fprintf(out->to, "#-----------\nsnapshot=%u\n#-----------\ntime=%" PRIu64 "\nmem_heap_B=%" PRIu64 "\nmem_heap_extra_B=%" PRIu64
		"\nmem_stacks_B=0\nheap_tree=%s\n", out->snapshots++, out->last_ms, live, usable > live ? usable - live : 0, tree);
}

static bool is_small(const struct site_node *node, uint64_t all)
{
	return node->parent && node->total[COLUMN_LIVE] * SMALL < all;
}

/* Lines below a node: the small ones, which come last, are one. */
static size_t lines_below(const struct site_node *node, uint64_t all)
{
	size_t count = 0;

	for (const struct site_node *child = node->child; child; child = child->next) {
		if (child->total[COLUMN_LIVE])
			count++;
		if (is_small(child, all))
			break;
	}
	return count;
}

static void put_small(struct output *out, const struct site_node *node, int depth)
{
	size_t places = 0;
	uint64_t bytes = 0;

	for (; node && node->total[COLUMN_LIVE]; node = node->next)
		places++, bytes += node->total[COLUMN_LIVE];
	if (places)
		fprintf(out->to, "%*sn0: %" PRIu64 " in %zu place%s, %sbelow massif's threshold (0.10%%)\n", depth, "", bytes, places,
			places == 1 ? "" : "s", places == 1 ? "" : "all ");
}

static void put_tree(struct output *out)
{
	const struct site_node *root = &out->tree->root, *node = root;
	uint64_t all = root->total[COLUMN_LIVE];
	int depth = 0;

	while (node) {
		bool small = is_small(node, all);

		if (small)
			put_small(out, node, depth);
		else
			fprintf(out->to, "%*sn%zu: %" PRIu64 " %s\n", depth, "", lines_below(node, all), node->total[COLUMN_LIVE],
				node == root ? "(heap allocation functions) malloc/new/new[], --alloc-fns, etc." : node->label);
		if (!small && node->child && node->child->total[COLUMN_LIVE]) {
			node = node->child;
			depth++;
			continue;
		}
		while (node && (small || !node->next || !node->next->total[COLUMN_LIVE]))
			node = node->parent, depth--, small = false;
		node = node ? node->next : NULL;
	}
}

static uint64_t since(const struct capture *capture, uint64_t at_ns)
{
	return figure_less(at_ns, capture->start_ns) / 1000000;
}

static void add(struct site_profile *profile, void *data)
{
	struct output *out = data;
	const struct capture *c = profile->subject->capture;
	const struct image *image = profile->subject->image;
	const uint64_t *total = out->tree->root.total;
	char *path = escape_text(profile->subject->recording->path, strlen(profile->subject->recording->path));

	fprintf(out->to, "desc: pagegap, %s\ncmd: %s\ntime_unit: ms\n", path, image->command ? image->command : "?");
	free(path);
	for (uint32_t i = 0; i < c->samples_used; i++)
		if (c->samples[i].live_bytes != CAPTURE_UNKNOWN && c->samples[i].usable_bytes != CAPTURE_UNKNOWN)
			put_snapshot(out, since(c, c->samples[i].at_ns), c->samples[i].live_bytes, c->samples[i].usable_bytes, "empty");
	site_tree_add(out->tree, profile);
	site_tree_sort(out->tree, COLUMN_LIVE);
	put_snapshot(out, image->end_ns == CAPTURE_UNKNOWN ? out->last_ms : since(c, image->end_ns), total[COLUMN_LIVE], total[COLUMN_USABLE], "detailed");
	put_tree(out);
}

int report_massif(const struct recording *recording, const struct report_options *options, FILE *to)
{
	struct output out = { .to = to, .tree = site_tree_new(FOLD_PLACE, TREE_CALLERS, false) };
	int status = site_profiles_each(recording, options, true, add, &out);

	site_unknown_said(out.tree->unknown[COLUMN_LIVE], COLUMN_LIVE);
	site_tree_free(out.tree);
	return status;
}
