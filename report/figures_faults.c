/* SPDX-License-Identifier: MIT */
/* Page faults: the kernel's counts and the samples, put together. */
#include "figures.h"

/*
 * What an image had when it ended: its own count, what came after that was read, less what came after its
 * predecessor's was.
 */
static uint64_t whole_count(uint64_t own, uint64_t late, uint64_t late_before)
{
	if (late == CAPTURE_UNKNOWN)
		return own;
	return figure_less(figure_sum(own, late), late_before == CAPTURE_UNKNOWN ? 0 : late_before);
}

/* Nothing happened between the last reading of the kernel's counts and the end but what was sampled. */
static bool counts_are_final(const struct image *image, const struct capture *c)
{
	return image->late_minor_faults != CAPTURE_UNKNOWN && image->late_major_faults != CAPTURE_UNKNOWN &&
	       (c->ended == ENDED_EXIT || c->ended == ENDED_EXEC || c->usage_at_ns >= c->end_ns);
}

struct fault_figures figures_faults(const struct recording *recording, size_t index, const struct capture *capture)
{
	const struct image *image = &recording->images[index];
	const struct image *before = image->previous == NO_IMAGE ? NULL : &recording->images[image->previous];
	const struct capture_faults *faults = &capture->faults;
	struct fault_figures f = {
		.minor = whole_count(image->own.minor_faults, image->late_minor_faults,
				     before ? before->late_minor_faults : 0),
		.major = whole_count(image->own.major_faults, image->late_major_faults,
				     before ? before->late_major_faults : 0),
		.sampled = faults->method == FAULTS_SAMPLED,
	};

	if (!f.sampled) {
		f.attributed = f.unplaced = f.early = f.in_kernel = f.lost = f.minor_fault_ns = CAPTURE_UNKNOWN;
		return f;
	}
	f.unplaced = figure_sum(faults->unplaced_minor, faults->unplaced_major);
	f.early = figure_sum(faults->early_minor, faults->early_major);
	f.lost = faults->lost;
	f.minor_fault_ns = faults->minor_fault_ns ? faults->minor_fault_ns : CAPTURE_UNKNOWN;
	f.attributed = figure_sum(f.unplaced, f.early);
	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		f.attributed = figure_sum(f.attributed, figure_sum(faults->minor[row], faults->major[row]));
	f.partial = faults->partial;
	f.in_kernel = CAPTURE_UNKNOWN;
	if (!f.partial && counts_are_final(image, capture))
		f.in_kernel = figure_less(figure_less(figure_sum(f.minor, f.major), f.attributed), f.lost);
	return f;
}
