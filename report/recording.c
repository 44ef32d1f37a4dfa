/* SPDX-License-Identifier: MIT */
/*
 * Reading a recording. A file is opened without following links and without waiting (it may be a FIFO), read into
 * memory rather than mapped (a file that shrinks under a mapping is SIGBUS), checked, and boiled down to a struct
 * image. One buffer serves all of them.
 */
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "check.h"
#include "complain.h"
#include "escape.h"
#include "figures.h"
#include "memory.h"
#include "progress.h"

#define COMMAND_COLUMNS 200     /* of a command line, enough for any line that shows it */

/* <pid>.<image number>.capture */
static bool parse_name(const char *name, uint32_t *pid, uint32_t *number)
{
	int end = 0;

	return name[0] >= '1' && name[0] <= '9' &&
	       sscanf(name, "%9" SCNu32 ".%9" SCNu32 "%n", pid, number, &end) == 2 &&
	       !strcmp(name + end, CAPTURE_SUFFIX);
}

static bool has_suffix(const char *name)
{
	size_t length = strlen(name), suffix = strlen(CAPTURE_SUFFIX);

	return length > suffix && !strcmp(name + length - suffix, CAPTURE_SUFFIX);
}

static char *describe_command(const struct capture *c)
{
	const char *exe = c->exe;
	char *command = memory_copy("", 0);
	size_t columns = 0;

	for (uint32_t at = 0; at < c->argv_bytes && columns < COMMAND_COLUMNS;) {
		size_t length = strlen(c->argv + at);
		char *argument = escape_argument(c->argv + at, length);
		char *longer = memory_format("%s%s%s", command, *command ? " " : "", argument);

		columns += text_columns(argument) + 1;
		free(argument);
		free(command);
		command = longer;
		at += (uint32_t)length + 1;
	}
	if (!*command && *exe) {
		free(command);
		command = escape_argument(exe, strlen(exe));
	}
	return command;
}

static void remember_children(struct image *image, const struct capture *c)
{
	for (size_t i = 0; i < CAPTURE_CHILDREN; i++)
		image->children_used += c->children[i].pid != 0;
	if (!image->children_used)
		return;
	image->children = memory_get(image->children_used * sizeof(c->children[0]));
	image->children_used = 0;
	for (size_t i = 0; i < CAPTURE_CHILDREN; i++)
		if (c->children[i].pid)
			image->children[image->children_used++] = c->children[i];
}

static void remember_end(struct image *image, const struct capture *c)
{
	static const enum end_kind kinds[] = {
		[ENDED_NOT] = END_LOST, [ENDED_EXIT] = END_EXIT, [ENDED_SIGNAL] = END_SIGNAL, [ENDED_EXEC] = END_EXEC,
	};

	image->end = kinds[c->ended];
	image->code = c->end_code;
	image->end_ns = c->ended != ENDED_NOT && c->end_ns ? c->end_ns : CAPTURE_UNKNOWN;
}

/* ru_maxrss is above zero for every process that ever ran: zero means that the figures around it were never written. */
static void remember_usage(struct image *image, const struct capture *c)
{
	memset(&image->total, 0xff, sizeof(image->total)); /* CAPTURE_UNKNOWN */
	image->max_rss_bytes = c->max_rss_bytes ? c->max_rss_bytes : CAPTURE_UNKNOWN;
	image->late_minor_faults = c->faults.method == FAULTS_SAMPLED ? c->faults.late_minor : CAPTURE_UNKNOWN;
	image->late_major_faults = c->faults.method == FAULTS_SAMPLED ? c->faults.late_major : CAPTURE_UNKNOWN;
	if (!c->max_rss_bytes)
		return;
	image->total = (struct usage){
		c->user_ns, c->system_ns, c->runnable_wait_ns, c->voluntary_switches,
		c->involuntary_switches, c->migrations, c->minor_faults, c->major_faults,
	};
}

/* The highest resident figure that was seen in this image itself. */
static uint64_t seen_peak(const struct capture *c)
{
	uint64_t peak = 0;

	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++)
		if (c->snapshots[i].sequence && c->snapshots[i].rss_bytes != CAPTURE_UNKNOWN &&
		    c->snapshots[i].rss_bytes > peak)
			peak = c->snapshots[i].rss_bytes;
	for (size_t i = 0; i < c->samples_used; i++)
		if (c->samples[i].resident_bytes != CAPTURE_UNKNOWN && c->samples[i].resident_bytes > peak)
			peak = c->samples[i].resident_bytes;
	return peak ? peak : CAPTURE_UNKNOWN;
}

static struct image *new_image(struct recording *recording)
{
	struct image *image;

	if (recording->count == recording->room) {
		recording->room = recording->room ? recording->room * 2 : 16;
		recording->images = memory_more(recording->images, recording->room * sizeof(recording->images[0]));
	}
	image = &recording->images[recording->count++];
	memset(image, 0, sizeof(*image));
	image->start_ns = image->since_ns = image->end_ns = CAPTURE_UNKNOWN;
	memset(&image->total, 0xff, sizeof(image->total));
	image->late_minor_faults = image->late_major_faults = CAPTURE_UNKNOWN;
	image->max_rss_bytes = image->peak_resident_bytes = image->exited_rss_bytes = CAPTURE_UNKNOWN;
	image->end = END_LOST;
	image->previous = image->next = image->parent = image->first_child = image->last_child = image->sibling =
		NO_IMAGE;
	return image;
}

size_t recording_new_image(struct recording *recording)
{
	new_image(recording);
	return recording->count - 1;
}

static void add_good(struct recording *recording, const char *file, const struct capture *c)
{
	const struct capture_snapshot *last = figures_snapshot(c);
	struct image *image = new_image(recording);

	image->file = memory_copy(file, strlen(file));
	image->command = describe_command(c);
	image->pid = c->pid;
	image->parent_pid = c->parent_pid;
	image->number = c->image_number;
	image->born = c->born;
	image->start_ns = c->start_ns;
	image->traced = c->calls_mode == CALLS_TRACED;
	image->peak_resident_bytes = seen_peak(c); /* tree.c adds what max_rss_bytes says */
	image->exited_rss_bytes = last ? last->rss_bytes : CAPTURE_UNKNOWN;
	if (*c->exec_path)
		image->exec_path = memory_copy(c->exec_path, strlen(c->exec_path));
	if (!figures_observed(c))
		for (size_t i = 0; i < CAPTURE_NOTES && !image->reason; i++)
			image->reason = c->notes[i].kind;
	if (c->oom.watched)
		recording->oom = c->oom;
	remember_end(image, c);
	remember_usage(image, c);
	remember_children(image, c);
	image->page_size = c->page_size;
	if (c->invalid_access.state == ACCESS_REFUSED) {
		image->access = memory_get(sizeof(*image->access));
		*image->access = c->invalid_access;
	}
	if (c->cow.method != COW_UNKNOWN || c->cow.own_forks) {
		struct capture_totals heap;

		figures_heap(c, &heap);
		image->frees = heap.frees;
		image->moves = calls_count(c, SYS_mremap);
		image->cow = memory_get(sizeof(*image->cow));
		*image->cow = c->cow;
	}
}

static bool add_checked(struct recording *recording, const char *file, struct capture *c, enum check_result result,
			const char *defect)
{
	uint32_t pid = 0, number = 0;
	bool named = parse_name(file, &pid, &number);

	if (result == CHECK_UNBEGUN && named) {
		struct image *image = new_image(recording);

		image->file = memory_copy(file, strlen(file));
		image->command = memory_copy("", 0);
		image->pid = pid;
		image->number = number;
		return true;
	}
	if (result == CHECK_GOOD || result == CHECK_CLEANED) {
		if (named && (pid != c->pid || number != c->image_number)) {
			result = CHECK_UNUSABLE;
			defect = "damaged: it is named after another process than the one in it";
		}
	}
	if (result == CHECK_UNUSABLE || result == CHECK_UNBEGUN) {
		complain("%s/%s: %s; it is left out", recording->path, file,
			 result == CHECK_UNBEGUN ? "not a capture of pagegap" : defect);
		recording->bad++;
		return false;
	}
	if (result == CHECK_CLEANED) {
		complain("%s/%s: damaged: %s; the rest of it is shown", recording->path, file, defect);
		recording->bad++;
	}
	add_good(recording, file, c);
	return true;
}

bool recording_add(struct recording *recording, const char *file, struct capture *capture)
{
	char defect[160] = "";
	enum check_result result = check_capture(capture, sizeof(*capture), sizeof(*capture), defect, sizeof(defect));

	return add_checked(recording, file, capture, result, defect);
}

/* Reads all there is, at most @room bytes. Returns bytes or -1. */
static ssize_t read_fully(int fd, void *buffer, size_t room, off_t offset)
{
	size_t have = 0;

	while (have < room) {
		ssize_t got = pread(fd, (char *)buffer + have, room - have, offset + (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/*
 * A ledger that is written while it is read: its sequence number is not the same after as before. Such a ledger is
 * none.
 */
static void drop_moving_snapshots(int fd, struct capture *c)
{
	for (size_t i = 0; i < CAPTURE_SNAPSHOTS; i++) {
		off_t at = (off_t)(offsetof(struct capture, snapshots) + i * sizeof(c->snapshots[i]));
		uint32_t again;

		if (c->snapshots[i].sequence && read_fully(fd, &again, sizeof(again), at) == sizeof(again) &&
		    again != c->snapshots[i].sequence)
			c->snapshots[i].sequence = 0;
	}
}

/* All of a capture but the cells that are not in use, as long as it can be seen how many these are. */
static ssize_t read_used(int fd, struct capture *c)
{
	const off_t calls = (off_t)offsetof(struct capture, calls);
	ssize_t got = read_fully(fd, c, (size_t)calls, 0), cells;

	if (got < calls)
		return got;
	if (c->cells_used > CAPTURE_CELLS)
		cells = (ssize_t)sizeof(c->calls);
	else
		cells = (ssize_t)(c->cells_used * sizeof(c->calls[0]));
	got = read_fully(fd, c->calls, (size_t)cells, calls);
	return got < 0 ? got : got < cells ? calls + got : (ssize_t)sizeof(*c);
}

/* Reads one file. Returns its descriptor's status in @status, or an explanation in @defect. */
static enum check_result read_capture(int directory, const char *file, struct capture *c, struct stat *status,
				      char *defect, size_t room)
{
	int fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	enum check_result result = CHECK_UNUSABLE;
	ssize_t got;

	if (fd < 0) {
		snprintf(defect, room, "%s",
			 errno == ELOOP ? "a symbolic link, which a recording has none of" : strerror(errno));
		return CHECK_UNUSABLE;
	}
	if (fstat(fd, status)) {
		snprintf(defect, room, "%s", strerror(errno));
	} else if (!S_ISREG(status->st_mode)) {
		snprintf(defect, room, "not a regular file");
	} else if ((got = read_used(fd, c)) < 0) {
		snprintf(defect, room, "cannot be read: %s", strerror(errno));
	} else {
		if ((size_t)got < sizeof(*c))
			memset((char *)c + got, 0, sizeof(*c) - (size_t)got);
		else if (c->ended == ENDED_NOT)
			drop_moving_snapshots(fd, c);
		result = check_capture(c, (size_t)got, (uint64_t)status->st_size, defect, room);
	}
	close(fd);
	return result;
}

static void read_file(struct recording *recording, const char *file, struct capture *buffer)
{
	char defect[160] = "";
	struct stat status = { 0 };
	enum check_result result = read_capture(recording->directory, file, buffer, &status, defect, sizeof(defect));
	uint32_t pid, number;

	if (S_ISREG(status.st_mode) && !status.st_size && parse_name(file, &pid, &number)) {
		recording->hollow = memory_more(recording->hollow, (recording->hollow_count + 1) * sizeof(char *));
		recording->hollow[recording->hollow_count++] = memory_copy(file, strlen(file));
		return;
	}
	if (add_checked(recording, file, buffer, result, defect)) {
		recording->images[recording->count - 1].device = status.st_dev;
		recording->images[recording->count - 1].inode = status.st_ino;
	}
}

/*
 * A process that was killed at the very moment of its birth leaves an empty file. Where its parent saw that end, all that
 * there is to know is told; else something is amiss.
 */
static void explain_hollow(struct recording *recording)
{
	for (size_t i = 0; i < recording->hollow_count; i++) {
		uint32_t pid = 0, number;
		size_t known;

		parse_name(recording->hollow[i], &pid, &number);
		known = recording_find(recording, pid);
		if (known == NO_IMAGE || recording->images[known].end != END_SIGNAL) {
			complain("%s/%s: empty: its process ended before it could be recorded, or the disk was full; it is left "
				 "out", recording->path, recording->hollow[i]);
			recording->bad++;
		}
		free(recording->hollow[i]);
	}
	free(recording->hollow);
	recording->hollow = NULL;
	recording->hollow_count = 0;
}

static void read_all(struct recording *recording, DIR *directory)
{
	char **names = NULL;
	size_t count = 0, room = 0;
	struct dirent *entry;

	while ((entry = readdir(directory))) {
		if (!has_suffix(entry->d_name))
			continue;
		if (count == room) {
			room = room ? room * 2 : 64;
			names = memory_more(names, room * sizeof(names[0]));
		}
		names[count++] = memory_copy(entry->d_name, strlen(entry->d_name));
	}
	progress_begin("reading captures", count);
	for (size_t i = 0; i < count; i++) {
		progress_at(i);
		read_file(recording, names[i], recording->buffer);
		free(names[i]);
	}
	progress_end();
	free(names);
}

struct recording *recording_new(const char *path)
{
	struct recording *recording = memory_get(sizeof(*recording));

	recording->path = memory_copy(path, strlen(path));
	recording->directory = -1;
	recording->buffer = memory_get(sizeof(*recording->buffer));
	return recording;
}

struct recording *recording_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), copy;
	struct recording *recording;
	DIR *directory;

	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	directory = copy < 0 ? NULL : fdopendir(copy);
	if (!directory) {
		complain("%s: %s (a recording is a directory pagegap.NAME.PID, or the one given to run --output)", path,
			 errno == ENOTDIR ? "not a recording: not a directory" : strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	recording = recording_new(path);
	recording->directory = fd;
	read_all(recording, directory);
	closedir(directory);
	if (!recording->count) {
		explain_hollow(recording);
		if (recording->bad)
			complain("%s: none of its %zu captures can be read", path, recording->bad);
		else
			complain("%s: not a recording: there is no capture in it", path);
		recording_close(recording);
		return NULL;
	}
	recording_link(recording);
	explain_hollow(recording);
	return recording;
}

char *recording_newest(void)
{
	struct timespec newest = { 0 };
	struct dirent *entry;
	DIR *here = opendir(".");
	char *name = NULL;

	while (here && (entry = readdir(here))) {
		const char *pid = strrchr(entry->d_name, '.');
		struct stat status;

		if (strncmp(entry->d_name, "pagegap.", 8) || !pid || pid[1] < '1' || pid[1] > '9' ||
		    pid[1 + strspn(pid + 1, "0123456789")])
			continue;
		if (fstatat(dirfd(here), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(status.st_mode))
			continue;
		if (name && (status.st_mtim.tv_sec < newest.tv_sec ||
			     (status.st_mtim.tv_sec == newest.tv_sec && status.st_mtim.tv_nsec <= newest.tv_nsec)))
			continue;
		newest = status.st_mtim;
		free(name);
		name = memory_copy(entry->d_name, strlen(entry->d_name));
	}
	if (here)
		closedir(here);
	if (!name)
		complain("no recording here: there is no directory pagegap.NAME.PID; make one with 'pagegap run "
			 "PROGRAM', or name another");
	return name;
}

/* An image without a capture, in the shape of one: what is not known of it is unknown. */
static void load_nothing(const struct image *image, struct capture *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->magic, CAPTURE_MAGIC, sizeof(c->magic));
	c->version = CAPTURE_VERSION;
	c->header_bytes = sizeof(*c);
	c->page_size = 4096;
	c->pid = image->pid;
	c->parent_pid = image->parent_pid;
	c->image_number = image->number;
	c->born = image->born;
	c->start_ns = image->start_ns;
	c->inherited_blocks = c->inherited_live_bytes = c->inherited_usable_bytes = CAPTURE_UNKNOWN;
	c->own_thread_ns_spent = CAPTURE_UNKNOWN;
	c->children_born = CAPTURE_UNKNOWN;
	if (image->exe)
		snprintf(c->exe, sizeof(c->exe), "%s", image->exe);
	c->notes[0].kind = image->reason ? image->reason : NOTE_NOT_PRELOADED;
	c->notes[0].count = 1;
}

bool recording_load(const struct recording *recording, size_t index, struct capture *capture)
{
	const struct image *image = &recording->images[index];
	char defect[160] = "";
	struct stat status;
	enum check_result result;

	if (!image->file) {
		load_nothing(image, capture);
		return true;
	}
	if (recording->memory) {
		memcpy(capture, recording->memory(image->file), sizeof(*capture));
		result = check_capture(capture, sizeof(*capture), sizeof(*capture), defect, sizeof(defect));
	} else {
		result = read_capture(recording->directory, image->file, capture, &status, defect, sizeof(defect));
	}
	if (result == CHECK_UNBEGUN) {
		load_nothing(image, capture);
		return true;
	}
	if (result == CHECK_UNUSABLE || capture->pid != image->pid) {
		complain("%s/%s: %s; it is left out", recording->path, image->file,
			 result == CHECK_UNUSABLE ? defect : "replaced while it was read");
		return false;
	}
	return true;
}

void recording_close(struct recording *recording)
{
	if (!recording)
		return;
	for (size_t i = 0; i < recording->count; i++) {
		free(recording->images[i].file);
		free(recording->images[i].command);
		free(recording->images[i].children);
		free(recording->images[i].cow);
		free(recording->images[i].access);
		free(recording->images[i].exe);
		free(recording->images[i].exec_path);
	}
	if (recording->directory >= 0)
		close(recording->directory);
	free(recording->images);
	free(recording->buffer);
	free(recording->path);
	free(recording);
}
