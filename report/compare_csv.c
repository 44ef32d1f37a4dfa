/* SPDX-License-Identifier: MIT */
/* A comparison as a table for programs, quoted as RFC 4180 says: a line for each allocator; what is not known is empty. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "escape.h"

static const struct {
	enum measure measure;
	const char *name;
} columns[] = {
	{ MEASURE_WALL, "wall_ns" },
	{ MEASURE_CPU, "cpu_ns" },
	{ MEASURE_PEAK, "max_rss_bytes" },
	{ MEASURE_MINOR_FAULTS, "minor_faults" },
	{ MEASURE_MAJOR_FAULTS, "major_faults" },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void put_text(FILE *to, const char *text)
{
	if (!strpbrk(text, ",\"\n")) {
		fputs(text, to);
		return;
	}
	putc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', to);
		putc(*text, to);
	}
	putc('"', to);
}

static void put_ratio(FILE *to, double ratio)
{
	putc(',', to);
	if (!isnan(ratio))
		fprintf(to, "%.6f", ratio);
}

static void put_figure(FILE *to, uint64_t figure)
{
	putc(',', to);
	if (figure != CAPTURE_UNKNOWN)
		fprintf(to, "%" PRIu64, figure);
}

static void put_candidate(FILE *to, const struct candidate *candidate, enum moment moment)
{
	static const char *const verdicts[] = {
		[VERDICT_UNKNOWN] = "", [VERDICT_SAME] = "same", [VERDICT_LESS] = "less", [VERDICT_MORE] = "more",
	};
	const struct observed *observed = &candidate->observed;

	put_text(to, candidate->allocator->name);
	putc(',', to);
	put_text(to, candidate->allocator->path ? candidate->allocator->path : "");
	fprintf(to, ",%zu", candidate->contrasts[MEASURE_WALL].pairs);
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct contrast *contrast = &candidate->contrasts[columns[i].measure];
		double median = candidate->medians[columns[i].measure].value;

		put_figure(to, isnan(median) ? CAPTURE_UNKNOWN : (uint64_t)(median + 0.5));
		put_ratio(to, contrast->ratio.value);
		put_ratio(to, contrast->ratio.low);
		put_ratio(to, contrast->ratio.high);
		fprintf(to, ",%s", verdicts[contrast->verdict]);
	}
	for (size_t row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE; row++)
		put_figure(to, observed->has_heap ? observed->ledgers[moment].rows[row].resident_bytes
						 : CAPTURE_UNKNOWN);
	put_figure(to, observed->known ? observed->forks : CAPTURE_UNKNOWN);
	put_figure(to, observed->known ? observed->copied_pages : CAPTURE_UNKNOWN);
	fprintf(to, ",%zu,%zu,%zu", candidate->differing_ends, candidate->differing_outputs[TRIAL_OUT],
		candidate->differing_outputs[TRIAL_ERR]);
	fputs("\n", to);
}

void compare_csv(const struct comparison *comparison, FILE *to)
{
	fputs("allocator,path,runs", to);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(to, ",%1$s,%1$s_ratio,%1$s_ratio_low,%1$s_ratio_high,%1$s_verdict", columns[i].name);
	fputs(",heap_live_resident_bytes,heap_slack_resident_bytes,heap_free_resident_bytes,forks,copied_pages"
	      ",differing_ends,differing_stdout,differing_stderr\n", to);
	for (size_t c = 0; c < comparison->allocators.count; c++)
		put_candidate(to, &comparison->candidates[c], comparison->moment);
}
