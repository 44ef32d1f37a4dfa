/* SPDX-License-Identifier: MIT */
/*
 * `pagegap snapshot`: a ledger of a process that runs, taken from outside while it sleeps, computes or waits: it is not
 * asked, so it need not answer. The ledger is stored in its capture, where any later report finds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "memory.h"
#include "units.h"
#include "verb.h"

#define REQUESTS (SNAPSHOT_MARK - SNAPSHOT_REQUEST)

struct arguments {
	struct report_options report;
	char *target;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->report;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->target)
			return verb_usage(state, "snapshot %s: one process or recording at a time", argument);
		arguments->target = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return verb_usage(state, "snapshot: of what? give the pid of an observed process, or its recording");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &report_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
	.parser = parse,
	.args_doc = "PID|RECORDING",
	.children = children,
	.doc = "Takes a ledger of an observed process that runs, or of every process of a recording that still runs, "
	       "without a signal or a thread in it, stores it in the recording, and prints the report.",
};

/* The capture of a process as a shared mapping: it must be the very file that the process has mapped. */
static struct capture *map_capture(const struct live_mapping *mapping, int *fd)
{
	struct capture *c;
	struct stat status;

	*fd = open(mapping->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return NULL;
	errno = ENOENT;
	if (!fstat(*fd, &status) && S_ISREG(status.st_mode) && status.st_ino == mapping->inode &&
	    status.st_dev == mapping->device && status.st_size == sizeof(*c)) {
		c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
		if (c != MAP_FAILED)
			return c;
	}
	close(*fd);
	return NULL;
}

/* The place of the oldest request. Under flock, for two requests at a time. */
static void store(struct capture *c, const struct capture_snapshot *snapshot)
{
	struct capture_snapshot *place = &c->snapshots[SNAPSHOT_REQUEST];
	uint32_t sequence;

	for (size_t i = 1; i < REQUESTS; i++) {
		struct capture_snapshot *other = &c->snapshots[SNAPSHOT_REQUEST + i];

		if (place->sequence && (!other->sequence || other->at_ns < place->at_ns))
			place = other;
	}
	sequence = place->sequence | 1;
	__atomic_store_n(&place->sequence, sequence, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy((char *)place + sizeof(sequence), (const char *)snapshot + sizeof(sequence),
	       sizeof(*place) - sizeof(sequence));
	__atomic_store_n(&place->sequence, sequence + 1 ? sequence + 1 : 2, __ATOMIC_RELEASE);
}

/* The identity is what ledger_of trusts. */
static bool is_sound(const struct capture *c, pid_t pid)
{
	return !memcmp(c->magic, CAPTURE_MAGIC, sizeof(c->magic)) && c->version == CAPTURE_VERSION &&
	       c->header_bytes == sizeof(*c) && c->page_size == (uint32_t)sysconf(_SC_PAGESIZE) &&
	       c->pid == (uint32_t)pid;
}

static int take(pid_t pid, const struct live_mapping *mapping)
{
	struct capture_snapshot snapshot = { 0 };
	uint64_t start;
	int fd, error = EINVAL;
	struct capture *c = map_capture(mapping, &fd);

	if (!c)
		return errno;
	if (is_sound(c, pid)) {
		while (flock(fd, LOCK_EX) && errno == EINTR)
			;
		start = now_ns();
		error = ledger_of(c, pid, &snapshot, NULL, NULL, NULL);
		snapshot.why = WHY_REQUEST;
		snapshot.at_ns = start;
		snapshot.cost_ns = now_ns() - start;
		if (!error)
			store(c, &snapshot);
	}
	munmap(c, sizeof(*c));
	close(fd);
	return error;
}

static const char *explain(int error)
{
	switch (error) {
	case ESRCH:
		return "no such process";
	case ENOENT:
		return "not observed: it has no capture mapped; start it with 'pagegap run'";
	case EACCES:
	case EPERM:
		return "not permitted: it belongs to another user, or has made itself unreadable";
	case EINVAL:
		return "its capture is of another format than this pagegap writes";
	default:
		return strerror(error);
	}
}

/*
 * One process. Returns 0 or an errno, and has said which. @recording: set to its directory, to be freed, unless NULL.
 */
static int request(pid_t pid, char **recording)
{
	uint64_t start = now_ns();
	struct live_mapping mapping;
	int error = live_capture(pid, &mapping);
	char *slash;

	if (!error)
		error = take(pid, &mapping);
	if (error)
		complain("%d: %s", pid, explain(error));
	else
		complain("%d: answered in %s", pid, figure_time(now_ns() - start, false).text);
	if (!error && recording && (slash = strrchr(mapping.path, '/')))
		*recording = memory_copy(mapping.path, (size_t)(slash - mapping.path));
	free(mapping.path);
	return error;
}

/* Every process of a recording that runs. Returns how many answered. */
static size_t request_all(const struct recording *recording, int *status)
{
	size_t answered = 0, running = 0;

	for (size_t i = 0; i < recording->count; i++) {
		if (recording->images[i].end != END_RUNNING || !recording->images[i].file)
			continue;
		running++;
		if (request((pid_t)recording->images[i].pid, NULL))
			*status = STATUS_PARTIAL;
		else
			answered++;
	}
	if (!running)
		complain("%s: none of its processes runs any more; 'pagegap report' prints it", recording->path);
	return answered;
}

static int print(const char *path, const struct report_options *options, int status)
{
	struct recording *recording = recording_open(path);
	int printed = recording ? report_write(recording, options, stdout) : STATUS_FAILED;

	recording_close(recording);
	if (!report_finish(stdout, "standard output"))
		return STATUS_FAILED;
	return printed ? printed : status;
}

static int snapshot_recording(const char *path, const struct report_options *options)
{
	struct recording *recording = recording_open(path);
	int status = STATUS_GOOD;
	size_t answered;

	if (!recording)
		return STATUS_FAILED;
	answered = request_all(recording, &status);
	recording_close(recording);
	return answered ? print(path, options, status) : STATUS_FAILED;
}

int verb_snapshot(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int status = verb_options(&argp, argc, argv, &arguments);
	char *end, *directory = NULL;
	unsigned long pid;

	if (status >= 0)
		return status;
	pid = strtoul(arguments.target, &end, 10);
	if (*end || !pid || pid > INT32_MAX)
		return snapshot_recording(arguments.target, &arguments.report);
	if (request((pid_t)pid, &directory) || !directory)
		return STATUS_FAILED;
	if (!arguments.report.process)
		arguments.report.process = (uint32_t)pid;
	status = print(directory, &arguments.report, STATUS_GOOD);
	free(directory);
	return status;
}
