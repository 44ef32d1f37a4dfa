/* SPDX-License-Identifier: MIT */
/*
 * The last record. Written with pwrite rather than through a mapping: on a full disk that is an error, not a SIGBUS.
 *
 * wait4(2) adds what children used that the process has waited for to its own, so the figures are read before it, while
 * the process is a zombie. Only the peak of resident memory is nowhere else.
 */
#include "closing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complain.h"
#include "figures.h"
#include "live.h"
#include "memory.h"
#include "program.h"

void departure_of(pid_t pid, struct departure *departure)
{
	bool children = live_had_children(pid);
	struct rusage by_kernel;

	departure->end_ns = now_ns();
	live_usage(pid, &departure->usage);
	while (wait4(pid, &departure->status, 0, &by_kernel) < 0 && errno == EINTR)
		;
	departure->max_rss_bytes = children ? CAPTURE_UNKNOWN : (uint64_t)by_kernel.ru_maxrss << 10;
}

/* The newest image of the process in its recording; false: there is none. */
static bool newest_image(int directory, pid_t pid, uint32_t *number)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool found = false;

	while (list && (entry = readdir(list))) {
		uint32_t of, image;
		int end = 0;

		if (sscanf(entry->d_name, "%9" SCNu32 ".%9" SCNu32 "%n", &of, &image, &end) != 2 ||
		    of != (uint32_t)pid || strcmp(entry->d_name + end, CAPTURE_SUFFIX))
			continue;
		if (!found || image > *number)
			*number = image;
		found = true;
	}
	if (list)
		closedir(list);
	return found;
}

static void write_usage(struct capture *c, const struct departure *departure)
{
	bool recorded = c->max_rss_bytes != 0;
	const uint64_t *from = (const uint64_t *)&departure->usage;
	uint64_t *to[] = {
		&c->user_ns,
		&c->system_ns,
		&c->runnable_wait_ns,
		&c->voluntary_switches,
		&c->involuntary_switches,
		&c->migrations,
		&c->minor_faults,
		&c->major_faults,
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		*to[i] = from[i];
	if (departure->max_rss_bytes != CAPTURE_UNKNOWN || !recorded)
		c->max_rss_bytes = departure->max_rss_bytes;
}

static void write_end(struct capture *c, const struct departure *departure)
{
	bool killed = WIFSIGNALED(departure->status);
	uint32_t ended = killed ? ENDED_SIGNAL : ENDED_EXIT;
	int code = killed ? WTERMSIG(departure->status) : WEXITSTATUS(departure->status);

	if (c->ended == ended && c->end_code == code)
		return;
	/* The image had its last word and came to another end after it: then only that end is new. */
	if (c->ended == ENDED_NOT) {
		write_usage(c, departure);
		c->end_ns = c->usage_at_ns = departure->end_ns;
	}
	c->ended = ended;
	c->end_code = code;
}

static void begin(struct capture *c, const struct launch *launch, uint32_t number)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->magic, CAPTURE_MAGIC, sizeof(c->magic));
	c->version = CAPTURE_VERSION;
	c->header_bytes = sizeof(*c);
	c->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	c->pid = (uint32_t)launch->pid;
	c->parent_pid = (uint32_t)getpid();
	c->image_number = number;
	c->born = number ? BORN_EXEC : BORN_START;
	c->uid = getuid();
	c->start_ns = launch->start_ns;
	c->start_realtime_ns = launch->start_realtime_ns;
	c->inherited_blocks = c->inherited_live_bytes = c->inherited_usable_bytes = CAPTURE_UNKNOWN;
	c->own_thread_ns_spent = c->children_born = CAPTURE_UNKNOWN;
}

static void add_arguments(struct capture *c, char *const *arguments)
{
	for (; *arguments; arguments++, c->argc++) {
		size_t bytes = strlen(*arguments) + 1;

		if (c->argv_cut || c->argv_bytes + bytes > sizeof(c->argv)) {
			c->argv_cut = 1;
			continue;
		}
		memcpy(c->argv + c->argv_bytes, *arguments, bytes);
		c->argv_bytes += (uint32_t)bytes;
	}
}

/* Why, if the file tells; and its path as /proc/PID/exe would have shown it. */
static void add_reason(struct capture *c, const char *program)
{
	char *found = program_find(program), *real = NULL;
	enum capture_note note = found ? program_reach(found, &real) : NOTE_NONE;

	c->notes[0].kind = note ? note : NOTE_NOT_PRELOADED;
	c->notes[0].count = 1;
	if (real || found)
		snprintf(c->exe, sizeof(c->exe), "%s", real ? real : found);
	complain("%s: %s", *c->exe ? c->exe : program, note_text(c->notes[0].kind));
	free(real);
	free(found);
}

static bool write_all(int fd, const void *from, size_t bytes, off_t offset)
{
	const char *at = from;

	while (bytes) {
		ssize_t put = pwrite(fd, at, bytes, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		at += put;
		offset += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* A capture for an image that has none. @flags: O_EXCL, or 0 to fill one that was created and never begun. */
static void write_new(int directory, const char *name, const struct capture *c, int flags)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*c)) || !write_all(fd, c, offsetof(struct capture, anatomy), 0) ||
	    !write_all(fd, &c->children_born, sizeof(c->children_born), offsetof(struct capture, children_born)))
		complain("%s: its end could not be recorded: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static char *capture_name(const struct launch *launch, uint32_t number)
{
	return memory_format("%d.%" PRIu32 CAPTURE_SUFFIX, launch->pid, number);
}

/* @before: the image that executed this one, or NULL if it is the first. */
static void close_unrecorded(int directory, const struct launch *launch, const struct departure *departure,
			     const struct capture *before, uint32_t number, int flags)
{
	struct capture *c = memory_get(sizeof(*c));
	char *name = capture_name(launch, number);

	begin(c, launch, number);
	if (before) {
		c->start_ns = before->end_ns;
		c->start_realtime_ns = before->start_realtime_ns + (before->end_ns - before->start_ns);
		add_reason(c, before->exec_path);
	} else {
		add_arguments(c, launch->arguments);
		add_reason(c, launch->arguments[0]);
	}
	write_end(c, departure);
	c->oom = departure->oom;
	write_new(directory, name, c, flags);
	free(name);
	free(c);
}

/* Reads only what the rest of this file looks at. */
static bool read_life(int fd, struct capture *c)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size == sizeof(*c) &&
	       pread(fd, c, offsetof(struct capture, anatomy), 0) == (ssize_t)offsetof(struct capture, anatomy);
}

static void close_recorded(int directory, const struct launch *launch, const struct departure *departure,
			   uint32_t number)
{
	static const char nothing[sizeof(((struct capture *)NULL)->magic)];
	struct capture *c = memory_get(sizeof(*c));
	char *name = capture_name(launch, number);
	int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t from = offsetof(struct capture, ended), to = offsetof(struct capture, notes);
	bool known = fd >= 0 && read_life(fd, c) && !memcmp(c->magic, CAPTURE_MAGIC, sizeof(c->magic)) &&
		     c->version == CAPTURE_VERSION && c->header_bytes == sizeof(*c) &&
		     c->pid == (uint32_t)launch->pid && memchr(c->exec_path, '\0', sizeof(c->exec_path));

	if (known && c->ended == ENDED_EXEC) {
		close_unrecorded(directory, launch, departure, c, number + 1, O_EXCL);
	} else if (known) {
		write_end(c, departure);
		if (!write_all(fd, (char *)c + from, to - from, (off_t)from) ||
		    !write_all(fd, &departure->oom, sizeof(departure->oom), offsetof(struct capture, oom)))
			complain("%s/%s: its end could not be recorded: %s", launch->directory, name, strerror(errno));
	} else if (fd >= 0 && !memcmp(c->magic, nothing, sizeof(nothing))) {
		close_unrecorded(directory, launch, departure, NULL, number, 0);
	}
	if (fd >= 0)
		close(fd);
	free(name);
	free(c);
}

void closing_write(const struct launch *launch, const struct departure *departure)
{
	int directory = open(launch->directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	uint32_t number = 0;

	if (directory < 0) {
		complain("%s: the recording is gone: %s", launch->directory, strerror(errno));
		return;
	}
	if (newest_image(directory, launch->pid, &number))
		close_recorded(directory, launch, departure, number);
	else
		close_unrecorded(directory, launch, departure, NULL, 0, O_EXCL);
	close(directory);
}
