/* SPDX-License-Identifier: MIT */
/*
 * `pagegap run`: start the program, wait for it as its shell would, print the report, end as it ended. The runner sits
 * in one poll loop; signals arrive there too (signalfd), so that nothing happens at an awkward moment and no handler is
 * ever installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../preload/capture_sites.h"
#include "broker.h"
#include "closing.h"
#include "faults.h"
#include "log_filter.h"
#include "memory.h"
#include "oom_watch.h"
#include "program.h"
#include "units.h"
#include "verb.h"

#define DRAIN_MS 25                     /* between two looks at the samples of page faults; at first they are closer */

enum {
	KEY_OUTPUT = 'o', KEY_REPORT = 'r', KEY_FAULTS = 0x2000, KEY_COW, KEY_SYSCALLS, KEY_VDSO, KEY_TRACE, KEY_LOG, KEY_LOG_SIZE,
	KEY_LOG_STRINGS, KEY_LOG_DESCRIPTORS, KEY_STACKS, KEY_DEPTH, KEY_SAMPLE_BYTES,
};

struct arguments {
	struct report_options report;
	char *output, *file;
	enum faults_mode faults;
	bool faults_asked;
	const char *cow, *syscalls;     /* NULL: not asked */
	bool vdso;
	bool trace_asked, trace_never;
	struct trace_set trace;
	bool log_asked, log_descriptors;
	struct log_wish log_wish;
	uint64_t log_bytes;
	uint32_t log_strings;
	const char *stacks;             /* NULL: not asked */
	uint64_t sample_bytes;          /* 0: as the library likes */
	uint32_t depth;                 /* 0: as the library likes */
	char **program;
};

static const char *const faults_modes[] = {
	[FAULTS_OFF] = "off", [FAULTS_COUNT] = "count", [FAULTS_SAMPLE] = "sample", [FAULTS_ALL] = "all",
};

static bool parse_faults(const char *argument, struct arguments *arguments)
{
	arguments->faults_asked = true;
	for (size_t i = 0; i < sizeof(faults_modes) / sizeof(faults_modes[0]); i++) {
		arguments->faults = (enum faults_mode)i;
		if (!strcmp(argument, faults_modes[i]))
			return true;
	}
	return false;
}

static bool parse_cow(const char *argument, struct arguments *arguments)
{
	static const char *const ways[] = { "auto", "write-protect", "scan", "pagemap", "smaps", "off" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argument, ways[i]))
			arguments->cow = ways[i];
	return arguments->cow && !strcmp(argument, arguments->cow);
}

static bool parse_syscalls(const char *argument, struct arguments *arguments)
{
	static const char *const ways[] = { "wrappers", "counts", "all" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argument, ways[i]))
			arguments->syscalls = ways[i];
	return arguments->syscalls && !strcmp(argument, arguments->syscalls);
}

/* What the library is told, as PAGEGAP_OPTIONS says it; NULL: nothing. To be freed. */
static char *library_options(const struct arguments *arguments)
{
	char *text = memory_copy("", 0);

	if (arguments->cow)
		memory_append(&text, "cow=%s", arguments->cow);
	if (arguments->syscalls)
		memory_append(&text, "%ssyscalls=%s", *text ? "," : "", arguments->syscalls);
	if (arguments->log_asked)
		memory_append(&text, "%slog=all", *text ? "," : "");
	if (arguments->vdso)
		memory_append(&text, "%svdso=on", *text ? "," : "");
	if (arguments->stacks)
		memory_append(&text, "%sstacks=%s", *text ? "," : "", arguments->stacks);
	if (arguments->depth)
		memory_append(&text, "%sdepth=%" PRIu32, *text ? "," : "", arguments->depth);
	if (arguments->sample_bytes)
		memory_append(&text, "%ssample-bytes=%" PRIu64, *text ? "," : "", arguments->sample_bytes);
	if (*text)
		return text;
	free(text);
	return NULL;
}

/* @argument: NULL for all */
static error_t parse_log(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	char *bad = argument ? log_filter_wish(argument, &arguments->log_wish) : NULL;
	error_t error = bad ? verb_usage(state, "--log=%s", bad) : 0;

	if (!argument)
		log_filter_all(&arguments->log_wish);
	arguments->log_asked = true;
	arguments->log_descriptors |= arguments->log_wish.path_length > 0; /* a path may be a descriptor's */
	free(bad);
	return error;
}

static error_t parse_log_size(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	if (log_parse_size(argument, &arguments->log_bytes))
		return 0;
	return verb_usage(state, "--log-size=%s: give bytes, from %luK on, as 16M or 1G", argument, LOG_SIZE_MIN / 1024 + 1);
}

static error_t parse_log_strings(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	char *end;
	unsigned long bytes = strtoul(argument, &end, 10);

	if (end == argument || *end || *argument == '-' || bytes > LOG_STRINGS_MAX)
		return verb_usage(state, "--log-strings=%s: give bytes, at most %d", argument, LOG_STRINGS_MAX);
	arguments->log_strings = (uint32_t)bytes;
	return 0;
}

static error_t parse_stacks(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	static const char *const ways[] = { "off", "sampled", "all" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argument, ways[i]))
			arguments->stacks = ways[i];
	return arguments->stacks && !strcmp(argument, arguments->stacks) ? 0 : verb_usage(state, "--stacks=%s: give off, sampled or all", argument);
}

static error_t parse_sample_bytes(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	if (!size_parse(argument, SITES_MEAN_LEAST, SITES_MEAN_MOST, &arguments->sample_bytes))
		return verb_usage(state, "--sample-bytes=%s: give a size, 1K to 4G", argument);
	if (!arguments->stacks)
		arguments->stacks = "sampled";
	return 0;
}

static error_t parse_depth(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	char *end;
	unsigned long frames = strtoul(argument, &end, 10);

	if (end == argument || *end || *argument == '-' || !frames || frames > SITES_DEPTH_MOST)
		return verb_usage(state, "--depth=%s: give a number of frames, 1 to %d", argument, SITES_DEPTH_MOST);
	arguments->depth = (uint32_t)frames;
	return 0;
}

/* @argument: NULL for all */
static error_t parse_trace(const char *argument, struct arguments *arguments, struct argp_state *state)
{
	const char *bad;

	arguments->trace_never = argument && !strcmp(argument, "off");
	arguments->trace_asked = !arguments->trace_never;
	if (arguments->trace_never)
		return 0;
	bad = trace_list(argument ? argument : "all", &arguments->trace);
	return bad ? verb_usage(state, "--trace: %.*s: not a system call; give names, %%category, all, with ! for without; or off",
				(int)strcspn(bad, ","), bad) : 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->report;
		return 0;
	case KEY_OUTPUT:
		if (!*argument)
			return verb_usage(state, "--output: the name of a directory is missing");
		arguments->output = argument;
		return 0;
	case KEY_REPORT:
		arguments->file = argument;
		return 0;
	case KEY_FAULTS:
		if (!parse_faults(argument, arguments))
			return verb_usage(state, "--faults=%s: give off, count, sample or all", argument);
		return 0;
	case KEY_COW:
		if (!parse_cow(argument, arguments))
			return verb_usage(state, "--cow=%s: give auto, write-protect, scan, pagemap, smaps or off",
					  argument);
		return 0;
	case KEY_SYSCALLS:
		if (!argument)
			arguments->report.syscalls = true;
		else if (!parse_syscalls(argument, arguments))
			return verb_usage(state, "--syscalls=%s: give wrappers, counts or all", argument);
		return 0;
	case KEY_VDSO:
		arguments->vdso = true;
		return 0;
	case KEY_TRACE:
		return parse_trace(argument, arguments, state);
	case KEY_LOG:
		return parse_log(argument, arguments, state);
	case KEY_LOG_SIZE:
		return parse_log_size(argument, arguments, state);
	case KEY_LOG_DESCRIPTORS:
		arguments->log_descriptors = true;
		return 0;
	case KEY_LOG_STRINGS:
		return parse_log_strings(argument, arguments, state);
	case KEY_STACKS:
		return parse_stacks(argument, arguments, state);
	case KEY_DEPTH:
		return parse_depth(argument, arguments, state);
	case KEY_SAMPLE_BYTES:
		return parse_sample_bytes(argument, arguments, state);
	case ARGP_KEY_END:
		if (arguments->log_asked && arguments->syscalls && strcmp(arguments->syscalls, "all"))
			return verb_usage(state, "--log: needs every call: give --syscalls=all, or leave that out");
		return 0;
	case ARGP_KEY_ARG: /* the rest is the program's */
		arguments->program = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return verb_usage(state, "run: which program? give 'pagegap run PROGRAM [ARG...]'");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "output", KEY_OUTPUT, "DIR", 0,
	  "the recording: a new directory; without it pagegap.NAME.PID in the current directory", 0 },
	{ "report", KEY_REPORT, "FILE", 0, "write the report to this new file instead of standard error", 0 },
	{ "faults", KEY_FAULTS, "HOW", 0,
	  "page faults: 'count' as the kernel does, at no cost; 'sample' for whose memory they were, every one unless that "
	  "would take more than 1 % of the time (the default); 'all' whatever it takes, up to a fault's own time "
	  "again for each; 'off' is as count", 0 },
	{ "cow", KEY_COW, "HOW", 0,
	  "copy-on-write after a fork: 'auto' is the best that the kernel has (the default); or one of its means alone, to "
	  "compare: 'write-protect', 'scan', 'pagemap', 'smaps'; 'off'", 0 },
	{ "syscalls", KEY_SYSCALLS, "HOW", OPTION_ARG_OPTIONAL,
	  "without a value: print the page of system calls instead of the report, as 'strace -c' does; with one, how they are "
	  "counted: 'wrappers' counts those through libc's functions (the default), 'counts' the same without times; 'all' catches every one, wherever "
	  "it is made", 0 },
	{ "vdso", KEY_VDSO, NULL, 0,
	  "count the calls of clock_gettime, gettimeofday, time and getcpu too, which the vDSO answers without a system call", 0 },
	{ "trace", KEY_TRACE, "LIST", OPTION_ARG_OPTIONAL,
	  "trace the program and all that it starts from outside, with ptrace, instead of loading the library into them: each of "
	  "these calls, by name, %category, or ! for all but; all without a list. Programs that cannot load the library are "
	  "traced without being asked, unless it is 'off'", 0 },
	{ "log", KEY_LOG, "EXPR", OPTION_ARG_OPTIONAL,
	  "keep a log of calls with their arguments, of all processes, for 'pagegap log': every call, or those that EXPR means, as in "
	  "'pagegap help log'; this catches every call, as --syscalls=all does", 0 },
	{ "log-size", KEY_LOG_SIZE, "SIZE", 0, "the log never takes more: 16M, 1G; when it is full, the oldest calls go (64M)", 0 },
	{ "log-strings", KEY_LOG_STRINGS, "BYTES", 0, "how much of each buffer and text is kept (32); paths are kept whole", 0 },
	{ "log-descriptors", KEY_LOG_DESCRIPTORS, NULL, 0, "keep with each call where its descriptors lead, which takes as long again", 0 },
	{ "stacks", KEY_STACKS, "HOW", 0,
	  "call sites of the heap's blocks: 'sampled' takes the stack of one in so many bytes that are asked for, and estimates; "
	  "'all' that of each block, and counts; 'off' (the default)", 0 },
	{ "sample-bytes", KEY_SAMPLE_BYTES, "SIZE", 0, "one sample in so many bytes, on average (512K); implies --stacks=sampled", 0 },
	{ "depth", KEY_DEPTH, "FRAMES", 0, "of a stack, from the innermost one, so many are kept (64)", 0 },
	{ 0 },
};
static const struct argp_child children[] = { { &report_argp, 0, NULL, 0 }, { &calls_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[--] PROGRAM [ARG...]",
	.children = children,
	.doc = "Runs a program, records it and all that it starts, and prints the report when it ends. The exit status "
	       "is the program's; 125: pagegap itself failed, 126: the program cannot be executed, 127: it was not "
	       "found.",
};

/* Signals that stop, that cannot be caught, or that speak of a fault of the runner's own are not the program's. */
static bool is_forwarded(int number)
{
	static const int own[] = {
		SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS,
		SIGABRT, SIGPIPE, SIGXFSZ, SIGXCPU,
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (number == own[i])
			return false;
	return true;
}

static sigset_t watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (is_forwarded(number))
			sigaddset(&set, number);
	return set;
}

/*
 * What the terminal sends goes to the whole process group: the program has it already. An interrupt that comes from a
 * process is passed on only when that is outside the group, else it may well have been sent to all of it.
 */
static bool is_for_the_program(const struct signalfd_siginfo *info, pid_t program)
{
	bool from_kernel = info->ssi_code == SI_KERNEL || (info->ssi_code > 0 && info->ssi_code != SI_TKILL);
	pid_t sender = (pid_t)info->ssi_pid;

	switch ((int)info->ssi_signo) {
	case SIGCHLD:
		return false;
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF: /* a timer that was running when the command was executed in its owner's place: alarm(2) */
		return true;
	case SIGINT:
	case SIGQUIT:
		return !from_kernel && sender > 0 && sender != program && getpgid(sender) != getpgrp();
	default:
		return !from_kernel && sender != program;
	}
}

static void forward(int signals, pid_t program)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		union sigval value = { .sival_ptr = (void *)(uintptr_t)info.ssi_ptr };

		if (!is_for_the_program(&info, program))
			continue;
		if (info.ssi_code == SI_QUEUE)
			sigqueue(program, (int)info.ssi_signo, value);
		else
			kill(program, (int)info.ssi_signo);
	}
}

static bool has_ended(pid_t program)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, (id_t)program, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == program;
}

/* Returns when the program has ended. */
static void wait_for(pid_t program, struct broker *broker, struct faults *faults, struct oom_watch *oom, int signals)
{
	struct pollfd *polls = memory_get((1 + faults_polls(faults, NULL) + BROKER_POLLS) * sizeof(polls[0]));
	int wait_ms = faults ? 1 : -1;

	while (!has_ended(program)) {
		size_t fixed = 1 + faults_polls(faults, polls + 1), used = fixed + broker_polls(broker, polls + fixed);

		polls[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		if (fixed == 1)
			wait_ms = -1;
		if (poll(polls, used, wait_ms) < 0)
			continue;
		wait_ms = wait_ms < 0 ? -1 : wait_ms < DRAIN_MS / 2 ? wait_ms * 2 : DRAIN_MS;
		if (polls[0].revents)
			forward(signals, program);
		faults_drain(faults);
		oom_watch_look(oom, program);
		broker_serve(broker, polls + fixed, used - fixed);
	}
	free(polls);
}

/* The program is gone; from here on an interrupt is meant for the report. Those that came before are not. */
static void let_interrupt(int signals)
{
	struct signalfd_siginfo info;
	sigset_t set;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static FILE *standard_error(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");

	if (!to && fd >= 0)
		close(fd);
	return to;
}

static void print(const struct launch *launch, const struct arguments *arguments, FILE *file)
{
	struct recording *recording = recording_open(launch->directory);
	FILE *to = file ? file : standard_error();

	if (recording && to)
		report_write(recording, &arguments->report, to);
	if (to && file)
		report_finish(to, arguments->file);
	else if (to)
		fclose(to);
	recording_close(recording);
}

/* Ends as the program did. A signal that dumps core has done so already: once is enough. */
static int end_like(int status)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;
	int number;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0); /* core_pattern may pipe to a program, which no limit stops: core(5) */
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), number);
	return 128 + number; /* init of a container is not killed by its own signals */
}

static int run(const struct arguments *arguments, struct launch *launching, FILE *file)
{
	sigset_t watched = watched_signals(), blocked = watched;
	struct departure departure = { 0 };
	struct broker broker;
	struct faults *faults;
	struct oom_watch *oom;
	int signals, status;

	broker_open(&broker);
	launching->broker = broker.address;
	signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		complain("cannot start %s: %s", launching->arguments[0], strerror(errno));
		return STATUS_FAILED;
	}
	sigaddset(&blocked, SIGPIPE); /* the report may have no reader; the exit status is still the program's */
	sigaddset(&blocked, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &blocked, &launching->mask);
	/* If it is ignored, children vanish unwaited: wait(2). */
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL }, &launching->child_action);
	oom = oom_watch_open();
	trace_open(&launching->trace);
	faults = faults_open(launching->trace.link < 0 ? arguments->faults : FAULTS_COUNT, arguments->faults_asked);
	status = launch(launching);
	trace_close(&launching->trace);
	if (status >= 0) {
		oom_watch_close(oom, 0);
		faults_close(faults);
		return status;
	}
	faults_begin(faults, launching);
	broker.directory = launching->directory;
	wait_for(launching->pid, &broker, faults, oom, signals);
	departure.oom = oom_watch_close(oom, launching->pid);
	departure_of(launching->pid, &departure);
	broker_close(&broker);
	closing_write(launching, &departure);
	faults_close(faults);
	let_interrupt(signals);
	print(launching, arguments, file);
	return end_like(departure.status);
}

static bool wants_all(const struct arguments *arguments)
{
	return arguments->log_asked || (arguments->syscalls && !strcmp(arguments->syscalls, "all"));
}

/* Switching off what is not on changes nothing, and fails only where it is unknown: prctl(2). */
static bool can_dispatch(void)
{
	return !prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
}

/* Why every call cannot be caught from inside a program; NULL: it can. */
static const char *why_not_all(const char *name)
{
	char *found = program_find(name);
	bool go = found && program_is_go(found);

	free(found);
	if (go)
		return "a Go program, whose stacks have no room for catching every call from inside";
	return can_dispatch() ? NULL : "this kernel has no Syscall User Dispatch (Linux 5.11), by which every call is caught from inside";
}

int verb_run(int argc, char **argv)
{
	struct arguments arguments = { .faults = FAULTS_SAMPLE, .log_bytes = LOG_SIZE_DEFAULT, .log_strings = LOG_STRINGS_DEFAULT };
	struct log_header log;
	struct launch launch = { 0 };
	int status = verb_options(&argp, argc, argv, &arguments);
	char *library;
	FILE *file = NULL;

	if (status >= 0)
		return status;
	status = program_look_for(arguments.program[0]);
	if (status >= 0)
		return status;
	library = program_library();
	if (!library || (arguments.file && !(file = report_create(arguments.file)))) {
		free(library);
		return STATUS_FAILED;
	}
	launch.arguments = arguments.program;
	launch.output = arguments.output;
	if (arguments.log_asked) {
		log = log_header_for(arguments.log_bytes);
		log.wish = arguments.log_wish;
		log.string_bytes = arguments.log_strings;
		log.descriptors = arguments.log_descriptors;
		launch.log = &log;
	}
	launch.options = library_options(&arguments);
	launch.library = library;
	launch.broker = "";
	if (!arguments.trace_asked)
		trace_list("all", &arguments.trace);
	launch.trace.set = arguments.trace;
	if (arguments.trace_asked)
		launch.trace.why = "--trace";
	else if (!arguments.trace_never)
		launch.trace.why = trace_reason(arguments.program[0]);
	if (!launch.trace.why && !arguments.trace_never && wants_all(&arguments))
		launch.trace.why = why_not_all(arguments.program[0]);
	status = run(&arguments, &launch, file);
	if (file && !launch.directory)
		unlink(arguments.file);
	free(library);
	free(launch.options);
	free(launch.directory);
	return status;
}
