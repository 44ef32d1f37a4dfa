/* SPDX-License-Identifier: MIT */
/*
 * cgroup v2: memory.events, which counts those below too; v1: memory.oom_control. The machine: oom_kill of
 * /proc/vmstat.
 */
#include "oom_watch.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "memory.h"

#define LOOK_NS 20000000ULL             /* at least between two looks at which cgroup it is */
#define NO_LIMIT (UINT64_MAX >> 2)      /* v1 writes a number above any memory for none */

struct oom_watch {
	char *mounts;
	char *cgroups;                  /* of the program, as of the last look; NULL: not known */
	char *directory;
	int  unified;
	uint64_t kills, machine_kills;  /* at the beginning, or when it came to this cgroup */
	uint64_t looked_ns;
};

/* The whole of a small file; NULL: it cannot be read. To be freed. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t got;

	if (!file)
		return NULL;
	got = getdelim(&text, &room, '\0', file);
	fclose(file);
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}

static char *read_in(const char *directory, const char *name)
{
	char *path = memory_format("%s/%s", directory, name), *text = read_file(path);

	free(path);
	return text;
}

static char *cgroups_of(pid_t pid)
{
	char *path = memory_format("/proc/%d/cgroup", pid), *text = read_file(path);

	free(path);
	return text;
}

/* The line that begins with a word and a blank; the number behind it. */
static uint64_t number_after(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, word, length) && line[length] == ' ')
			return strtoull(line + length, NULL, 10);
	return CAPTURE_UNKNOWN;
}

uint64_t oom_kills(const char *text)
{
	return number_after(text, "oom_kill");
}

/* "4:memory:/path" or, for version 2, "0::/path". Returns the path, to be freed. */
static char *cgroup_path(const char *cgroups, bool unified)
{
	for (const char *line = cgroups; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
		char *list;
		bool found;

		if (!path)
			continue;
		list = memory_format(",%.*s,", (int)(path - controllers - 1), controllers + 1);
		found = unified ? !strcmp(list, ",,") : strstr(list, ",memory,") != NULL;
		free(list);
		if (found)
			return memory_copy(path + 1, strcspn(path + 1, "\n"));
	}
	return NULL;
}

/* mountinfo writes blanks and the like as \ooo: proc(5). */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The path below a mount of the hierarchy. @line: of mountinfo */
static char *below_mount(const char *line, const char *path, bool unified)
{
	char root[1024], point[1024], type[32], options[1024];
	size_t length;

	if (sscanf(line, "%*s %*s %*s %1023s %1023s %*[^\n-]- %31s %*s %1023s", root, point, type, options) != 4 ||
	    strcmp(type, unified ? "cgroup2" : "cgroup") || (!unified && !strstr(options, "memory")))
		return NULL;
	unescape(root);
	unescape(point);
	length = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(path, root, length) || strstr(path, "/.."))
		return NULL;
	return memory_format("%s%s", point, strcmp(path + length, "/") ? path + length : "");
}

static char *directory_in(const char *cgroups, const char *mounts, bool unified)
{
	char *path = cgroup_path(cgroups, unified), *directory = NULL;

	for (const char *line = mounts; path && line && *line && !directory;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		directory = below_mount(line, path, unified);
	free(path);
	return directory;
}

char *oom_directory(const char *cgroups, const char *mounts, int *unified)
{
	char *directory = directory_in(cgroups, mounts, false); /* a controller is in one of the two */

	*unified = !directory;
	return directory ? directory : directory_in(cgroups, mounts, true);
}

static uint64_t kills_now(const struct oom_watch *watch)
{
	const char *name = watch->unified ? "memory.events" : "memory.oom_control";
	char *text = watch->directory ? read_in(watch->directory, name) : NULL;
	uint64_t kills = oom_kills(text);

	free(text);
	return kills;
}

static uint64_t machine_kills_now(void)
{
	char *text = read_file("/proc/vmstat");
	uint64_t kills = oom_kills(text);

	free(text);
	return kills;
}

/* The lowest on the way up to the root of the hierarchy, where the files are no more. */
static uint64_t lowest_limit(const struct oom_watch *watch)
{
	const char *name = watch->unified ? "memory.max" : "memory.limit_in_bytes";
	char *directory = memory_copy(watch->directory, strlen(watch->directory)), *text, *slash;
	uint64_t lowest = CAPTURE_UNKNOWN;

	while ((text = read_in(directory, name))) {
		bool number = *text >= '0' && *text <= '9'; /* or "max" */
		uint64_t limit = number ? strtoull(text, NULL, 10) : CAPTURE_UNKNOWN;

		free(text);
		lowest = limit < NO_LIMIT && limit < lowest ? limit : lowest;
		slash = strrchr(directory, '/');
		if (!slash || slash == directory)
			break;
		*slash = '\0';
	}
	free(directory);
	return lowest;
}

static void settle_in(struct oom_watch *watch, char *cgroups)
{
	free(watch->cgroups);
	free(watch->directory);
	watch->cgroups = cgroups;
	watch->directory = cgroups && watch->mounts ? oom_directory(cgroups, watch->mounts, &watch->unified) : NULL;
	watch->kills = kills_now(watch);
}

struct oom_watch *oom_watch_open(void)
{
	struct oom_watch *watch = memory_get(sizeof(*watch));

	watch->mounts = read_file("/proc/self/mountinfo");
	settle_in(watch, read_file("/proc/self/cgroup"));
	watch->machine_kills = machine_kills_now();
	return watch;
}

/* In version 1, the root is where one that is about to end seems to be: kernel/cgroup/cgroup.c, proc_cgroup_show. */
static bool has_left(const char *cgroups)
{
	char *path = cgroup_path(cgroups, false);
	bool left = path && !strcmp(path, "/");

	free(path);
	return left;
}

void oom_watch_look(struct oom_watch *watch, pid_t pid)
{
	uint64_t now = now_ns();
	char *cgroups;

	if (now - watch->looked_ns < LOOK_NS)
		return;
	watch->looked_ns = now;
	cgroups = cgroups_of(pid);
	if (cgroups && watch->cgroups && strcmp(cgroups, watch->cgroups) && !has_left(cgroups))
		settle_in(watch, cgroups);
	else
		free(cgroups);
}

/* Where one that has ended seems to have left, the last look stands. */
struct capture_oom oom_watch_close(struct oom_watch *watch, pid_t pid)
{
	struct capture_oom oom = { .watched = 1, .limit_bytes = CAPTURE_UNKNOWN };
	char *cgroups = cgroups_of(pid);
	bool stayed = watch->cgroups && (!watch->unified || (cgroups && !strcmp(cgroups, watch->cgroups)));

	oom.cgroup_kills = stayed ? figure_less(kills_now(watch), watch->kills) : CAPTURE_UNKNOWN;
	oom.machine_kills = figure_less(machine_kills_now(), watch->machine_kills);
	if (stayed && watch->directory) {
		size_t length = strlen(watch->directory), most = sizeof(oom.cgroup) - 1;

		oom.limit_bytes = lowest_limit(watch);
		memcpy(oom.cgroup, watch->directory + (length > most ? length - most : 0),
		       length > most ? most : length);
	}
	free(cgroups);
	free(watch->mounts);
	free(watch->cgroups);
	free(watch->directory);
	free(watch);
	return oom;
}
