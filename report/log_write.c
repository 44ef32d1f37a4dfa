/* SPDX-License-Identifier: MIT */
/* Calls and lives, merged by time, filtered, and counted off. */
#include "log_write.h"

#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "complain.h"
#include "report_text.h"
#include "units.h"

/* An exec that went well does not return: that it did, the captures say. */
static void complete_exec(const struct log_output *output, struct log_call *call)
{
	size_t image;

	if (call->kind != LOG_CALL || call->ended_ns || (call->number != SYS_execve && call->number != SYS_execveat) ||
	    !log_stream_is_last(output->stream))
		return;
	image = log_lives_image(&output->lives, call->pid, call->image_number, call->begun_ns);
	if (image == NO_IMAGE || output->lives.recording->images[image].end != END_EXEC)
		return;
	call->ended_ns = call->begun_ns; /* the capture noted its end before the call was made */
	call->result_known = true;
}

/* The next call that is meant. */
static bool next_call(struct log_output *output, struct log_call *call)
{
	const struct log_options *options = output->options;

	while (log_stream_next(output->stream, call)) {
		complete_exec(output, call);
		if (options->pid && options->pid != call->pid && options->pid != call->tid)
			continue;
		if (log_filter_matches(&options->filter, call))
			return true;
	}
	return false;
}

/* How many are meant. */
static uint64_t count(const struct log_output *output)
{
	struct log_stream stream;
	struct log_output counting = *output;
	struct log_call call;
	uint64_t calls = 0;

	counting.stream = &stream;
	log_stream_open(&stream, output->log);
	while (next_call(&counting, &call))
		calls++;
	log_stream_close(&stream);
	return calls;
}

static bool is_meant(const struct log_output *output, const struct log_life *life)
{
	return !output->options->pid || output->lives.recording->images[life->image].pid == output->options->pid;
}

/* Those up to this moment. */
static size_t write_lives(const struct log_format *format, struct log_output *output, size_t from, uint64_t until_ns, bool written)
{
	const struct log_life *lives = output->lives.lives;

	for (; from < output->lives.used; from++) {
		if (lives[from].at_ns > until_ns)
			break;
		if (written && is_meant(output, &lives[from]))
			format->life(output, &lives[from]);
	}
	return from;
}

static void write_all(const struct log_format *format, struct log_output *output)
{
	const struct log_options *options = output->options;
	uint64_t all = options->last ? count(output) : 0, skipped = all > options->last ? all - options->last : 0, written = 0;
	bool from_the_beginning = !skipped;
	struct log_call call;
	size_t life = 0;

	while ((!options->first || written < options->first) && next_call(output, &call)) {
		if (skipped) {
			skipped--;
			continue;
		}
		/* What happened before the first of the last calls is not meant. */
		life = write_lives(format, output, life, log_call_at(&call), from_the_beginning || written);
		format->call(output, &call);
		written++;
	}
	if (!options->first || written < options->first)
		write_lives(format, output, life, LOG_NEVER, true);
}

static void tell(uint64_t figure, const char *one, const char *more)
{
	if (figure)
		complain("the log: %s %s", figure_count(figure).text, figure == 1 ? one : more);
}

/* What is not shown, and why. */
static bool tell_counts(const struct log_output *output)
{
	const struct log_counts *counts = &output->log->counts;

	tell(counts->lost + output->stream->overwritten, "call is lost: the oldest make room for the newest",
	     "calls are lost: the oldest make room for the newest");
	tell(counts->skipped, "call was not written down: there were more threads than room",
	     "calls were not written down: there were more threads than room");
	tell(counts->orphans, "result is of a call whose beginning is lost", "results are of calls whose beginning is lost");
	tell(counts->bad_records, "record is damaged, and what it was is not known", "records are damaged, and what they were is not known");
	tell(counts->bad_chunks, "piece of it is damaged, and what was in it is not known",
	     "pieces of it are damaged, and what was in them is not known");
	if (!log_filter_is_within(&output->options->filter, &output->log->header.wish))
		complain("the log: it was recorded with a filter, so only some of these calls are in it");
	if (!output->log->header.descriptors && (output->options->descriptors || output->options->filter.path_length))
		complain("the log: where descriptors lead is not in it; 'pagegap run --log-descriptors' keeps that too");
	return !counts->bad_records && !counts->bad_chunks;
}

int log_write(const struct log_format *format, const struct log_options *options, const struct log_file *log,
	      const struct recording *recording, FILE *to)
{
	struct log_stream stream;
	struct log_output output = { .to = to, .options = options, .log = log, .stream = &stream };
	bool good;

	log_stream_open(&stream, log);
	log_lives_open(&output.lives, log, recording);
	format->begin(&output);
	write_all(format, &output);
	format->end(&output);
	fflush(to);
	good = tell_counts(&output);
	log_lives_close(&output.lives);
	log_stream_close(&stream);
	return good && recording && !recording->bad ? STATUS_GOOD : STATUS_PARTIAL;
}

const char *log_life_name(const struct log_output *output, const struct log_life *life)
{
	const struct image *image = &output->lives.recording->images[life->image];

	if (life->kind == LIFE_ENDED)
		return image->end == END_SIGNAL ? "killed" : "exit";
	return life->kind == LIFE_EXECUTED ? "exec" : image->born == BORN_UNKNOWN ? "start" : text_born(image->born);
}
