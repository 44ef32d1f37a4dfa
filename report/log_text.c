/* SPDX-License-Identifier: MIT */
/* A log as text: a line for each call, as strace(1) with -f -tt writes it, where the call began. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decode.h"
#include "log_write.h"
#include "memory.h"

#define SECOND_NS UINT64_C(1000000000)

struct text {
	struct decode_options decoding;
	uint64_t last_ns;               /* of the line before; 0: there is none */
	uint64_t clock_s;               /* the second that `clock` says; LOG_NEVER: none yet */
	char     clock[16];
};

static void put_seconds(FILE *to, uint64_t ns, bool negative)
{
	fprintf(to, "%s%" PRIu64 ".%06" PRIu64, negative ? "-" : "", ns / SECOND_NS, ns % SECOND_NS / 1000);
}

static void put_clock(struct log_output *output, uint64_t at_ns)
{
	uint64_t realtime_ns = output->log->header.begun_realtime_ns + at_ns - output->log->header.begun_ns;
	struct text *text = output->own;
	time_t second = (time_t)(realtime_ns / SECOND_NS);
	struct tm local;

	if (text->clock_s != (uint64_t)second) {
		if (!localtime_r(&second, &local) || !strftime(text->clock, sizeof(text->clock), "%H:%M:%S", &local))
			strcpy(text->clock, "??:??:??");
		text->clock_s = (uint64_t)second;
	}
	fprintf(output->to, "%s.%06" PRIu64 " ", text->clock, realtime_ns % SECOND_NS / 1000);
}

static void begin_line(struct log_output *output, uint32_t tid, uint64_t at_ns)
{
	struct text *text = output->own;
	uint64_t since = output->options->time == LOG_TIME_DELTA ? text->last_ns ? text->last_ns : at_ns : output->log->header.begun_ns;

	fprintf(output->to, "[%" PRIu32 "] ", tid);
	text->last_ns = at_ns;
	if (output->options->time == LOG_TIME_NONE)
		return;
	if (output->options->time == LOG_TIME_ABSOLUTE) {
		put_clock(output, at_ns);
		return;
	}
	put_seconds(output->to, at_ns < since ? since - at_ns : at_ns - since, at_ns < since);
	fputc(' ', output->to);
}

static void put(FILE *to, char *text)
{
	fputs(text, to);
	free(text);
}

/* One that did not return has its arguments as they were when it began. */
static void put_unfinished(FILE *to, const struct log_call *call, const struct decode_options *decoding)
{
	char *argument;

	put(to, decode_name(call->number));
	fputc('(', to);
	for (unsigned i = 0; i < 6 && (argument = decode_argument(call, i, decoding)); i++) {
		fputs(i ? ", " : "", to);
		put(to, argument);
	}
	fputs(log_never_returns(call->number) ? ") = ?" : " <unfinished ...>", to);
}

static void put_orphan(FILE *to, const struct log_call *call, const struct decode_options *decoding)
{
	fputs("<... ", to);
	put(to, decode_name(call->number));
	fputs(" resumed> = ", to);
	put(to, decode_result(call, decoding));
}

static void text_call(struct log_output *output, const struct log_call *call)
{
	struct text *text = output->own;

	begin_line(output, call->tid, log_call_at(call));
	if (call->kind == LOG_SIGNAL) {
		fputs("--- ", output->to);
		put(output->to, decode_signal(call));
		fputs(" ---\n", output->to);
		return;
	}
	if (!call->begun_ns)
		put_orphan(output->to, call, &text->decoding);
	else if (!call->ended_ns)
		put_unfinished(output->to, call, &text->decoding);
	else
		put(output->to, decode_call(call, &text->decoding));
	if (output->options->duration && log_is_timed(call)) {
		fputs(" <", output->to);
		put_seconds(output->to, call->ended_ns - call->begun_ns, false);
		fputc('>', output->to);
	}
	fputc('\n', output->to);
}

static void put_signal(FILE *to, int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		fprintf(to, "killed by SIG%s", name);
	else
		fprintf(to, "killed by signal %d", number);
}

static void text_life(struct log_output *output, const struct log_life *life)
{
	const struct image *image = &output->lives.recording->images[life->image];
	const char *command = image->command ? image->command : "";

	begin_line(output, image->pid, life->at_ns);
	fputs("+++ ", output->to);
	if (life->kind == LIFE_ENDED && image->end == END_SIGNAL)
		put_signal(output->to, image->code);
	else if (life->kind == LIFE_ENDED)
		fprintf(output->to, "exited with %d", image->code);
	else if (life->kind == LIFE_EXECUTED)
		fprintf(output->to, "executed %s", *command ? command : "a program that was not recorded");
	else if (image->born == BORN_FORK || image->born == BORN_VFORK)
		fprintf(output->to, "forked by %" PRIu32, image->parent_pid);
	else
		fprintf(output->to, "started%s%s", *command ? ": " : "", command);
	fputs(" +++\n", output->to);
}

static void text_begin(struct log_output *output)
{
	struct text *text = memory_get(sizeof(*text));

	text->decoding.descriptors = output->options->descriptors;
	text->clock_s = LOG_NEVER;
	output->own = text;
}

static void text_end(struct log_output *output)
{
	free(output->own);
}

const struct log_format log_text = { "text", text_begin, text_call, text_life, text_end };
