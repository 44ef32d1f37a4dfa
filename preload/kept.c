/* SPDX-License-Identifier: MIT */
/* Only the files: a descriptor of a directory would be a way out of a new root directory. */
#include "kept.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"

enum { SMAPS, PAGEMAP, STATUS, KEPT };

static const char *const names[KEPT] = { "smaps", "pagemap", "status" };
static const char *const paths[KEPT] = { "/proc/self/smaps", "/proc/self/pagemap", "/proc/self/status" };

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

/* Far from the descriptors that the program counts on. */
static int move_high(int fd)
{
	struct rlimit limit;
	long high;

	if (sys_failed(sys_call4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit)) || limit.rlim_cur < 64)
		return fd;
	high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, min_u64(limit.rlim_cur, 1 << 20) - 16);
	if (sys_failed(high))
		return fd;
	sys_call1(SYS_close, fd);
	return (int)high;
}

void kept_open(void)
{
	struct stat status;

	for (int i = 0; i < KEPT; i++) {
		int fd;

		if (kept[i].open)
			continue;
		fd = sys_open(paths[i], O_RDONLY, 0);
		if (fd < 0)
			continue;
		fd = move_high(fd);
		if (!identity(fd, &status))
			continue;
		kept[i].fd = fd;
		kept[i].device = status.st_dev;
		kept[i].inode = status.st_ino;
		kept[i].open = true;
	}
}

static bool stands(int i)
{
	struct stat status;

	return kept[i].open && identity(kept[i].fd, &status) && status.st_dev == kept[i].device && status.st_ino == kept[i].inode;
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
	for (int i = 0; i < KEPT; i++) {
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
