/* SPDX-License-Identifier: MIT */
/* One look through /proc, then the tree is followed down from the ancestor. */
#include "descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

struct process {
	pid_t pid, parent;
	bool  descends;
};

struct processes {
	struct process *list;
	size_t count, room;
};

/* False: it has gone, or has ended already. */
static bool read_process(const char *pid, struct process *process)
{
	char path[64], buffer[512], state;
	const char *name_end;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, buffer, sizeof(buffer) - 1);
	close(fd);
	if (got <= 0)
		return false;
	buffer[got] = '\0';
	name_end = strrchr(buffer, ')'); /* a name may have anything in it: proc(5) */
	*process = (struct process){ .pid = (pid_t)strtol(pid, NULL, 10) };
	return name_end && sscanf(name_end + 1, " %c %d", &state, &process->parent) == 2 && state != 'Z' && state != 'X';
}

static int by_pid(const void *a, const void *b)
{
	const struct process *first = a, *second = b;

	return first->pid < second->pid ? -1 : first->pid > second->pid;
}

static struct processes read_processes(void)
{
	struct processes all = { 0 };
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	struct process process;

	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !read_process(entry->d_name, &process))
			continue;
		if (all.count == all.room) {
			all.room = all.room ? 2 * all.room : 256;
			all.list = memory_more(all.list, all.room * sizeof(all.list[0]));
		}
		all.list[all.count++] = process;
	}
	if (proc)
		closedir(proc);
	if (all.count)
		qsort(all.list, all.count, sizeof(all.list[0]), by_pid);
	return all;
}

static bool is_descendant(const struct processes *all, pid_t pid)
{
	const struct process wanted = { .pid = pid };
	const struct process *found = all->count ? bsearch(&wanted, all->list, all->count, sizeof(wanted), by_pid) : NULL;

	return found && found->descends;
}

/* Parents often come before their children, but pids wrap around: until nothing new is found. */
static void mark_descendants(struct processes *all, pid_t ancestor)
{
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < all->count; i++) {
			struct process *process = &all->list[i];

			if (process->descends ||
			    (process->parent != ancestor && !is_descendant(all, process->parent)))
				continue;
			process->descends = found = true;
		}
	}
}

size_t descendants_signal(pid_t ancestor, int number)
{
	struct processes all = read_processes();
	size_t count = 0;

	mark_descendants(&all, ancestor);
	for (size_t i = 0; i < all.count; i++) {
		if (!all.list[i].descends)
			continue;
		count++;
		if (number)
			kill(all.list[i].pid, number);
	}
	free(all.list);
	return count;
}
