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

#define SLACK_NS 100000         /* between two readings of a process that runs */

/* Calls back for each line of maps that names a file; stops when told so. Returns 0 or an errno. */
static int each_mapping(pid_t pid,
			bool (*use)(void *context, uint64_t device, uint64_t inode, bool shared, const char *path),
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
		if (sscanf(line, "%*x-%*x %4s %*x %x:%x %" SCNu64 " %n", access, &major_number, &minor_number, &inode,
			   &name) < 4 ||
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
	uint64_t minor_faults, children_minor_faults, major_faults, children_major_faults, user, system, children_user,
		children_system;
};

/* /proc/PID/stat; the command name in parentheses may hold anything, so its last one is looked for. */
static bool read_stat(pid_t pid, struct stat_figures *s)
{
	char path[64], buffer[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strrchr(buffer, ')')))
		return false;
	return sscanf(at + 1,
		      " %*c %*d %*d %*d %*d %*d %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		      " %" SCNu64 " %" SCNu64 " %" SCNu64,
		      &s->minor_faults, &s->children_minor_faults, &s->major_faults, &s->children_major_faults,
		      &s->user, &s->system, &s->children_user, &s->children_system) == 8;
}

bool live_had_children(pid_t pid)
{
	struct stat_figures s;

	return !read_stat(pid, &s) || s.children_minor_faults || s.children_major_faults || s.children_user ||
	       s.children_system;
}

uint64_t live_start_ns(pid_t pid)
{
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK), ticks, suspended_ns;
	char path[64], buffer[1024], state;
	struct timespec boot, monotonic;
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strrchr(buffer, ')')) ||
	    sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
		   &state, &ticks) != 2 ||
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

	if (!read_small(path, buffer, sizeof(buffer)) || !(at = strstr(buffer, "nr_migrations")) ||
	    !(at = strchr(at, ':')))
		return false;
	*migrations += strtoull(at + 1, NULL, 10);
	return true;
}

/*
 * What the threads that are still there know together, and for how long they ran: exact if that is all that the process
 * ran.
 */
static bool sum_threads(pid_t pid, struct usage *usage, uint64_t *ran_ns)
{
	char path[320];
	uint64_t voluntary = 0, involuntary = 0, waiting = 0, migrations = 0;
	bool switches = true, waits = true, moves = true;
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	*ran_ns = 0;
	if (!tasks)
		return false;
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		switches = switches && read_switches(path, &voluntary, &involuntary);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		waits = waits && read_schedstat(path, ran_ns, &waiting);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/sched", pid, entry->d_name);
		moves = moves && read_migrations(path, &migrations);
	}
	closedir(tasks);
	usage->voluntary_switches = switches ? voluntary : CAPTURE_UNKNOWN;
	usage->involuntary_switches = switches ? involuntary : CAPTURE_UNKNOWN;
	usage->runnable_wait_ns = waits ? waiting : CAPTURE_UNKNOWN;
	usage->migrations = moves ? migrations : CAPTURE_UNKNOWN;
	return waits;
}

/*
 * A clock of another process: clock_getcpuclockid(3) knows one of the three kinds, this is how it makes it
 * (posix-timers_types.h).
 */
static bool read_clock(pid_t pid, unsigned kind, uint64_t *ns)
{
	struct timespec time;

	if (clock_gettime((clockid_t)(~(unsigned)pid << 3 | kind), &time))
		return false;
	*ns = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	return true;
}

/*
 * The ticks tell user from system, the scheduler how much there was in all: the kernel makes ru_utime and ru_stime of
 * the two in the same way (kernel/sched/cputime.c, cputime_adjust). Read here because /proc/PID/stat has only ticks,
 * and rusage has the children in it.
 */
static bool read_cpu_times(pid_t pid, struct usage *usage, uint64_t *ran_ns)
{
	uint64_t both, user;

	if (!read_clock(pid, 0, &both) || !read_clock(pid, 1, &user) || !read_clock(pid, 2, ran_ns) || user > both)
		return false;
	usage->user_ns = both ? (uint64_t)((double)*ran_ns * ((double)user / (double)both)) : *ran_ns;
	if (usage->user_ns > *ran_ns)
		usage->user_ns = *ran_ns;
	usage->system_ns = *ran_ns - usage->user_ns;
	return true;
}

bool live_usage(pid_t pid, struct usage *usage)
{
	uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK), ran_ns = 0, threads_ran_ns;
	struct stat_figures s;
	bool exact;

	memset(usage, 0xff, sizeof(*usage)); /* CAPTURE_UNKNOWN */
	if (!read_stat(pid, &s))
		return false;
	exact = sum_threads(pid, usage, &threads_ran_ns) && read_cpu_times(pid, usage, &ran_ns);
	if (!exact) {
		usage->user_ns = s.user * tick_ns;
		usage->system_ns = s.system * tick_ns;
	}
	usage->minor_faults = s.minor_faults;
	usage->major_faults = s.major_faults;
	if (!exact || threads_ran_ns + threads_ran_ns / 1000 + SLACK_NS < ran_ns) /* others ran and are gone */
		usage->voluntary_switches = usage->involuntary_switches = usage->runnable_wait_ns = usage->migrations =
			CAPTURE_UNKNOWN;
	return true;
}
