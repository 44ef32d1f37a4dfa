/* SPDX-License-Identifier: MIT */
/*
 * Starting the program by vfork(2): the child lives in this process's memory until it has become the program or failed,
 * so that it can leave word of how far it came, and nothing is copied. This process stands still until then.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "complain.h"
#include "figures.h"
#include "memory.h"
#include "program.h"

#define COMM_BYTES 15 /* of a process's name: prctl(2), PR_SET_NAME */

/* How far the child came. */
struct progress {
	char *directory;                /* made; NULL: that failed */
	int   error;                    /* of what failed */
	int   log_error;                /* that was making the log */
	struct rusage before;           /* of the child, when it became the program */
};

/* The directory of a process's recording. NULL after a complaint. */
static char *directory_of(const struct launch *launch, pid_t pid)
{
	const char *slash = strrchr(launch->arguments[0], '/');
	char *name = memory_format("%.*s", COMM_BYTES, slash && slash[1] ? slash + 1 : launch->arguments[0]);
	char *own, *here = NULL, *directory;

	for (char *c = name; *c; c++)
		if (*c == '/' || (unsigned char)*c < ' ')
			*c = '_';
	own = launch->output ? memory_copy(launch->output, strlen(launch->output))
			     : memory_format("pagegap.%s.%d", name, pid);
	free(name);
	if (own[0] == '/')
		return own;
	here = getcwd(NULL, 0);
	directory = here ? memory_format("%s/%s", strcmp(here, "/") ? here : "", own) : NULL;
	free(here);
	free(own);
	return directory;
}

char *launch_preloadable(const char *library)
{
	const char *slash = strrchr(library, '/');
	char *directory;
	int fd;

	if (!strpbrk(library, " :\t\n") || !slash)
		return memory_copy(library, strlen(library));
	directory = memory_copy(library, (size_t)(slash - library));
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	return fd < 0 ? memory_copy(library, strlen(library)) : memory_format("/proc/%d/fd/%d%s", getpid(), fd, slash);
}

#define OPTIONS "PAGEGAP_OPTIONS="

static bool is_ours(const struct launch *launch, const char *entry)
{
	static const char *const names[] = { "LD_PRELOAD=", "PAGEGAP_RECORDING=", "PAGEGAP_BORN=", "PAGEGAP_BROKER=", "PAGEGAP_PAD=" };

	if (launch->options && !strncmp(entry, OPTIONS, strlen(OPTIONS)))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(entry, names[i], strlen(names[i])))
			return true;
	return false;
}

/*
 * A program that cannot load the library would only see its variables, and some loaders complain about it on standard
 * error.
 */
static bool can_be_observed(const char *program)
{
	char *found = program_find(program), *real = NULL;
	enum capture_note note = found ? program_reach(found, &real) : NOTE_NONE;

	free(found);
	free(real);
	return note == NOTE_NONE;
}

/* The program's own environment, and the instrument's variables, which the library hides from it again. */
static char **build_environment(const struct launch *launch, const char *library, const char *directory)
{
	const char *theirs = getenv("LD_PRELOAD"), *options = getenv("PAGEGAP_OPTIONS");
	size_t count = 0, used = 0;
	char **environment;

	while (environ && environ[count])
		count++;
	environment = memory_get((count + 7) * sizeof(environment[0]));
	for (size_t i = 0; i < count; i++)
		if (!is_ours(launch, environ[i]))
			environment[used++] = environ[i];
	environment[used++] = memory_format("LD_PRELOAD=%s%s%s", library, theirs && *theirs ? ":" : "",
					    theirs ? theirs : "");
	environment[used++] = memory_format("PAGEGAP_RECORDING=%s", directory);
	environment[used++] = memory_copy("PAGEGAP_BORN=start.0", strlen("PAGEGAP_BORN=start.0"));
	if (launch->options) /* the first of a name counts */
		environment[used++] = memory_format(OPTIONS "%s%s%s", launch->options, options && *options ? "," : "",
						    options ? options : "");
	if (*launch->broker)
		environment[used++] = memory_format("PAGEGAP_BROKER=%s", launch->broker);
	/* The library takes out what is ours, and an even number is taken out better: preload/environment.c, fill_gap. */
	if ((2 + !(theirs && *theirs) + (launch->options || options) + !!*launch->broker) % 2)
		environment[used++] = memory_copy("PAGEGAP_PAD=", strlen("PAGEGAP_PAD="));
	return environment;
}

/* True: it is traced, and that has been said. */
static bool joins_tracer(const struct launch *launch, const char *directory)
{
	struct trace_hello hello = { .start_ns = launch->start_ns, .start_realtime_ns = launch->start_realtime_ns, .log = launch->log != NULL };

	if (!launch->trace.why || launch->trace.link < 0 || strlen(directory) >= sizeof(hello.directory))
		return false;
	memcpy(hello.directory, directory, strlen(directory));
	if (!trace_join(&launch->trace, &hello))
		return false;
	complain("%s: traced from outside: %s", launch->arguments[0], launch->trace.why);
	return true;
}

/*
 * In the child. Between the restored mask and the exec, signals do what they did to the command when it was started.
 * Memory that is allocated here is the parent's to free, or too little to matter.
 */
static void become_program(const struct launch *launch, const char *library, struct progress *progress)
	__attribute__((noreturn, noinline));
static void become_program(const struct launch *launch, const char *library, struct progress *progress)
{
	char *directory = directory_of(launch, getpid()), **environment;
	mode_t mask = umask(077);

	if (!directory || mkdir(directory, 0700)) {
		progress->error = errno;
		_exit(STATUS_FAILED);
	}
	umask(mask);
	progress->directory = directory;
	if (launch->log && (progress->log_error = log_make(directory, launch->log)))
		_exit(STATUS_FAILED);
	if (joins_tracer(launch, directory) || !can_be_observed(launch->arguments[0]))
		environment = environ;
	else
		environment = build_environment(launch, library, directory);
	sigaction(SIGCHLD, &launch->child_action, NULL);
	sigprocmask(SIG_SETMASK, &launch->mask, NULL);
	getrusage(RUSAGE_SELF, &progress->before);
	execvpe(launch->arguments[0], launch->arguments, environment);
	progress->error = errno;
	_exit(STATUS_FAILED);
}

static void remove_log(const char *directory)
{
	char *path = directory ? memory_format("%s/" LOG_FILE, directory) : NULL;

	if (path)
		unlink(path);
	free(path);
}

/* The child has failed and is a zombie. */
static int failed(struct launch *launch, const struct progress *progress)
{
	char *wanted = directory_of(launch, launch->pid);

	waitpid(launch->pid, NULL, 0);
	remove_log(progress->directory);
	if (progress->log_error) {
		rmdir(progress->directory);
		complain("%s: no room for a log of %ju bytes: %s; give another size with --log-size=SIZE, or another place with --output=DIR",
			 wanted ? wanted : "the current directory", (uintmax_t)log_bytes(launch->log), strerror(progress->log_error));
	} else if (progress->directory) {
		rmdir(progress->directory);
		complain("%s: %s", launch->arguments[0], strerror(progress->error));
	} else {
		complain("%s: %s; no place for the recording, give another with --output=DIR",
			 wanted ? wanted : "the current directory", strerror(progress->error));
	}
	free(wanted);
	if (!progress->directory)
		return STATUS_FAILED;
	free(progress->directory);
	return progress->log_error ? STATUS_FAILED : progress->error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

int launch(struct launch *launch)
{
	struct progress *progress = memory_get(sizeof(*progress)), result;
	char *library = launch_preloadable(launch->library);
	struct timespec now;

	launch->start_ns = now_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	launch->start_realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	launch->pid = vfork();
	if (!launch->pid)
		become_program(launch, library, progress);
	result = *progress;
	free(progress);
	free(library);
	if (launch->pid < 0) {
		complain("cannot start %s: %s", launch->arguments[0], strerror(errno));
		return STATUS_FAILED;
	}
	if (result.error || result.log_error)
		return failed(launch, &result);
	launch->directory = result.directory;
	launch->minor_faults = (uint64_t)result.before.ru_minflt;
	launch->major_faults = (uint64_t)result.before.ru_majflt;
	return -1;
}
