/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's OOM killer does while a program runs. It tells nobody whom it kills, but it counts: for each
 * memory cgroup and for the machine, and anybody may read the counts.
 */
#ifndef PAGEGAP_OOM_WATCH_H
#define PAGEGAP_OOM_WATCH_H

#include <sys/types.h>

#include "../preload/capture.h"

struct oom_watch;

/* Before the program is started, which begins in the cgroup of this process. */
struct oom_watch *oom_watch_open(void);

/* While it runs, now and then: it may be moved to another cgroup. */
void oom_watch_look(struct oom_watch *watch, pid_t pid);

/* When it has ended and is still a zombie; the end of the watch. */
struct capture_oom oom_watch_close(struct oom_watch *watch, pid_t pid);

/*
 * oom_directory - where the files of a process's memory cgroup are
 * @cgroups: what is in /proc/PID/cgroup: cgroups(7)
 * @mounts: what is in /proc/self/mountinfo: proc(5)
 * @unified: set: it is of cgroup version 2
 *
 * Returns a path, to be freed, or NULL: it is not mounted here, or out of sight.
 */
char *oom_directory(const char *cgroups, const char *mounts, int *unified);

/* The number behind "oom_kill" in memory.events or memory.oom_control; CAPTURE_UNKNOWN: it is not there. */
uint64_t oom_kills(const char *text);

#endif
