/* SPDX-License-Identifier: MIT */
/* The child knows what it was born with, its parent how long that took. */
#include "births.h"

static uint64_t known(uint64_t figure)
{
	return figure ? figure : CAPTURE_UNKNOWN;
}

/* The parent's entry that is nearest to the child's beginning: pids come round again. */
static const struct capture_child *entry_of(const struct recording *recording, const struct image *child)
{
	const struct image *parent = child->parent == NO_IMAGE ? NULL : &recording->images[child->parent];
	const struct capture_child *best = NULL;

	for (size_t i = 0; parent && i < parent->children_used; i++) {
		const struct capture_child *entry = &parent->children[i];

		if (entry->pid == child->pid && entry->born == BORN_FORK &&
		    (!best || entry->born_at_ns > best->born_at_ns) &&
		    (!entry->waited_at_ns || child->start_ns <= entry->waited_at_ns))
			best = entry;
	}
	return best;
}

struct birth_figures births_of(const struct subject *subject)
{
	const struct capture_child *entry = entry_of(subject->recording, subject->image);

	return (struct birth_figures){
		.page_table_bytes = known(subject->capture->born_page_table_bytes),
		.parent_page_table_bytes = entry ? known(entry->fork_page_table_bytes) : CAPTURE_UNKNOWN,
		.fork_ns = entry ? known(entry->fork_ns) : CAPTURE_UNKNOWN,
	};
}

struct fork_times births_by(const struct subject *subject)
{
	struct fork_times times = { 0 };

	for (size_t i = 0; i < subject->image->children_used; i++) {
		uint64_t ns = subject->image->children[i].fork_ns;

		if (!ns || ns == CAPTURE_UNKNOWN)
			continue;
		times.forks++;
		times.sum_ns = figure_sum(times.sum_ns, ns);
		times.longest_ns = ns > times.longest_ns ? ns : times.longest_ns;
	}
	return times;
}
