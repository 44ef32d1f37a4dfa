/* SPDX-License-Identifier: MIT */
/* A comparison for a person: what was run, the figures beside each other, bars, what they mean. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "comparison.h"
#include "compare_words.h"
#include "escape.h"
#include "figures.h"
#include "memory.h"
#include "page.h"
#include "table.h"
#include "units.h"

#define LABEL_COLUMNS 16        /* of an allocator's name */
#define BAR_COLUMNS   36

#define BYTES(bytes) figure_bytes(bytes, false).text
#define COUNT(count) figure_count(count).text

static char *label_of(const struct candidate *candidate)
{
	const char *name = candidate->allocator->name;
	char *escaped = escape_text(name, strlen(name));

	if (text_columns(escaped) > LABEL_COLUMNS)
		strcpy(escaped + text_fitting(escaped, LABEL_COLUMNS - 2), "..");
	return escaped;
}

static void headline(struct page *page, const struct comparison *comparison)
{
	char *command = words_of_command(comparison);
	bool agree = comparison_ends_agree(comparison);

	for (size_t i = 0; i < TRIAL_OUTPUTS; i++)
		agree = agree && comparison_outputs_agree(comparison, i);
	page_paragraph(page, 0, 2, "%s", command);
	if (comparison->interrupted)
		page_unusual_paragraph(page, 0, 2, "interrupted by SIG%s after %zu of %zu runs each%s",
				       sigabbrev_np(comparison->interrupted), comparison->rounds, comparison->runs,
				       comparison->only_warm_ups && comparison->reference
					       ? "; the figures are those of the warm-up" : "");
	else
		page_line(page, "%zu run%s each after a warm-up%s", comparison->runs, comparison->runs == 1 ? "" : "s",
			  agree ? ", outputs equal" : "");
	free(command);
}

static void print_notes(struct page *page, const struct comparison *comparison)
{
	char **notes = words_of_notes(comparison);

	for (size_t i = 0; notes[i]; i++) {
		page_unusual_paragraph(page, 0, 2, "note: %s", notes[i]);
		free(notes[i]);
	}
	free(notes);
}

static void missing(struct page *page, const struct comparison *comparison)
{
	const struct allocators *all = &comparison->allocators;

	for (size_t i = all->count; i < all->count + all->missing; i++)
		page_paragraph(page, 0, 2, "not installed: %s (%s)", all->list[i].name, all->list[i].package);
}

/* Its figure in its unit. */
static struct figure in_unit(double value, enum measure measure)
{
	uint64_t whole = isnan(value) ? CAPTURE_UNKNOWN : (uint64_t)(value + 0.5);

	if (measure == MEASURE_WALL || measure == MEASURE_CPU)
		return figure_time(whole, false);
	return measure == MEASURE_PEAK ? figure_bytes(whole, false) : figure_count(whole);
}

/* How far the interval goes, on its farther side. */
static double reach(const struct median *median)
{
	double below = median->value - median->low, above = median->high - median->value;

	return below > above ? below : above;
}

/* "0.83 +- 0.02  ", "0.97 +- 0.03 =" */
static void ratio_cell(struct table *table, struct table_row *row, size_t column, const struct contrast *contrast)
{
	const struct median *ratio = &contrast->ratio;

	if (isnan(ratio->value))
		table_cell(table, row, column, "?  ");
	else if (isnan(ratio->low))
		table_cell(table, row, column, "%.2f +- ?     ", ratio->value);
	else
		table_cell(table, row, column, "%.2f +- %.2f %s", ratio->value, reach(ratio),
			   contrast->verdict == VERDICT_SAME ? "=" : " ");
}

static const struct {
	enum measure measure;
	const char *heading;
} columns[] = {
	{ MEASURE_WALL, "time" },
	{ MEASURE_CPU, "CPU time" },
	{ MEASURE_PEAK, "peak resident" },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void print_figures(struct page *page, const struct comparison *comparison)
{
	struct table *table = memory_get(sizeof(*table));
	struct table_row *row = table_add(table, "");

	for (size_t i = 0; i < COLUMNS; i++)
		table_cell(table, row, i, "%s  ", columns[i].heading);
	table_cell(table, row, COLUMNS, "minor faults");
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		const struct candidate *candidate = &comparison->candidates[c];
		char *name = label_of(candidate), *label = memory_format("  %s", name);

		row = table_add(table, label);
		for (size_t i = 0; i < COLUMNS; i++) {
			double median = candidate->medians[columns[i].measure].value;

			if (c)
				ratio_cell(table, row, i, &candidate->contrasts[columns[i].measure]);
			else
				table_cell(table, row, i, "1.00 (%s)  ", in_unit(median, columns[i].measure).text);
		}
		table_cell(table, row, COLUMNS, "%s",
			   in_unit(candidate->medians[MEASURE_MINOR_FAULTS].value, MEASURE_MINOR_FAULTS).text);
		free(label);
		free(name);
	}
	page_gap(page);
	table_print(page, table);
	free(table);
	if (comparison->allocators.count < 2)
		return;
	if (comparison->rounds < CONTRAST_PAIRS)
		page_paragraph(page, 2, 2, "\"?\": so few runs have no interval; it takes %d", CONTRAST_PAIRS);
	else
		page_paragraph(page, 2, 2, "\"=\": no difference that %zu runs can show", comparison->rounds);
}

static void print_bars(struct page *page, const struct comparison *comparison, enum measure measure, const char *title)
{
	size_t label = 0;
	double most = 0;

	for (size_t c = 0; c < comparison->allocators.count; c++)
		if (comparison->candidates[c].medians[measure].value > most) /* not where it is unknown */
			most = comparison->candidates[c].medians[measure].value;
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		char *name = label_of(&comparison->candidates[c]);

		label = text_columns(name) > label ? text_columns(name) : label;
		free(name);
	}
	page_gap(page);
	page_line(page, "%s, median", title);
	for (size_t c = 0; c < comparison->allocators.count; c++) {
		const struct median *median = &comparison->candidates[c].medians[measure];
		char *name = label_of(&comparison->candidates[c]);
		struct bar bar = page_bar(isnan(median->value) ? 0 : (unsigned long)median->value, (unsigned long)most,
					  BAR_COLUMNS);

		page_line(page, "  %s%*s  %s  %s%s%s", name, (int)(label - text_columns(name)), "", bar.text,
			  in_unit(median->value, measure).text, isnan(median->low) ? "" : " +- ",
			  isnan(median->low) ? "" : in_unit(reach(median), measure).text);
		free(name);
	}
}

static bool has_forks(const struct comparison *comparison)
{
	for (size_t c = 0; c < comparison->allocators.count; c++)
		if (comparison->candidates[c].observed.forks)
			return true;
	return false;
}

static bool is_observed(const struct comparison *comparison)
{
	for (size_t c = 0; c < comparison->allocators.count; c++)
		if (comparison->candidates[c].observed.known)
			return true;
	return false;
}

static void copies_cell(struct table *table, struct table_row *row, size_t column, const struct observed *observed)
{
	if (!observed->known || (observed->forks && observed->forks == observed->unknown_forks))
		table_cell(table, row, column, "?");
	else
		table_cell(table, row, column, "%s%s", COUNT(observed->copied_pages),
			   observed->unknown_forks ? " or more" : "");
}

static void add_observed(struct table *table, const struct candidate *candidate, enum moment moment, bool forks)
{
	const struct observed *observed = &candidate->observed;
	const struct observed_ledger *ledger = &observed->ledgers[moment];
	uint64_t heap = observed->has_heap ? ledger_heap(ledger) : CAPTURE_UNKNOWN;
	uint64_t rest = observed->has_heap ? figure_less(ledger->rss_bytes, heap) : ledger->rss_bytes;
	char *name = label_of(candidate), *label = memory_format("  %s", name);
	struct table_row *row = table_add(table, label);

	for (size_t i = ROW_HEAP_LIVE; i <= ROW_HEAP_FREE; i++) {
		uint64_t bytes = observed->has_heap ? ledger->rows[i].resident_bytes : CAPTURE_UNKNOWN;

		table_cell(table, row, i - ROW_HEAP_LIVE, "%s", figure_cell((int64_t)bytes, false).text);
	}
	table_cell(table, row, 3, "%s", figure_percent(ledger->rows[ROW_HEAP_LIVE].resident_bytes, heap).text);
	table_cell(table, row, 4, "%s", observed->known ? figure_cell((int64_t)rest, false).text : "?");
	if (forks)
		copies_cell(table, row, 5, observed);
	free(label);
	free(name);
}

static void print_observed(struct page *page, const struct comparison *comparison)
{
	static const char *const headings[] = { "heap: live", "slack", "free", "fill", "not heap", "pages copied" };
	struct table *table;
	struct table_row *row;
	bool forks = has_forks(comparison);

	if (!is_observed(comparison))
		return;
	table = memory_get(sizeof(*table));
	row = table_add(table, "");
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]) - !forks; i++)
		table_cell(table, row, i, "%s", headings[i]);
	for (size_t c = 0; c < comparison->allocators.count; c++)
		add_observed(table, &comparison->candidates[c], comparison->moment, forks);
	page_gap(page);
	page_line(page, "Where resident memory is %s, in one more run each under pagegap",
		  comparison->moment == MOMENT_PEAK ? "at the heap's peak" : "at the end");
	table_print(page, table);
	free(table);
}

static void print_verdicts(struct page *page, const struct comparison *comparison)
{
	char *advice = words_of_advice(comparison);

	if (comparison->allocators.count > 1) {
		page_gap(page);
		page_line(page, "Beside %s", comparison->allocators.list[0].name);
	}
	for (size_t c = 1; c < comparison->allocators.count; c++) {
		char *name = label_of(&comparison->candidates[c]);
		char *verdict = words_of_verdict(comparison, &comparison->candidates[c]);

		page_paragraph(page, 2, 4, "%s: %s", name, verdict);
		free(verdict);
		free(name);
	}
	if (advice)
		page_paragraph(page, 0, 2, "Use it: %s", advice);
	free(advice);
}

void compare_text(const struct comparison *comparison, FILE *to)
{
	struct page page = page_on(to, false);

	headline(&page, comparison);
	print_notes(&page, comparison);
	missing(&page, comparison);
	if (!comparison->reference)
		return;
	print_figures(&page, comparison);
	print_bars(&page, comparison, MEASURE_WALL, "Time");
	print_bars(&page, comparison, MEASURE_PEAK, "Peak resident");
	print_observed(&page, comparison);
	print_verdicts(&page, comparison);
}
