/* SPDX-License-Identifier: MIT */
/* `pagegap report`: print a recording. */
#include "report.h"

#include <argp.h>
#include <stdlib.h>

#include "complain.h"
#include "verb.h"

enum { KEY_REPORT = 'r', KEY_SYSCALLS = 0x2000 };

struct arguments {
	struct report_options report;
	char *recording, *file;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->report;
		return 0;
	case KEY_REPORT:
		arguments->file = argument;
		return 0;
	case KEY_SYSCALLS:
		arguments->report.syscalls = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->recording)
			return verb_usage(state, "report %s: one recording at a time", argument);
		arguments->recording = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "report", KEY_REPORT, "FILE", 0, "write to this new file instead of standard output", 0 },
	{ "syscalls", KEY_SYSCALLS, NULL, 0, "the page of system calls: of all processes together, or of that of --process", 0 },
	{ 0 },
};
static const struct argp_child children[] = { { &report_argp, 0, NULL, 0 }, { &calls_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[RECORDING]",
	.children = children,
	.doc = "Prints a recording: the directory pagegap.NAME.PID that 'pagegap run' made. Without one, the newest "
	       "here.",
};

static int report_page(const struct recording *recording, const struct report_options *report_options, FILE *to)
{
	return (report_options->syscalls ? text_syscalls : report_text)(recording, report_options, to);
}

#define NAME(constant, name, write) [constant] = name,
const char *const report_format_names[REPORT_FORMAT_COUNT] = { REPORT_FORMATS(NAME) };

int report_write(const struct recording *recording, const struct report_options *report_options, FILE *to)
{
#define WRITE(constant, name, write) [constant] = write,
	static int (*const writers[REPORT_FORMAT_COUNT])(const struct recording *, const struct report_options *, FILE *) = { REPORT_FORMATS(WRITE) };

	return writers[report_options->format](recording, report_options, to);
}

int verb_report(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int status = verb_options(&argp, argc, argv, &arguments);
	struct recording *recording;
	char *newest = NULL;
	FILE *to = stdout;

	if (status >= 0)
		return status;
	if (!arguments.recording)
		arguments.recording = newest = recording_newest();
	recording = arguments.recording ? recording_open(arguments.recording) : NULL;
	free(newest);
	if (!recording)
		return STATUS_FAILED;
	if (arguments.file && !(to = report_create(arguments.file)))
		status = STATUS_FAILED;
	else
		status = report_write(recording, &arguments.report, to);
	if (to && !report_finish(to, arguments.file ? arguments.file : "standard output"))
		status = STATUS_FAILED;
	recording_close(recording);
	return status;
}
