/* SPDX-License-Identifier: MIT */
/* What follows from the runs: medians, differences, and whether the program did the same in all of them. */
#include "comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

double measure_of(const struct trial_result *result, enum measure measure)
{
	switch (measure) {
	case MEASURE_WALL:
		return (double)result->wall_ns;
	case MEASURE_CPU:
		return (double)(result->user_ns + result->system_ns);
	case MEASURE_PEAK:
		return (double)result->max_rss_bytes;
	case MEASURE_MINOR_FAULTS:
		return (double)result->minor_faults;
	default:
		return (double)result->major_faults;
	}
}

static const struct trial_result *run_that_counts(const struct comparison *comparison, const struct candidate *candidate,
						  size_t round)
{
	const struct trial_result *run = comparison->only_warm_ups ? &candidate->warm_up : &candidate->rounds[round];

	return run->done && !(comparison->only_warm_ups && round) ? run : NULL;
}

static void conclude_measure(const struct comparison *comparison, struct candidate *candidate, enum measure measure)
{
	double *own = memory_get(comparison->runs * sizeof(own[0]));
	double *first = memory_get(comparison->runs * sizeof(first[0]));
	double *second = memory_get(comparison->runs * sizeof(second[0]));
	size_t done = 0, pairs = 0;

	for (size_t i = 0; i < comparison->runs; i++) {
		const struct trial_result *run = run_that_counts(comparison, candidate, i);
		const struct trial_result *beside = run_that_counts(comparison, comparison->candidates, i);

		if (run)
			own[done++] = measure_of(run, measure);
		if (!run || !beside)
			continue;
		first[pairs] = measure_of(beside, measure);
		second[pairs++] = measure_of(run, measure);
	}
	candidate->medians[measure] = median_of(own, done);
	candidate->contrasts[measure] = contrast_of(first, second, pairs);
	free(own);
	free(first);
	free(second);
}

const struct trial_result *candidate_run(const struct comparison *comparison, const struct candidate *candidate, size_t number)
{
	if (!number)
		return &candidate->warm_up;
	return number <= comparison->runs ? &candidate->rounds[number - 1] : &candidate->under_pagegap;
}

bool end_differs(const struct comparison *comparison, const struct trial_result *result)
{
	return result->done && result->status != comparison->reference->status;
}

bool output_differs(const struct comparison *comparison, const struct trial_result *result, size_t output)
{
	const struct trial_output *own = &result->outputs[output], *other = &comparison->reference->outputs[output];

	return result->done && (own->hash != other->hash || own->bytes != other->bytes);
}

static void compare_to_reference(const struct comparison *comparison, struct candidate *candidate)
{
	for (size_t number = 0; number <= RUN_UNDER_PAGEGAP(comparison); number++) {
		const struct trial_result *run = candidate_run(comparison, candidate, number);

		candidate->runs_done += run->done;
		candidate->left_behind += run->left_behind;
		candidate->immortal += run->immortal;
		candidate->differing_ends += end_differs(comparison, run);
		for (size_t i = 0; i < TRIAL_OUTPUTS; i++)
			candidate->differing_outputs[i] += output_differs(comparison, run, i);
	}
}

/*
 * A peak that was over before a ledger of it could be afforded was missed in that run. Where the runs' highest ledgers
 * are not of about the same height, they are not of the same moment: the last ones are.
 */
static enum moment common_moment(const struct comparison *comparison)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (size_t c = 0; c < comparison->allocators.count; c++) {
		const struct observed *observed = &comparison->candidates[c].observed;
		uint64_t live = observed->ledgers[MOMENT_PEAK].rows[ROW_HEAP_LIVE].mapped_bytes;

		if (!observed->known || !observed->has_heap)
			continue;
		least = live < least ? live : least;
		most = live > most ? live : most;
	}
	return most && least < most - most / 8 ? MOMENT_END : MOMENT_PEAK;
}

static void count_rounds(struct comparison *comparison)
{
	comparison->rounds = comparison->runs;
	comparison->only_warm_ups = true;
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		size_t done = 0;

		for (size_t i = 0; i < comparison->runs; i++)
			done += comparison->candidates[c].rounds[i].done;
		comparison->rounds = done < comparison->rounds ? done : comparison->rounds;
		comparison->only_warm_ups = comparison->only_warm_ups && !done;
	}
}

void comparison_conclude(struct comparison *comparison)
{
	if (comparison->candidates[0].warm_up.done)
		comparison->reference = &comparison->candidates[0].warm_up;
	comparison->moment = common_moment(comparison);
	count_rounds(comparison);
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		struct candidate *candidate = &comparison->candidates[c];

		for (int measure = 0; measure < MEASURES; measure++)
			conclude_measure(comparison, candidate, (enum measure)measure);
		if (comparison->reference)
			compare_to_reference(comparison, candidate);
	}
}

bool candidate_is_same(const struct candidate *candidate)
{
	for (int measure = 0; measure < MEASURES; measure++)
		if (JUDGED(measure) && candidate->contrasts[measure].verdict != VERDICT_SAME)
			return false;
	return true;
}

/* The capture's path may be cut at its end. */
static bool is_library(const char *path, const char *seen)
{
	char *real = realpath(seen, NULL);
	bool same = !strncmp(path, real ? real : seen, CAPTURE_PATH_BYTES - 1);

	free(real);
	return same;
}

bool candidate_took_effect(const struct candidate *candidate, bool *ineffective)
{
	const struct observed *observed = &candidate->observed;
	const char *path = candidate->allocator->path;
	bool took;

	*ineffective = observed->note != NOTE_NONE;
	if (!observed->known || *ineffective || !observed->malloc)
		return false;
	took = path ? is_library(path, observed->malloc) : !strcmp(observed->malloc, "glibc");
	*ineffective = !took;
	return took;
}

bool comparison_ends_agree(const struct comparison *comparison)
{
	for (size_t c = 0; c < comparison->allocators.count; c++)
		if (comparison->candidates[c].differing_ends)
			return false;
	return true;
}

bool comparison_outputs_agree(const struct comparison *comparison, size_t output)
{
	for (size_t c = 0; c < comparison->allocators.count; c++)
		if (comparison->candidates[c].differing_outputs[output])
			return false;
	return true;
}

void comparison_free(struct comparison *comparison)
{
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		free(comparison->candidates[c].rounds);
		observed_free(&comparison->candidates[c].observed);
	}
	free(comparison->candidates);
}
