/* SPDX-License-Identifier: MIT */
/*
 * Reading options. argp parses and prints the help; its errors are three lines long, so they are replaced by one that
 * says it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "site_columns.h"
#include "verb.h"

enum { KEY_FORMAT = 0x1000, KEY_EXACT, KEY_ALL, KEY_PROCESS, KEY_SORT, KEY_TOP, KEY_THREADS, KEY_SITES, KEY_TREE, KEY_FOLD, KEY_HELP };

static bool complained;         /* by a parser, about the option that made it fail */
static bool help_asked;         /* then nothing else matters */

error_t verb_usage(struct argp_state *state, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	(void)state;
	if (help_asked)
		return EINVAL;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) >= 0)
		complain("%s", text);
	va_end(arguments);
	free(text);
	complained = true;
	return EINVAL;
}

/* "text, json or folded". To be freed. */
static char *names_of(const char *const *names, size_t count)
{
	char *text = memory_format("%s", "");

	for (size_t i = 0; i < count; i++)
		memory_append(&text, "%s%s", !i ? "" : i + 1 < count ? ", " : " or ", names[i]);
	return text;
}

static error_t parse_format(const char *argument, struct report_options *options, struct argp_state *state)
{
	char *names;

	for (size_t i = 0; i < REPORT_FORMAT_COUNT; i++)
		if (!strcmp(argument, report_format_names[i])) {
			options->format = (enum report_format)i;
			return 0;
		}
	names = names_of(report_format_names, REPORT_FORMAT_COUNT);
	verb_usage(state, "--format=%s: not a format; give %s", argument, names);
	free(names);
	return EINVAL;
}

static error_t parse_fold(const char *argument, struct report_options *options, struct argp_state *state)
{
	static const char *const names[] = { "function", "file", "module" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(argument, names[i])) {
			options->fold = (enum site_fold)(FOLD_FUNCTION + i);
			return 0;
		}
	return verb_usage(state, "--fold=%s: give function, file or module", argument);
}

static bool parse_sort(const char *argument, struct report_options *options)
{
	for (size_t i = 0; i < CALLS_SORTS; i++) {
		options->sort = (enum calls_sort)i;
		if (!strcmp(argument, calls_sort_names[i]))
			return true;
	}
	return false;
}

/* What call sites are sorted by. */
static error_t parse_site_sort(struct report_options *options, struct argp_state *state)
{
	const char *names[SITE_COLUMNS];
	char *text;

	options->site_sort = site_column_named(options->sort_by);
	if (options->site_sort < SITE_COLUMNS)
		return 0;
	for (size_t i = 0; i < SITE_COLUMNS; i++)
		names[i] = site_columns[i].name;
	if (parse_sort(options->sort_by, options))
		return verb_usage(state, "--sort=%s: belongs to the page of system calls; give --syscalls too", options->sort_by);
	text = names_of(names, SITE_COLUMNS);
	verb_usage(state, "--sort=%s: give %s, of call sites", options->sort_by, text);
	free(text);
	return EINVAL;
}

static error_t parse_report(int key, char *argument, struct argp_state *state)
{
	struct report_options *options = state->input;
	char *end;

	switch (key) {
	case KEY_FORMAT:
		return parse_format(argument, options, state);
	case KEY_SORT:
		options->sort_by = argument;
		return 0;
	case KEY_TREE:
		options->tree = !strcmp(argument, "callers") ? TREE_CALLERS : TREE_CALLEES;
		return options->tree == TREE_CALLERS || !strcmp(argument, "callees") ? 0 : verb_usage(state, "--tree=%s: give callers or callees", argument);
	case KEY_FOLD:
		return parse_fold(argument, options, state);
	case ARGP_KEY_END:
		return options->sort_by && !options->syscalls ? parse_site_sort(options, state) : 0;
	case KEY_EXACT:
		options->exact = true;
		return 0;
	case KEY_ALL:
		options->all = true;
		return 0;
	case KEY_SITES:
		options->sites = strtoul(argument, &end, 10);
		options->sites += options->sites ? 0 : SIZE_MAX;
		if (end == argument || *end || *argument == '-')
			return verb_usage(state, "--sites=%s: give how many call sites are shown; 0 shows all", argument);
		return 0;
	case KEY_PROCESS:
		options->process = (uint32_t)strtoul(argument, &end, 10);
		if (!options->process || *end)
			return verb_usage(state, "--process=%s: not a process; give the pid that the report shows",
					  argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option report_argp_options[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (the default) or json; of call sites alone: folded, flamegraph, pprof, massif or callgrind", 1 },
	{ "exact", KEY_EXACT, NULL, 0, "all digits: bytes and nanoseconds", 1 },
	{ "sites", KEY_SITES, "N", 0, "so many call sites are shown (10), where the run took stacks (--stacks); 0: all", 1 },
	{ "sort", KEY_SORT, "COLUMN", 0, "of call sites: by live (the default), blocks, usable, requested, allocations, temporary, resident, pinned or sparse; "
	  "of --syscalls: by time (the default), calls, errors, max, p99, bytes or name", 1 },
	{ "tree", KEY_TREE, "HOW", 0, "call sites as a tree: of callers of what asked, or of callees from the first function on", 1 },
	{ "fold", KEY_FOLD, "PART", 0, "of call sites: by function, file or module", 1 },
	{ "process", KEY_PROCESS, "PID", 0, "the page of this process instead of the first", 1 },
	{ "all", KEY_ALL, NULL, 0, "a page for every process, lists unfolded", 1 },
	{ 0 },
};

static error_t parse_calls(int key, char *argument, struct argp_state *state)
{
	struct report_options *options = state->input;
	char *end;

	switch (key) {
	case KEY_TOP:
		errno = 0;
		options->top = strtoul(argument, &end, 10);
		if (*argument < '0' || *argument > '9' || *end || errno || !options->top)
			return verb_usage(state, "--top=%s: not a number of lines; give 1 or more", argument);
		return 0;
	case KEY_THREADS:
		options->threads = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->syscalls && (options->top || options->threads))
			return verb_usage(state, "--%s: belongs to the page of system calls; give --syscalls too",
					  options->top ? "top" : "threads");
		if (options->syscalls && options->sort_by && !parse_sort(options->sort_by, options))
			return verb_usage(state, "--sort=%s: give time, calls, errors, max, p99, bytes or name", options->sort_by);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option calls_argp_options[] = {
	{ "top", KEY_TOP, "N", 0, "of --syscalls: only the first N calls", 2 },
	{ "threads", KEY_THREADS, NULL, 0, "of --syscalls: and which thread made how many, and what it did with its time", 2 },
	{ 0 },
};

const struct argp calls_argp = { .options = calls_argp_options, .parser = parse_calls };

const struct argp report_argp = { .options = report_argp_options, .parser = parse_report };

/*
 * Options of a verb, those of its children included, whose name begins so. @exact: one has that very name. Returns how
 * many.
 */
static size_t find_long(const struct argp *argp, const char *name, size_t length, const struct argp_option **found,
			bool *exact)
{
	size_t count = 0;

	for (const struct argp_option *option = argp->options; option && (option->name || option->key || option->doc);
	     option++) {
		if (!option->name || strncmp(option->name, name, length))
			continue;
		count++;
		if (!*exact)
			*found = option;
		*exact = *exact || !option->name[length];
	}
	for (const struct argp_child *child = argp->children; child && child->argp; child++)
		count += find_long(child->argp, name, length, found, exact);
	return count;
}

static const struct argp_option *find_short(const struct argp *argp, int key)
{
	for (const struct argp_option *option = argp->options; option && (option->name || option->key || option->doc);
	     option++)
		if (option->key == key)
			return option;
	return NULL;
}

/* Says what is wrong with one option, if anything. @value_follows: the next word is its value. */
static bool complain_about_option(const struct argp *argp, const char *verb, const char *word, bool last,
				  bool *value_follows)
{
	const struct argp_option *option = NULL;
	bool is_long = word[1] == '-', exact = false;
	const char *equals = is_long ? strchrnul(word, '=') : word + 2;
	size_t matches = is_long ? find_long(argp, word + 2, (size_t)(equals - word) - 2, &option, &exact) : 1;

	if (!is_long)
		option = find_short(argp, word[1]);
	if (!matches || !option)
		complain("%s %s: no such option; see 'pagegap help %s'", verb, word, verb);
	else if (matches > 1 && !exact)
		complain("%s %s: begins more than one option; see 'pagegap help %s'", verb, word, verb);
	else if (option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && !*equals && last)
		complain("%s %s: a value is missing; give --%s=%s", verb, word, option->name, option->arg);
	else if (!option->arg && is_long && *equals)
		complain("%s %s: takes no value", verb, word);
	else {
		*value_follows = option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && !*equals;
		return false;
	}
	return true;
}

/* getopt would not take one of the options; it does not tell which, so look for the first. */
static void complain_about(const struct argp *argp, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		bool value_follows = false;

		if (argv[i][0] != '-' || !argv[i][1])
			continue;
		if (complain_about_option(argp, argv[0], argv[i], i + 1 == argc, &value_follows))
			return;
		i += value_follows;
	}
	complain("%s: bad arguments; see 'pagegap help %s'", argv[0], argv[0]);
}

/* The verb's own options and --help beside them. */
struct wrapped {
	const struct argp *argp;
	void *input;
};

static error_t parse_wrapped(int key, char *argument, struct argp_state *state)
{
	struct wrapped *wrapped = state->input;

	(void)argument;
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = wrapped->input;
		return 0;
	}
	if (key != KEY_HELP)
		return ARGP_ERR_UNKNOWN;
	help_asked = true;
	state->next = state->argc;
	return 0;
}

/* Leaves out argp's note on short options with values. */
static char *filter_help(int key, const char *text, void *input)
{
	(void)input;
	return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)(uintptr_t)text;
}

int verb_options(const struct argp *argp, int argc, char **argv, void *input)
{
	static const struct argp_option help[] = {
		{ "help", KEY_HELP, NULL, 0, "this text", 9 },
		{ 0 },
	};
	struct argp_child children[] = { { argp, 0, NULL, 0 }, { 0 } };
	struct wrapped wrapped = { argp, input };
	struct argp all = {
		.options = help,
		.parser = parse_wrapped,
		.args_doc = argp->args_doc,
		.doc = argp->doc,
		.children = children,
		.help_filter = filter_help,
	};
	struct argp own = *argp;
	char *name = memory_format("pagegap %s", argv[0]);
	error_t error;

	own.doc = own.args_doc = NULL; /* they stand at the top */
	children[0].argp = &own;
	complained = help_asked = false;
	error = argp_parse(&all, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, NULL,
			   &wrapped);
	if (help_asked)
		argp_help(&all, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
	else if (error && !complained && error == ENOMEM)
		complain("out of memory");
	else if (error && !complained)
		complain_about(&all, argc, argv);
	free(name);
	if (help_asked)
		return report_finish(stdout, "standard output") ? STATUS_GOOD : STATUS_FAILED;
	return error ? STATUS_FAILED : -1;
}

FILE *report_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat there;
	FILE *to;

	/* A device or a pipe holds nothing that could be lost. */
	if (fd < 0 && errno == EEXIST && !lstat(path, &there) && (S_ISCHR(there.st_mode) || S_ISFIFO(there.st_mode)))
		fd = open(path, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to)
		complain("%s: %s; name a file that is not there yet", path, strerror(errno));
	return to;
}

bool report_finish(FILE *to, const char *name)
{
	bool good = !ferror(to);

	errno = 0;
	if (!good && write(fileno(to), "\n", 1) == 1) /* stdio forgets why an earlier write failed: ask again */
		errno = EIO;
	if (fclose(to) || !good) {
		complain("%s: the report could not be written%s%s", name, errno ? ": " : "",
			 errno ? strerror(errno) : "");
		return false;
	}
	return true;
}

void standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			/*
			 * The lowest free one is this one. Reading from a write-only file fails as reading from a
			 * closed one does.
			 */
			if (open("/dev/null", (fd ? O_RDONLY : O_WRONLY) | O_CLOEXEC) != fd)
				break;
}
