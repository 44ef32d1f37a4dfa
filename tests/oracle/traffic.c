/* SPDX-License-Identifier: MIT */
/*
 * Bytes by descriptor, known by construction. For each it prints what the report must say of it: "fd kind calls errors in out path", and in a
 * forked child nothing, for there is another list.
 * usage: traffic SCENARIO DIRECTORY; without arguments it lists the scenarios.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "oracle.h"

static char buffer[4096];

/* What must be known of a descriptor that leads where it did. */
static void said(int fd, const char *kind, unsigned calls, unsigned errors, unsigned in, unsigned out)
{
	char link[64], path[512] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	REQUIRE(readlink(link, path, sizeof(path) - 1) > 0);
	oracle_print("%d %s %u %u %u %u %s\n", fd, kind, calls, errors, in, out, path);
}

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	REQUIRE(fd >= 0);
	return fd;
}

static void ways(void)
{
	struct iovec parts[2] = { { buffer, 10 }, { buffer + 10, 20 } };
	int one = make("one"), two = make("two"), ends[2], pair[2];

	for (int i = 0; i < 10; i++)
		REQUIRE(write(one, buffer, 100) == 100);
	REQUIRE(pwrite(one, buffer, 50, 0) == 50 && writev(one, parts, 2) == 30);
	REQUIRE(pread(one, buffer, 1000, 0) == 1000 && lseek(one, 0, SEEK_SET) == 0 && readv(one, parts, 2) == 30);
	REQUIRE(syscall(SYS_read, one, 8L, 5) == -1); /* EFAULT */
	REQUIRE(sendfile(two, one, NULL, 500) == 500);
	said(one, "file", 10 + 2 + 2 + 1 + 1, 1, 1030 + 500, 1080);
	REQUIRE(syscall(SYS_write, two, buffer, 7) == 7);
	REQUIRE(read(1000, buffer, 1) == -1); /* EBADF: on nothing */
	REQUIRE(pipe(ends) == 0 && write(ends[1], buffer, 300) == 300 && read(ends[0], buffer, 4096) == 300);
	REQUIRE(write(ends[1], buffer, 200) == 200 && splice(ends[0], NULL, two, NULL, 200, 0) == 200);
	said(two, "file", 3, 0, 0, 500 + 7 + 200);
	said(ends[1], "pipe", 2, 0, 0, 500);
	said(ends[0], "pipe", 2, 0, 500, 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && send(pair[0], buffer, 9, 0) == 9 && recv(pair[1], buffer, 100, 0) == 9);
	said(pair[0], "socket", 1, 0, 0, 9);
	said(pair[1], "socket", 1, 0, 9, 0);
}

/* A number that leads somewhere else after each way to make it. */
static void renumbered(void)
{
	int fd = make("a"), other = make("b");
	FILE *stream;

	REQUIRE(write(fd, buffer, 1) == 1);
	said(fd, "file", 1, 0, 0, 1);
	REQUIRE(close(fd) == 0 && make("c") == fd && write(fd, buffer, 2) == 2);
	said(fd, "file", 1, 0, 0, 2);
	REQUIRE(dup2(other, fd) == fd && write(fd, buffer, 4) == 4);
	REQUIRE(syscall(SYS_close, fd) == 0 && make("d") == fd && write(fd, buffer, 8) == 8);
	said(fd, "file", 1, 0, 0, 8);
	REQUIRE(close_range((unsigned)fd, (unsigned)fd, 0) == 0 && make("e") == fd && write(fd, buffer, 16) == 16);
	said(fd, "file", 1, 0, 0, 16);
	/* libc closes it by itself, and the next open tells */
	REQUIRE((stream = fdopen(fd, "w")) && fclose(stream) == 0 && make("f") == fd && write(fd, buffer, 32) == 32);
	said(fd, "file", 1, 0, 0, 32);
	REQUIRE(write(other, buffer, 64) == 64 && close(fd) == 0 && fcntl(other, F_DUPFD, fd) == fd && write(fd, buffer, 128) == 128);
	said(fd, "file", 2, 0, 0, 4 + 128); /* it led there before */
	said(other, "file", 1, 0, 0, 64);
}

/* More than there is room for: those that see the most are kept. */
static void many(void)
{
	char name[32];
	int fd, busy = make("busy");

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		fd = make(name);
		for (int j = 0; j < (i == 150 ? 20 : 2); j++)
			REQUIRE(write(fd, buffer, 10) == 10);
		REQUIRE(write(busy, buffer, 1) == 1);
		if (i == 150)
			said(fd, "file", 20, 0, 0, 200);
		REQUIRE(close(fd) == 0 && unlink(name) == 0);
	}
	said(busy, "file", 300, 0, 0, 300);
}

/* One for every second call: looking each of them up would take longer than what is done with them. The one that stays is known. */
static void brief(void)
{
	int busy = make("stays");

	for (int i = 0; i < 5000; i++) {
		int fd = open("stays", O_RDONLY);

		REQUIRE(fd >= 0 && read(fd, buffer, 1) == (i > 0) && close(fd) == 0 && write(busy, buffer, 1) == 1);
	}
	said(busy, "file", 5000, 0, 0, 5000);
}

static void *reads(void *fd)
{
	for (int i = 0; i < 1000; i++)
		REQUIRE(read(*(int *)fd, buffer, 1) == 1);
	return NULL;
}

/* Two threads and one descriptor. */
static void shared(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		REQUIRE(pthread_create(&threads[i], NULL, reads, &fd) == 0);
	for (int i = 0; i < 2; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	said(fd, "file", 2000, 0, 2000, 0);
}

static void child(void)
{
	int fd = make("both"), status;
	pid_t pid;

	REQUIRE(write(fd, buffer, 1) == 1);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 5; i++)
			REQUIRE(write(fd, buffer, 10) == 10);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	said(fd, "file", 1, 0, 0, 1);
}

static void high(void)
{
	struct rlimit limit = { 4096, 4096 };
	int fd = make("high");

	REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0 && dup2(fd, 2000) == 2000);
	for (int i = 0; i < 3; i++)
		REQUIRE(write(2000, buffer, 5) == 5);
	oracle_print("null unknown 3 0 0 15 \n");
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "ways", ways }, { "renumbered", renumbered }, { "many", many }, { "brief", brief }, { "shared", shared }, { "child", child }, { "high", high },
};

int main(int argc, char **argv)
{
	if (argc > 2)
		REQUIRE(chdir(argv[2]) == 0);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (!strcmp(argv[1], scenarios[i].name))
			scenarios[i].run();
	}
	oracle_flush();
	return 0;
}
