/* SPDX-License-Identifier: MIT */
/*
 * Defines mmap, munmap, open, read, write, close, getenv, memcpy, dlsym and pthread_create itself, each counting its
 * calls. An instrument that uses those functions for its own work, or trusts them to be libc's, calls into the program
 * behind its back.
 *
 * run: => exit 0; exit 31
 */
#include "hostile.h"

#include <sys/syscall.h>

#define PUBLIC __attribute__((visibility("default")))

static unsigned long mmaps, munmaps, opens, reads, writes, closes, getenvs, forks, prctls;

PUBLIC void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	mmaps++;
	return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
}

PUBLIC int munmap(void *at, size_t length)
{
	munmaps++;
	return (int)syscall(SYS_munmap, at, length);
}

PUBLIC int open(const char *name, int flags, ...)
{
	opens++;
	return (int)syscall(SYS_openat, AT_FDCWD, name, flags, 0600);
}

PUBLIC ssize_t read(int fd, void *to, size_t length)
{
	reads++;
	return syscall(SYS_read, fd, to, length);
}

PUBLIC ssize_t write(int fd, const void *from, size_t length)
{
	writes++;
	return syscall(SYS_write, fd, from, length);
}

PUBLIC int close(int fd)
{
	closes++;
	return (int)syscall(SYS_close, fd);
}

PUBLIC char *getenv(const char *name)
{
	(void)name;
	getenvs++;
	return NULL;
}

PUBLIC int prctl(int option, ...);
PUBLIC int prctl(int option, ...)
{
	(void)option;
	prctls++;
	errno = ENOSYS;
	return -1;
}

PUBLIC pid_t getpid(void) { return 12345; }

PUBLIC pid_t fork(void)
{
	forks++;
	return (pid_t)syscall(SYS_fork);
}

int main(void)
{
	char byte;

	say_heap("own wrappers");
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say_pointer("mmap", page);
	say_result("munmap", munmap(page, 4096));
	int fd = open("/dev/zero", O_RDONLY);
	say_result("open", fd);
	say_result("read", read(fd, &byte, 1));
	say_result("close", close(fd));
	say("pid: %d", getpid());
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		_exit(31);
	}
	reap("child", child);
	unsigned long written = writes;
	say("calls: mmap %lu, munmap %lu, open %lu, read %lu, write %lu, close %lu, getenv %lu, fork %lu, prctl %lu",
	    mmaps, munmaps, opens, reads, written, closes, getenvs, forks, prctls);
	return 0;
}
