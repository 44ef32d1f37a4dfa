/* SPDX-License-Identifier: MIT */
/*
 * A comparison for programs. Keys and their meaning are in compare.schema.json. All keys are always there; what is not
 * known is null.
 */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "comparison.h"
#include "report_json.h"
#include "rows.h"

static json_t *json_ratio(double ratio)
{
	return isnan(ratio) ? json_null() : json_real(ratio);
}

static json_t *json_rounded(double value)
{
	return json_figure(isnan(value) ? CAPTURE_UNKNOWN : (uint64_t)(value + 0.5));
}

static json_t *json_end(int status)
{
	bool killed = WIFSIGNALED(status);
	json_t *object = json_object();

	json_put(object, "kind", json_string(killed ? "signal" : "exit"));
	json_put(object, "code", json_integer(killed ? WTERMSIG(status) : WEXITSTATUS(status)));
	return object;
}

static json_t *json_output(const struct trial_output *output)
{
	json_t *object = json_object();
	char digits[24];

	snprintf(digits, sizeof(digits), "%016" PRIx64, output->hash);
	json_put_figure(object, "bytes", output->bytes);
	json_put(object, "fnv1a64", json_string(digits));
	return object;
}

/* Null: it did not come to its end. */
static json_t *json_run(const struct trial_result *result)
{
	json_t *object;

	if (!result->done)
		return json_null();
	object = json_object();
	json_put_figure(object, "wall_ns", result->wall_ns);
	json_put_figure(object, "user_ns", result->user_ns);
	json_put_figure(object, "system_ns", result->system_ns);
	json_put_figure(object, "max_rss_bytes", result->max_rss_bytes);
	json_put_figure(object, "minor_faults", result->minor_faults);
	json_put_figure(object, "major_faults", result->major_faults);
	json_put(object, "ended_by", json_end(result->status));
	json_put(object, "stdout", json_output(&result->outputs[TRIAL_OUT]));
	json_put(object, "stderr", json_output(&result->outputs[TRIAL_ERR]));
	json_put_figure(object, "left_behind", result->left_behind);
	return object;
}

static json_t *json_runs(const struct comparison *comparison, const struct candidate *candidate)
{
	json_t *array = json_array();

	for (size_t i = 0; i < comparison->runs; i++)
		json_array_append_new(array, json_run(&candidate->rounds[i]));
	return array;
}

static json_t *json_verdict(enum verdict verdict)
{
	static const char *const names[] = { [VERDICT_SAME] = "same", [VERDICT_LESS] = "less", [VERDICT_MORE] = "more" };

	return verdict == VERDICT_UNKNOWN ? json_null() : json_string(names[verdict]);
}

static json_t *json_figures(const struct candidate *candidate)
{
	static const char *const names[MEASURES] = {
		[MEASURE_WALL] = "wall_ns",
		[MEASURE_CPU] = "cpu_ns",
		[MEASURE_PEAK] = "max_rss_bytes",
		[MEASURE_MINOR_FAULTS] = "minor_faults",
		[MEASURE_MAJOR_FAULTS] = "major_faults",
	};
	json_t *object = json_object();

	for (size_t i = 0; i < MEASURES; i++) {
		const struct contrast *contrast = &candidate->contrasts[i];
		const struct median *median = &candidate->medians[i];
		json_t *figure = json_object();

		json_put(figure, "median", json_rounded(median->value));
		json_put(figure, "low", json_rounded(median->low));
		json_put(figure, "high", json_rounded(median->high));
		json_put_figure(figure, "pairs", contrast->pairs);
		json_put(figure, "ratio", json_ratio(contrast->ratio.value));
		json_put(figure, "ratio_low", json_ratio(contrast->ratio.low));
		json_put(figure, "ratio_high", json_ratio(contrast->ratio.high));
		json_put(figure, "verdict", json_verdict(contrast->verdict));
		json_put(object, names[i], figure);
	}
	return object;
}

static json_t *json_rows(const struct observed *observed, const struct observed_ledger *ledger)
{
	json_t *array = json_array();

	for (size_t i = 0; i < CAPTURE_ROWS; i++) {
		bool unknown = !observed->has_heap && i <= ROW_HEAP_FREE;
		json_t *object = json_object();

		if (i == ROW_INSTRUMENT) {
			json_decref(object);
			continue;
		}
		json_put(object, "row", json_string(row_keys[i]));
		json_put_figure(object, "mapped_bytes", unknown ? CAPTURE_UNKNOWN : ledger->rows[i].mapped_bytes);
		json_put_figure(object, "resident_bytes", unknown ? CAPTURE_UNKNOWN : ledger->rows[i].resident_bytes);
		json_array_append_new(array, object);
	}
	return array;
}

/* Buckets of ten percent; pages without a single live byte count to the first. */
static json_t *json_fill(const struct observed *observed, const struct observed_ledger *ledger)
{
	json_t *array;

	if (!observed->has_heap)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < CAPTURE_FILL_BUCKETS - 1; i++) {
		uint64_t pages = ledger->fill_pages[i + 1];
		json_t *bucket = json_object();

		json_put_figure(bucket, "from_percent", i * 10);
		json_put_figure(bucket, "pages", i ? pages : figure_sum(ledger->fill_pages[0], pages));
		json_array_append_new(array, bucket);
	}
	return array;
}

static json_t *json_cow_of(const struct observed *observed)
{
	json_t *object = json_object();
	bool unknown = observed->forks && observed->forks == observed->unknown_forks;

	json_put_figure(object, "forks", observed->forks);
	json_put_figure(object, "unknown_forks", observed->unknown_forks);
	json_put_figure(object, "inherited_pages", unknown ? CAPTURE_UNKNOWN : observed->inherited_pages);
	json_put_figure(object, "copied_pages", unknown ? CAPTURE_UNKNOWN : observed->copied_pages);
	json_put(object, "exact", json_boolean(observed->copies_exact));
	return object;
}

static json_t *json_observed(const struct observed *observed, enum moment moment)
{
	const struct observed_ledger *ledger = &observed->ledgers[moment];
	json_t *object;

	if (!observed->known)
		return json_null();
	object = json_object();
	json_put(object, "exe", json_text_or_null(observed->exe));
	json_put(object, "malloc", json_text_or_null(observed->malloc ? observed->malloc : ""));
	json_put(object, "moment", json_string(moment == MOMENT_PEAK ? "peak" : "end"));
	json_put_figure(object, "processes", observed->processes);
	json_put_figure(object, "rss_bytes", ledger->rss_bytes);
	json_put(object, "rows", json_rows(observed, ledger));
	json_put(object, "page_fill", json_fill(observed, ledger));
	json_put(object, "cow", json_cow_of(observed));
	return object;
}

static json_t *json_took_effect(const struct candidate *candidate)
{
	bool ineffective, took = candidate_took_effect(candidate, &ineffective);

	return took || ineffective ? json_boolean(took) : json_null();
}

static json_t *json_judged(const struct candidate *candidate)
{
	if (candidate_is_same(candidate))
		return json_string("same");
	for (int measure = 0; measure < MEASURES; measure++)
		if (JUDGED(measure) && candidate->contrasts[measure].verdict == VERDICT_UNKNOWN)
			return json_null();
	return json_string("different");
}

static json_t *json_candidate(const struct comparison *comparison, const struct candidate *candidate)
{
	const struct allocator *allocator = candidate->allocator;
	json_t *object = json_object(), *differing = json_object();

	json_put(differing, "ends", json_integer((json_int_t)candidate->differing_ends));
	json_put(differing, "stdout", json_integer((json_int_t)candidate->differing_outputs[TRIAL_OUT]));
	json_put(differing, "stderr", json_integer((json_int_t)candidate->differing_outputs[TRIAL_ERR]));
	json_put(object, "name", json_text(allocator->name, strlen(allocator->name)));
	json_put(object, "path", json_text_or_null(allocator->path ? allocator->path : ""));
	json_put(object, "took_effect", json_took_effect(candidate));
	json_put(object, "verdict", json_judged(candidate));
	json_put(object, "figures", json_figures(candidate));
	json_put(object, "differing_runs", differing);
	json_put(object, "warm_up", json_run(&candidate->warm_up));
	json_put(object, "runs", json_runs(comparison, candidate));
	json_put(object, "observed", json_observed(&candidate->observed, comparison->moment));
	return object;
}

static json_t *json_missing(const struct allocators *allocators)
{
	json_t *array = json_array();

	for (size_t i = allocators->count; i < allocators->count + allocators->missing; i++) {
		json_t *object = json_object();

		json_put(object, "name", json_string(allocators->list[i].name));
		json_put(object, "package", json_string(allocators->list[i].package));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_interrupted(int number)
{
	char name[16];

	snprintf(name, sizeof(name), "SIG%s", number ? sigabbrev_np(number) : "");
	return number ? json_string(name) : json_null();
}

bool compare_json(const struct comparison *comparison, FILE *to)
{
	json_t *document = json_object(), *command = json_array(), *candidates = json_array();
	bool good;

	for (size_t i = 0; comparison->arguments[i]; i++)
		json_array_append_new(command, json_text(comparison->arguments[i], strlen(comparison->arguments[i])));
	for (size_t c = 0; c < comparison->allocators.count; c++)
		json_array_append_new(candidates, json_candidate(comparison, &comparison->candidates[c]));
	json_put(document, "format", json_string("pagegap-compare"));
	json_put(document, "version", json_integer(1));
	json_put(document, "command", command);
	json_put(document, "stdin", json_text_or_null(comparison->input ? comparison->input : ""));
	json_put(document, "runs", json_integer((json_int_t)comparison->runs));
	json_put(document, "interrupted_by", json_interrupted(comparison->interrupted));
	json_put(document, "confidence", json_real(1 - CONTRAST_MISS));
	json_put(document, "ends_agree", json_boolean(comparison_ends_agree(comparison)));
	json_put(document, "stdout_agrees", json_boolean(comparison_outputs_agree(comparison, TRIAL_OUT)));
	json_put(document, "stderr_agrees", json_boolean(comparison_outputs_agree(comparison, TRIAL_ERR)));
	json_put(document, "allocators", candidates);
	json_put(document, "not_installed", json_missing(&comparison->allocators));
	good = document && !json_dumpf(document, to, JSON_INDENT(1) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
	putc('\n', to);
	json_decref(document);
	return good;
}
