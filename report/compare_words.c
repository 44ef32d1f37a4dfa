/* SPDX-License-Identifier: MIT */
/* Sentences about differences between allocators and between runs. */
#include "compare_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "escape.h"
#include "memory.h"
#include "program.h"

char *words_of_command(const struct comparison *comparison)
{
	char *line = memory_copy("", 0);

	for (size_t i = 0; comparison->arguments[i]; i++) {
		const char *argument = comparison->arguments[i];
		char *escaped = escape_argument(argument, strlen(argument));

		memory_append(&line, "%s%s", i ? " " : "", escaped);
		free(escaped);
	}
	return line;
}

char *words_of_end(int status)
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	if (!WIFSIGNALED(status))
		return memory_format("exit %d", WEXITSTATUS(status));
	return memory_format("signal %d (SIG%s)", WTERMSIG(status), name ? name : "?");
}

/* "17 % less time", "2.4 times the time" */
static char *difference(const struct contrast *contrast, const char *noun)
{
	double ratio = contrast->ratio.value, percent = fabs(ratio - 1) * 100;

	if (percent < 0.05)
		return memory_format("the same %s", noun);
	if (ratio >= 2)
		return memory_format("%.1f times the %s", ratio, noun);
	return memory_format("%.*f %% %s %s", percent < 9.95, percent, ratio < 1 ? "less" : "more", noun);
}

static void append_part(char **line, const struct comparison *comparison, const struct contrast *contrast,
			const char *noun)
{
	char *text = difference(contrast, noun);

	memory_append(line, "%s", **line ? "; " : "");
	if (isnan(contrast->ratio.value))
		memory_append(line, "%s unknown", noun);
	else if (contrast->verdict == VERDICT_SAME)
		memory_append(line, "no difference in %s that %zu runs can show", noun, comparison->rounds);
	else
		memory_append(line, "%s", text);
	free(text);
}

char *words_of_verdict(const struct comparison *comparison, const struct candidate *candidate)
{
	const struct contrast *time = &candidate->contrasts[MEASURE_WALL], *peak = &candidate->contrasts[MEASURE_PEAK];
	char *line;

	if (candidate_is_same(candidate))
		return memory_format("no difference that %zu runs can show", comparison->rounds);
	line = memory_copy("", 0);
	append_part(&line, comparison, time, "time");
	append_part(&line, comparison, peak, "peak resident memory");
	if (time->verdict == VERDICT_UNKNOWN || peak->verdict == VERDICT_UNKNOWN)
		memory_append(&line, "; so few runs cannot show that this is no chance");
	if (candidate->differing_ends)
		memory_append(&line, "; but the program did not end as it should");
	return line;
}

/* The one with the lowest ratio of those that are surely below the first. A program that fails early is no faster. */
static const struct candidate *best_by(const struct comparison *comparison, enum measure measure)
{
	const struct candidate *best = NULL;

	for (size_t c = 1; c < comparison->allocators.count; c++) {
		const struct candidate *candidate = &comparison->candidates[c];
		const struct contrast *contrast = &candidate->contrasts[measure];
		bool ineffective;

		candidate_took_effect(candidate, &ineffective);
		if (contrast->verdict == VERDICT_LESS && !ineffective && !candidate->differing_ends &&
		    (!best || contrast->ratio.value < best->contrasts[measure].ratio.value))
			best = candidate;
	}
	return best;
}

char *words_of_advice(const struct comparison *comparison)
{
	const struct candidate *best = best_by(comparison, MEASURE_WALL);
	char *command, *path, *advice;

	if (!best)
		best = best_by(comparison, MEASURE_PEAK);
	if (!best || !best->allocator->path || comparison->reach != NOTE_NONE)
		return NULL;
	command = words_of_command(comparison);
	path = escape_argument(best->allocator->path, strlen(best->allocator->path));
	advice = memory_format("LD_PRELOAD=%s %s", path, command);
	free(path);
	free(command);
	return advice;
}

struct notes {
	char **list;
	size_t count;
};

/* Takes the note over. */
static void add(struct notes *notes, char *note)
{
	notes->list = memory_more(notes->list, (notes->count + 2) * sizeof(notes->list[0]));
	notes->list[notes->count++] = note;
	notes->list[notes->count] = NULL;
}

/* Those that would make the whole comparison void. */
static const char *why_without_effect(enum capture_note note)
{
	switch (note) {
	case NOTE_STATIC:
		return "a static executable";
	case NOTE_SETUID:
		return "a set-uid or set-gid executable";
	case NOTE_ARCHITECTURE:
		return "an executable of another architecture";
	case NOTE_LIBC:
		return "an executable that uses another C library than glibc";
	case NOTE_OWN_MALLOC:
		return "an executable that brings its own malloc";
	default:
		return "a program that does not load what LD_PRELOAD says";
	}
}

/* What is so with one library alone is that library's doing: it cannot be loaded, say. */
static enum capture_note reach_observed(const struct comparison *comparison)
{
	enum capture_note note = NOTE_NONE;

	for (size_t c = 0; c < comparison->allocators.count; c++) {
		const struct candidate *candidate = &comparison->candidates[c];

		if (candidate->under_pagegap.done && candidate->observed.note == NOTE_NONE)
			return NOTE_NONE;
		if (note == NOTE_NONE)
			note = candidate->observed.note;
	}
	return note;
}

static void note_reach(struct notes *notes, const struct comparison *comparison)
{
	enum capture_note note = comparison->reach;

	if (note == NOTE_NONE)
		note = reach_observed(comparison);
	if (note != NOTE_NONE)
		add(notes, memory_format("LD_PRELOAD has no effect on %s: whatever the allocator is called here, every "
					 "run used the program's own", why_without_effect(note)));
}

static void note_ineffective(struct notes *notes, const struct candidate *candidate)
{
	const struct observed *observed = &candidate->observed;
	const char *name = candidate->allocator->name;
	bool ineffective;
	char *seen;

	candidate_took_effect(candidate, &ineffective);
	if (!ineffective || observed->note != NOTE_NONE)
		return;
	seen = escape_text(observed->malloc, strlen(observed->malloc));
	add(notes, memory_format("%s was not used: the program's malloc is that of %s", name, seen));
	free(seen);
}

/* The first line on standard error, for whoever asks why; appended to a sentence. */
static char *words_of_said(const struct trial_result *result)
{
	size_t line = strnlen(result->said, result->said_bytes);
	char *said, *words;

	for (size_t i = line; i > 0; i--)
		line = result->said[i - 1] == '\n' ? i - 1 : line;
	said = escape_text(result->said, line);
	words = memory_format("%s%s", line ? "; standard error begins: " : "", said);
	free(said);
	return words;
}

static void note_end(struct notes *notes, const struct comparison *comparison)
{
	const struct trial_result *reference = comparison->reference;
	char *end = words_of_end(reference->status), *said = words_of_said(reference);

	if (reference->status && comparison_ends_agree(comparison))
		add(notes, memory_format("%s in all runs%s", end, said));
	free(said);
	free(end);
}

static char *name_of_run(const struct comparison *comparison, size_t number)
{
	if (number == RUN_UNDER_PAGEGAP(comparison))
		return memory_format("the one under pagegap");
	return number ? memory_format("run %zu", number) : memory_format("the warm-up");
}

static void note_ends(struct notes *notes, const struct comparison *comparison, const struct candidate *candidate)
{
	char *other = words_of_end(comparison->reference->status), *run, *end, *said;
	size_t number = 0;

	while (!end_differs(comparison, candidate_run(comparison, candidate, number)))
		number++;
	run = name_of_run(comparison, number);
	end = words_of_end(candidate_run(comparison, candidate, number)->status);
	said = words_of_said(candidate_run(comparison, candidate, number));
	add(notes, memory_format("%s: %zu of %zu runs ended otherwise than the warm-up of %s did (%s); first %s: %s%s",
				 candidate->allocator->name, candidate->differing_ends, candidate->runs_done,
				 comparison->allocators.list[0].name, other, run, end, said));
	free(said);
	free(other);
	free(run);
	free(end);
}

static void note_outputs(struct notes *notes, const struct comparison *comparison, const struct candidate *candidate,
			 size_t output)
{
	static const char *const names[TRIAL_OUTPUTS] = { "standard output", "standard error" };
	size_t number = 0;
	char *run;

	while (!output_differs(comparison, candidate_run(comparison, candidate, number), output))
		number++;
	run = name_of_run(comparison, number);
	add(notes, memory_format("%s: %s of %zu of %zu runs differs from that of the warm-up of %s; first %s",
				 candidate->allocator->name, names[output], candidate->differing_outputs[output],
				 candidate->runs_done, comparison->allocators.list[0].name, run));
	free(run);
}

static void note_differing(struct notes *notes, const struct comparison *comparison, const struct candidate *candidate)
{
	if (candidate->differing_ends)
		note_ends(notes, comparison, candidate);
	for (size_t i = 0; i < TRIAL_OUTPUTS; i++)
		if (candidate->differing_outputs[i])
			note_outputs(notes, comparison, candidate, i);
}

static void note_left(struct notes *notes, const struct comparison *comparison)
{
	size_t left = 0, immortal = 0;

	for (size_t c = 0; c < comparison->allocators.count; c++) {
		left += comparison->candidates[c].left_behind;
		immortal += comparison->candidates[c].immortal;
	}
	if (left)
		add(notes, memory_format("the program left %zu process%s running behind it, counted over all runs; "
					 "what was left was ended before the next run", left, left == 1 ? "" : "es"));
	if (immortal)
		add(notes, memory_format("%zu process%s of the program could not be ended and may still run", immortal,
					 immortal == 1 ? "" : "es"));
}

char **words_of_notes(const struct comparison *comparison)
{
	struct notes notes = { .list = memory_get(sizeof(notes.list[0])) };

	note_reach(&notes, comparison);
	for (size_t c = 0; c < comparison->allocators.count; c++)
		note_ineffective(&notes, &comparison->candidates[c]);
	if (!comparison->reference)
		return notes.list;
	note_end(&notes, comparison);
	for (size_t c = 0; c < comparison->allocators.count; c++)
		note_differing(&notes, comparison, &comparison->candidates[c]);
	note_left(&notes, comparison);
	return notes.list;
}
