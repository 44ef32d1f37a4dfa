/* SPDX-License-Identifier: MIT */
/* `pagegap log`: print the calls that a recording has kept, one by one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log_write.h"
#include "memory.h"
#include "verb.h"

enum { KEY_OUTPUT = 'o', KEY_FILTER = 0x5000, KEY_FORMAT, KEY_TIME, KEY_DURATION, KEY_PID, KEY_DESCRIPTORS, KEY_FIRST, KEY_LAST };

struct arguments {
	struct log_options log;
	const struct log_format *format;
	char *recording, *file;
};

static const struct log_format *const formats[] = { &log_text, &log_json, &log_chrome };

static const char *const times[LOG_TIMES] = {
	[LOG_TIME_ABSOLUTE] = "absolute", [LOG_TIME_RELATIVE] = "relative", [LOG_TIME_DELTA] = "delta", [LOG_TIME_NONE] = "none",
};

static bool parse_format(const char *argument, struct arguments *arguments)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		arguments->format = formats[i];
		if (!strcmp(argument, formats[i]->name))
			return true;
	}
	return false;
}

static bool parse_time(const char *argument, struct arguments *arguments)
{
	for (size_t i = 0; i < LOG_TIMES; i++) {
		arguments->log.time = (enum log_time)i;
		if (!strcmp(argument, times[i]))
			return true;
	}
	return false;
}

/* 1 or more. */
static bool parse_number(const char *argument, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(argument, &end, 10);
	return *argument >= '0' && *argument <= '9' && !*end && !errno && *number && *number <= most;
}

static error_t parse_filter(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	char *wrong = log_filter_wish(argument, &arguments->log.filter);
	error_t error = wrong ? verb_usage(state, "--filter: %s", wrong) : 0;

	free(wrong);
	return error;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	uint64_t number;

	switch (key) {
	case KEY_OUTPUT:
		arguments->file = argument;
		return 0;
	case KEY_FILTER:
		return parse_filter(argument, arguments, state);
	case KEY_FORMAT:
		return parse_format(argument, arguments) ? 0 :
			verb_usage(state, "--format=%s: not a format; give text, json or chrome", argument);
	case KEY_TIME:
		return parse_time(argument, arguments) ? 0 :
			verb_usage(state, "--time=%s: give absolute, relative, delta or none", argument);
	case KEY_DURATION:
		arguments->log.duration = true;
		return 0;
	case KEY_DESCRIPTORS:
		arguments->log.descriptors = true;
		return 0;
	case KEY_PID:
		if (!parse_number(argument, UINT32_MAX, &number))
			return verb_usage(state, "--pid=%s: not a process or thread; give the number that the log shows", argument);
		arguments->log.pid = (uint32_t)number;
		return 0;
	case KEY_FIRST:
	case KEY_LAST:
		if (!parse_number(argument, UINT64_MAX, key == KEY_FIRST ? &arguments->log.first : &arguments->log.last))
			return verb_usage(state, "--%s=%s: not a number of calls; give 1 or more", key == KEY_FIRST ? "first" : "last",
					  argument);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->recording)
			return verb_usage(state, "log %s: one recording at a time", argument);
		arguments->recording = argument;
		return 0;
	case ARGP_KEY_END:
		if (arguments->log.first && arguments->log.last)
			return verb_usage(state, "--first, --last: give one of the two");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "filter", KEY_FILTER, "EXPR", 0,
	  "which calls, with commas between them: names, %file and the other services, %path, %desc, %stat, %statfs for those that take "
	  "one, with ! for all but; and conditions: failed, slower=10ms, path=/etc", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "text, as strace has it (the default); json, a line for each call; chrome, a trace for Perfetto and chrome://tracing", 0 },
	{ "time", KEY_TIME, "HOW", 0,
	  "of the text: absolute, the time of day (the default); relative to the beginning of the log; delta, since the line before; none", 0 },
	{ "duration", KEY_DURATION, NULL, 0, "of the text: how long each call took, at the end of its line", 0 },
	{ "pid", KEY_PID, "N", 0, "only this process or thread", 0 },
	{ "descriptors", KEY_DESCRIPTORS, NULL, 0, "beside a descriptor, the file that it leads to", 0 },
	{ "first", KEY_FIRST, "N", 0, "only the first N of the calls", 0 },
	{ "last", KEY_LAST, "N", 0, "only the last N of them", 0 },
	{ "output", KEY_OUTPUT, "FILE", 0, "write to this new file instead of standard output", 0 },
	{ 0 },
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[RECORDING]",
	.doc = "Prints the system calls that 'pagegap run --log' has kept, of all threads and processes, by the time that they began. "
	       "Without the name of a recording, of the newest here.",
};

static bool has(const struct log_file *log, const struct recording *recording, uint32_t pid)
{
	for (size_t i = 0; i < log->threads_used; i++)
		if (log->threads[i].pid == pid || log->threads[i].tid == pid)
			return true;
	for (size_t i = 0; recording && i < recording->count; i++)
		if (recording->images[i].pid == pid)
			return true;
	return false;
}

static int print(const struct arguments *arguments, const struct log_file *log)
{
	/* Without a capture that can be read, the calls are there all the same. */
	struct recording *recording = recording_open(arguments->recording);
	const char *name = arguments->file ? arguments->file : "standard output";
	FILE *to = stdout;
	int status = STATUS_FAILED;

	if (arguments->log.pid && !has(log, recording, arguments->log.pid))
		complain("%s: no process or thread %u in it", arguments->recording, arguments->log.pid);
	else if (!arguments->file || (to = report_create(arguments->file)))
		status = log_write(arguments->format, &arguments->log, log, recording, to);
	if (to && !report_finish(to, name))
		status = STATUS_FAILED;
	recording_close(recording);
	return status;
}

int verb_log(int argc, char **argv)
{
	struct arguments arguments = { .format = &log_text };
	struct log_file *log;
	char *newest = NULL;
	int status;

	log_filter_all(&arguments.log.filter);
	status = verb_options(&argp, argc, argv, &arguments);
	if (status >= 0)
		return status;
	if (!arguments.recording)
		arguments.recording = newest = recording_newest();
	log = arguments.recording ? log_file_open(arguments.recording) : NULL;
	status = log ? print(&arguments, log) : STATUS_FAILED;
	log_file_close(log);
	free(newest);
	return status;
}
