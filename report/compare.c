/* SPDX-License-Identifier: MIT */
/*
 * `pagegap compare`: the same program with one allocator after the other, in rounds, so that whatever else happens on the
 * machine happens to all of them; then once each under pagegap itself, which the timed runs never see. A signal ends the
 * program, and what is known by then is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "comparison.h"
#include "launch.h"
#include "memory.h"
#include "program.h"
#include "progress.h"
#include "scratch.h"
#include "verb.h"

#define RUNS 12 /* the first number whose interval leaves out the worst pair; the help says it too */

enum { KEY_ALLOC = 0x3000, KEY_RUNS, KEY_STDIN, KEY_FORMAT, KEY_KEEP };

enum compare_format { COMPARE_TEXT, COMPARE_JSON, COMPARE_CSV };

struct arguments {
	char *alloc, *input, *keep;
	size_t runs;
	enum compare_format format;
	char **program;
};

static bool parse_runs(const char *argument, size_t *runs)
{
	char *end;
	unsigned long number = strtoul(argument, &end, 10);

	*runs = number;
	return *argument >= '0' && *argument <= '9' && !*end && number >= 1 && number <= CONTRAST_MOST;
}

static bool parse_format(const char *argument, enum compare_format *format)
{
	static const char *const formats[] = { [COMPARE_TEXT] = "text", [COMPARE_JSON] = "json", [COMPARE_CSV] = "csv" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		*format = (enum compare_format)i;
		if (!strcmp(argument, formats[i]))
			return true;
	}
	return false;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_ALLOC:
		arguments->alloc = argument;
		return 0;
	case KEY_RUNS:
		if (!parse_runs(argument, &arguments->runs))
			return verb_usage(state, "--runs=%s: give a number from 1 to %d", argument, CONTRAST_MOST);
		return 0;
	case KEY_STDIN:
		arguments->input = argument;
		return 0;
	case KEY_FORMAT:
		if (!parse_format(argument, &arguments->format))
			return verb_usage(state, "--format=%s: not a format; give text, json or csv", argument);
		return 0;
	case KEY_KEEP:
		arguments->keep = argument;
		return 0;
	case ARGP_KEY_ARG: /* the rest is the program's */
		arguments->program = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return verb_usage(state, "compare: which program? give 'pagegap compare PROGRAM [ARG...]'");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "alloc", KEY_ALLOC, "LIST", 0,
	  "allocators, separated by commas, the one to compare with first: names of " ALLOCATORS_KNOWN
	  " (the default is all that are installed) or paths of libraries", 0 },
	{ "runs", KEY_RUNS, "N", 0, "how often each, after a warm-up (default 12)", 0 },
	{ "stdin", KEY_STDIN, "FILE", 0, "every run reads this file on standard input (default: /dev/null)", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (the default), json or csv", 0 },
	{ "keep-output", KEY_KEEP, "DIR", 0,
	  "put what the first run writes into this new directory, as files stdout and stderr; up to 64 MiB each", 0 },
	{ 0 },
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG...]",
	.doc = "Runs a program with one allocator after the other and prints what that changes: its time, its memory, its "
	       "page faults, what is copied after a fork.",
};

/* Every run opens the file again: it must be one that can be read twice. */
static bool is_readable_input(const char *path)
{
	struct stat status;
	const char *fault = NULL;

	if (stat(path, &status) || access(path, R_OK))
		fault = strerror(errno);
	else if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
		fault = "not a file, so not every run could read the same";
	if (fault)
		complain("--stdin=%s: %s", path, fault);
	return !fault;
}

static bool open_kept(const char *directory, int *keep)
{
	static const char *const names[TRIAL_OUTPUTS] = { "stdout", "stderr" };

	keep[TRIAL_OUT] = keep[TRIAL_ERR] = -1;
	if (!directory)
		return true;
	if (mkdir(directory, 0700)) {
		complain("--keep-output=%s: %s; name a directory that is not there yet", directory, strerror(errno));
		return false;
	}
	for (int i = 0; i < TRIAL_OUTPUTS; i++) {
		char *path = memory_format("%s/%s", directory, names[i]);

		keep[i] = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (keep[i] < 0)
			complain("%s: %s", path, strerror(errno));
		free(path);
	}
	return keep[TRIAL_OUT] >= 0 && keep[TRIAL_ERR] >= 0;
}

/*
 * This process's, and an allocator's library before what else is preloaded. With a library, the first entry is of its own
 * memory.
 */
static char **environment_with(const char *library)
{
	static const char variable[] = "LD_PRELOAD=";
	const char *theirs = getenv("LD_PRELOAD");
	char *path = library ? launch_preloadable(library) : NULL, **environment;
	size_t count = 0, used = 0;

	while (environ && environ[count])
		count++;
	environment = memory_get((count + 2) * sizeof(environment[0]));
	if (path)
		environment[used++] = memory_format("%s%s%s%s", variable, path, theirs && *theirs ? ":" : "",
						    theirs ? theirs : "");
	for (size_t i = 0; i < count; i++)
		if (!path || strncmp(environ[i], variable, strlen(variable)))
			environment[used++] = environ[i];
	free(path);
	return environment;
}

/* What the runs need beside the comparison itself. */
struct runner {
	struct comparison *comparison;
	struct trial trial;             /* of the next run */
	char ***environments;           /* of each candidate */
	int signals;
	size_t runs_done, runs_in_all;
};

static size_t ticked; /* runs that are done, for the line of progress */

static void tick(void)
{
	progress_at(ticked);
}

/* False: that was the last run, because of a signal or a failure, whose exit status is in @status. */
static bool run_one(struct runner *runner, size_t index, struct trial_result *result, int *status)
{
	int ended;

	runner->trial.environment = runner->environments[index];
	ended = trial_run(&runner->trial, result, runner->signals, isatty(STDERR_FILENO) ? tick : NULL);
	runner->trial.keep[TRIAL_OUT] = runner->trial.keep[TRIAL_ERR] = -1;
	ticked = ++runner->runs_done;
	progress_at(ticked);
	if (ended > 0)
		runner->comparison->interrupted = ended;
	else if (ended && !result->not_executable)
		*status = STATUS_FAILED;
	else if (ended)
		*status = result->error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	return !ended;
}

static bool run_warm_ups(struct runner *runner, int *status)
{
	struct comparison *comparison = runner->comparison;

	for (size_t i = 0; i < comparison->allocators.count; i++)
		if (!run_one(runner, i, &comparison->candidates[i].warm_up, status))
			return false;
	return true;
}

/* Each round begins with the next allocator, so that each runs as often at any place of a round. */
static bool run_rounds(struct runner *runner, int *status)
{
	struct comparison *comparison = runner->comparison;
	size_t count = comparison->allocators.count;

	for (size_t round = 0; round < comparison->runs; round++)
		for (size_t i = 0; i < count; i++) {
			size_t index = (round + i) % count;

			if (!run_one(runner, index, &comparison->candidates[index].rounds[round], status))
				return false;
		}
	return true;
}

/* Recordings go into a directory of their own that is taken away again. Without one, what they would say is unknown. */
static bool run_observed(struct runner *runner, int *status)
{
	struct comparison *comparison = runner->comparison;
	char *scratch = scratch_make();
	bool good = true;

	if (!scratch)
		return true;
	for (size_t i = 0; i < comparison->allocators.count && good; i++) {
		struct candidate *candidate = &comparison->candidates[i];
		char *recording = memory_format("%s/recording", scratch);

		runner->trial.recording = recording;
		good = run_one(runner, i, &candidate->under_pagegap, status);
		if (good)
			candidate->observed = observed_of(recording);
		scratch_clear(recording);
		free(recording);
	}
	scratch_clear(scratch);
	free(scratch);
	return good;
}

static void run_all(struct runner *runner, int *status)
{
	struct comparison *comparison = runner->comparison;
	size_t count = comparison->allocators.count;
	char *library = program_library();

	runner->runs_in_all = count * (comparison->runs + 1 + (library != NULL));
	ticked = 0;
	progress_begin("runs", runner->runs_in_all);
	if (run_warm_ups(runner, status) && run_rounds(runner, status) && library)
		run_observed(runner, status);
	progress_end();
	free(library);
}

/* Those that end the comparison, and word from the keeper; all arrive at a descriptor. */
static int block_signals(struct trial *trial)
{
	sigset_t heard;

	sigemptyset(&heard);
	sigaddset(&heard, SIGINT);
	sigaddset(&heard, SIGTERM);
	sigaddset(&heard, SIGHUP);
	sigaddset(&heard, SIGCHLD);
	sigprocmask(SIG_BLOCK, &heard, &trial->mask);
	/* If it is ignored, children vanish unwaited: wait(2). */
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, &trial->child_action);
	return signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int print(const struct comparison *comparison, enum compare_format format)
{
	bool good = true;

	if (format == COMPARE_JSON)
		good = compare_json(comparison, stdout);
	else if (format == COMPARE_CSV)
		compare_csv(comparison, stdout);
	else
		compare_text(comparison, stdout);
	if (!good)
		complain("the JSON document could not be made: out of memory");
	good = report_finish(stdout, "standard output") && good;
	if (!good)
		return STATUS_FAILED;
	return comparison->interrupted ? 128 + comparison->interrupted : STATUS_GOOD;
}

/* Runs all and prints what came of it. */
static int compare(struct runner *runner, enum compare_format format)
{
	int status = -1;

	runner->signals = block_signals(&runner->trial);
	if (runner->signals < 0) {
		complain("cannot start %s: %s", runner->trial.arguments[0], strerror(errno));
		return STATUS_FAILED;
	}
	run_all(runner, &status);
	close(runner->signals);
	/* From here on a signal is meant for the report. */
	sigprocmask(SIG_SETMASK, &runner->trial.mask, NULL);
	if (status >= 0)
		return status;
	comparison_conclude(runner->comparison);
	return print(runner->comparison, format);
}

static int prepare_and_compare(struct comparison *comparison, const struct arguments *arguments)
{
	struct runner runner = { .comparison = comparison, .trial.arguments = comparison->arguments };
	size_t count = comparison->allocators.count;
	int status;

	if (!open_kept(arguments->keep, runner.trial.keep))
		return STATUS_FAILED;
	runner.trial.input = comparison->input;
	runner.environments = memory_get(count * sizeof(runner.environments[0]));
	comparison->candidates = memory_get(count * sizeof(comparison->candidates[0]));
	for (size_t i = 0; i < count; i++) {
		runner.environments[i] = environment_with(comparison->allocators.list[i].path);
		comparison->candidates[i].allocator = &comparison->allocators.list[i];
		comparison->candidates[i].rounds = memory_get(comparison->runs * sizeof(struct trial_result));
	}
	status = compare(&runner, arguments->format);
	comparison_free(comparison);
	for (size_t i = 0; i < count; i++) {
		if (comparison->allocators.list[i].path)
			free(runner.environments[i][0]);
		free(runner.environments[i]);
	}
	free(runner.environments);
	return status;
}

static enum capture_note reach_of(const char *program)
{
	char *found = program_find(program), *real = NULL;
	enum capture_note note = found ? program_reach(found, &real) : NOTE_NONE;

	free(found);
	free(real);
	return note;
}

int verb_compare(int argc, char **argv)
{
	static char default_alloc[] = ALLOCATORS_KNOWN;
	struct arguments arguments = { .alloc = default_alloc, .runs = RUNS };
	struct comparison comparison = { 0 };
	int status;

	status = verb_options(&argp, argc, argv, &arguments);
	if (status >= 0)
		return status;
	status = program_look_for(arguments.program[0]);
	if (status >= 0)
		return status;
	if (arguments.input && !is_readable_input(arguments.input))
		return STATUS_FAILED;
	if (!allocators_find(arguments.alloc, &comparison.allocators)) {
		allocators_free(&comparison.allocators);
		return STATUS_FAILED;
	}
	comparison.arguments = arguments.program;
	comparison.input = arguments.input;
	comparison.runs = arguments.runs;
	comparison.reach = reach_of(arguments.program[0]);
	status = prepare_and_compare(&comparison, &arguments);
	allocators_free(&comparison.allocators);
	return status;
}
