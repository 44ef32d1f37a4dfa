/* SPDX-License-Identifier: MIT */
/* Only files and the userfaultfd: a descriptor of a directory would be a way out of a new root directory. */
#include "kept.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"

enum { SMAPS, PAGEMAP, STATUS, FILES, WATCH = FILES, KEPT };

static const char *const names[FILES] = { "smaps", "pagemap", "status" };
static const char *const paths[FILES] = { "/proc/self/smaps", "/proc/self/pagemap", "/proc/self/status" };

static struct {
	int   fd;                       /* -1: none, after kept_open */
	bool  open;
	dev_t device;
	ino_t inode;
} kept[KEPT];

static bool identity(int fd, struct stat *status)
{
	return !sys_failed(sys_call2(SYS_fstat, fd, status));
}

/*
 * Far from the descriptors that the program counts on, but not so far that the table of descriptors, which each fork copies, becomes
 * large. Returns the new one and closes the old one; -1: the limit on descriptors leaves no room, and the old one is as it was.
 */
static int move_high(int fd)
{
	struct rlimit limit;
	long high;

	if (sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit)) || limit.rlim_cur < 64)
		return -1;
	high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, min_u64(limit.rlim_cur, 1024) - 16);
	if (sys_failed(high))
		return -1;
	sys_call1(SYS_close, fd);
	return (int)high;
}

static bool hold(int i, int fd)
{
	struct stat status;

	if (!identity(fd, &status))
		return false;
	kept[i].fd = fd;
	kept[i].device = status.st_dev;
	kept[i].inode = status.st_ino;
	kept[i].open = true;
	return true;
}

static bool stands(int i)
{
	struct stat status;

	return kept[i].open && identity(kept[i].fd, &status) && status.st_dev == kept[i].device && status.st_ino == kept[i].inode;
}

void kept_open(void)
{
	for (int i = 0; i < FILES; i++) {
		int fd, high;

		if (kept[i].open)
			continue;
		fd = sys_open(paths[i], O_RDONLY, 0);
		if (fd < 0)
			continue;
		high = move_high(fd);
		hold(i, high < 0 ? fd : high);
	}
}

bool kept_watch(int fd)
{
	int high = move_high(fd);

	if (high >= 0 && hold(WATCH, high))
		return true;
	sys_call1(SYS_close, high < 0 ? fd : high);
	return false;
}

int kept_watching(void)
{
	return stands(WATCH) ? kept[WATCH].fd : -1;
}

void kept_watch_ends(void)
{
	if (stands(WATCH))
		sys_call1(SYS_close, kept[WATCH].fd);
	kept[WATCH].open = false;
}

void kept_forked(void)
{
	for (int i = 0; i < KEPT; i++) {
		if (stands(i))
			sys_call1(SYS_close, kept[i].fd);
		kept[i].open = false;
	}
}

int kept_file(const char *name)
{
	for (int i = 0; i < FILES; i++) {
		if (strcmp(name, names[i]) || !stands(i))
			continue;
		sys_call3(SYS_lseek, kept[i].fd, 0, SEEK_SET); /* refused: then it can be read once */
		return kept[i].fd;
	}
	return -ENOENT;
}

bool kept_owns(int fd)
{
	for (int i = 0; i < KEPT; i++)
		if (kept[i].open && kept[i].fd == fd)
			return true;
	return false;
}

bool kept_hides(int fd)
{
	for (int i = 0; i < KEPT; i++)
		if (kept[i].open && kept[i].fd == fd)
			return stands(i);
	return false;
}

int kept_first(unsigned first, unsigned last)
{
	int found = -1;

	for (int i = 0; i < KEPT; i++)
		if (kept[i].open && (unsigned)kept[i].fd >= first && (unsigned)kept[i].fd <= last &&
		    (found < 0 || kept[i].fd < found) && stands(i))
			found = kept[i].fd;
	return found;
}

void kept_make_way(int fd)
{
	for (int i = 0; i < KEPT; i++) {
		long other;

		if (!kept[i].open || kept[i].fd != fd || !stands(i))
			continue;
		other = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, (uint64_t)fd + 1);
		if (sys_failed(other))
			other = move_high(fd);
		else
			sys_call1(SYS_close, fd);
		kept[i].fd = (int)other;
		kept[i].open = other >= 0;
		return;
	}
}
