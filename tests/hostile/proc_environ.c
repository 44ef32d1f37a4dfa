/* SPDX-License-Identifier: MIT */
/*
 * Reads its environment where the kernel keeps it, /proc/self/environ, and has a shell look too: the variables that an
 * instrument came with still stand there when it only took them out of environ.
 *
 * run: => exit 0; exit 0
 */
#include "hostile.h"

static int shown(const char *name)
{
	static char text[1 << 18];
	int fd = open(name, O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t got, length = 0;

	while ((got = read(fd, text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += got;
	close(fd);
	for (const char *one = text; one < text + length; one += strlen(one) + 1) {
		if (!*one) /* bytes that an instrument has wiped: the kernel's copy cannot be made shorter */
			continue;
		count++;
		if (strncmp(one, "_=", 2))
			say("%s", one);
	}
	return count;
}

int main(void)
{
	char name[64];

	say("variables: %d", shown("/proc/self/environ"));
	pid_t child = fork();
	if (!child) {
		char *const arguments[] = { (char[]){ "sleep" }, (char[]){ "1" }, NULL };
		char *const environment[] = { (char[]){ "ONE=1" }, (char[]){ "TWO=2" }, NULL };
		execve("/bin/sleep", arguments, environment);
		_exit(126);
	}
	snprintf(name, sizeof(name), "/proc/%d/environ", child);
	usleep(500000);
	say("variables of the child: %d", shown(name));
	reap("child", child);
	return 0;
}
