/* SPDX-License-Identifier: MIT */
/* Reading /proc of other processes. */
#include "live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

/* Calls back for each line of maps that names a file; stops when told so. Returns 0 or an errno. */
static int each_mapping(pid_t pid, bool (*use)(void *context, uint64_t device, uint64_t inode, bool shared, const char *path),
			void *context)
{
	char path[64], *line = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *maps;
	int error;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? ESRCH : errno;
	errno = 0;
	while ((length = getline(&line, &room, maps)) > 0) {
		unsigned major_number, minor_number;
		uint64_t inode;
		char access[5];
		int name = 0;

		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (sscanf(line, "%*x-%*x %4s %*x %x:%x %" SCNu64 " %n", access, &major_number, &minor_number, &inode, &name) < 4 ||
		    !inode || !name || line[name] != '/')
			continue;
		if (!use(context, makedev(major_number, minor_number), inode, access[3] == 's', line + name))
			break;
	}
	error = length < 0 && errno && !feof(maps) ? errno : 0;
	free(line);
	fclose(maps);
	return error;
}

static bool is_capture(void *context, uint64_t device, uint64_t inode, bool shared, const char *path)
{
	struct live_mapping *found = context;
	size_t length = strlen(path), suffix = strlen(CAPTURE_SUFFIX);

	if (!shared || length <= suffix || strcmp(path + length - suffix, CAPTURE_SUFFIX))
		return true;
	*found = (struct live_mapping){ device, inode, memory_copy(path, length) };
	return false;
}

int live_capture(pid_t pid, struct live_mapping *found)
{
	int error;

	memset(found, 0, sizeof(*found));
	error = each_mapping(pid, is_capture, found);
	return found->path ? 0 : error ? error : ENOENT;
}

static bool is_other_file(void *context, uint64_t device, uint64_t inode, bool shared, const char *path)
{
	struct live_mapping *wanted = context;

	(void)shared;
	(void)path;
	if (device != wanted->device || inode != wanted->inode)
		return true;
	wanted->inode = 0;
	return false;
}

bool live_maps_file(pid_t pid, uint64_t device, uint64_t inode)
{
	struct live_mapping wanted = { device, inode, NULL };

	return inode && !each_mapping(pid, is_other_file, &wanted) && !wanted.inode;
}

static bool read_small(const char *path, char *buffer, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, buffer, room - 1);
	close(fd);
	if (got <= 0)
		return false;
	buffer[got] = '\0';
	return true;
}

struct stat_figures {
	uint64_t minor_faults, children_minor_faults, major_faults, children_major_faults, user, system, children_user, children_system;
};

/* /proc/PID/stat; the command name in parentheses may hold anything, so its last one is looked for. */
static bool read_stat(pid_t pid, struct stat_figures *s)
{
	char path[64], buffer[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strrchr(buffer, ')')))
		return false;
	return sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64 " %" SCNu64, &s->minor_faults, &s->children_minor_faults, &s->major_faults,
		      &s->children_major_faults, &s->user, &s->system, &s->children_user, &s->children_system) == 8;
}

bool live_had_children(pid_t pid)
{
	struct stat_figures s;

	return !read_stat(pid, &s) || s.children_minor_faults || s.children_major_faults || s.children_user || s.children_system;
}

uint64_t live_start_ns(pid_t pid)
{
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK), ticks, suspended_ns;
	char path[64], buffer[1024], state;
	struct timespec boot, monotonic;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strrchr(buffer, ')')) ||
	    sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, &state, &ticks) != 2 ||
	    state == 'Z' || state == 'X')
		return CAPTURE_UNKNOWN;
	/* The kernel counts from boot, time asleep as a machine included. */
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	suspended_ns = (uint64_t)((boot.tv_sec - monotonic.tv_sec) * 1000000000 + (boot.tv_nsec - monotonic.tv_nsec));
	return ticks * tick_ns > suspended_ns ? ticks * tick_ns - suspended_ns : 0;
}

static bool read_switches(const char *path, uint64_t *voluntary, uint64_t *involuntary)
{
	char buffer[8192];
	const char *at, *also;

	if (!read_small(path, buffer, sizeof(buffer)))
		return false;
	at = strstr(buffer, "\nvoluntary_ctxt_switches:");
	also = strstr(buffer, "\nnonvoluntary_ctxt_switches:");
	if (!at || !also)
		return false;
	*voluntary += strtoull(strchr(at, ':') + 1, NULL, 10);
	*involuntary += strtoull(strchr(also, ':') + 1, NULL, 10);
	return true;
}

static bool read_schedstat(const char *path, uint64_t *running, uint64_t *waiting)
{
	char buffer[128];
	uint64_t ran, waited;

	if (!read_small(path, buffer, sizeof(buffer)) || sscanf(buffer, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		return false;
	*running += ran;
	*waiting += waited;
	return true;
}

static bool read_migrations(const char *path, uint64_t *migrations)
{
	char buffer[4096];
	const char *at;

	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strstr(buffer, "nr_migrations")) || !(at = strchr(at, ':')))
		return false;
	*migrations += strtoull(at + 1, NULL, 10);
	return true;
}

bool live_leader_times(pid_t pid, uint64_t *running_ns, uint64_t *waiting_ns)
{
	char path[64];

	*running_ns = *waiting_ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, pid);
	return read_schedstat(path, running_ns, waiting_ns);
}

bool live_leader_migrations(pid_t pid, uint64_t *migrations)
{
	char path[64];

	*migrations = 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", pid, pid);
	return read_migrations(path, migrations);
}

/* What the threads that live now know: a lower bound if others have ended, so the caller takes it only where that is better. */
static void sum_threads(pid_t pid, struct usage *usage)
{
	char path[320];
	uint64_t voluntary = 0, involuntary = 0, running = 0, waiting = 0, migrations = 0;
	bool switches = true, waits = true, moves = true;
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		switches = switches && read_switches(path, &voluntary, &involuntary);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		waits = waits && read_schedstat(path, &running, &waiting);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/sched", pid, entry->d_name);
		moves = moves && read_migrations(path, &migrations);
	}
	closedir(tasks);
	if (switches) {
		usage->voluntary_switches = voluntary;
		usage->involuntary_switches = involuntary;
	}
	if (waits)
		usage->runnable_wait_ns = waiting;
	if (moves)
		usage->migrations = migrations;
}

bool live_usage(pid_t pid, struct usage *usage)
{
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	struct stat_figures s;

	memset(usage, 0xff, sizeof(*usage)); /* CAPTURE_UNKNOWN */
	if (!read_stat(pid, &s))
		return false;
	usage->user_ns = s.user * tick_ns;
	usage->system_ns = s.system * tick_ns;
	usage->minor_faults = s.minor_faults;
	usage->major_faults = s.major_faults;
	sum_threads(pid, usage);
	return true;
}
