/* SPDX-License-Identifier: MIT */
#include "trace_births.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

pid_t trace_birth_process(pid_t tid)
{
	char path[64], text[4096], *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	at = strstr(text, "\nTgid:");
	return at ? (pid_t)strtol(at + 6, NULL, 10) : 0;
}

void trace_birth_follow(struct trace_image *image, pid_t pid)
{
	char path[64], link[CAPTURE_PATH_BYTES];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	got = readlink(path, link, sizeof(link) - 1);
	if (got <= 0)
		return;
	link[got] = '\0';
	memcpy(image->capture->exec_path, link, (size_t)got + 1);
}
