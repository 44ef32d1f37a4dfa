/* SPDX-License-Identifier: MIT */
/*
 * fork against fork and exec. A forked child has all its parent's memory at once without a copy: the pages are shared
 * until one side writes. exec throws all of it away and starts another program in the same process. The parent fills
 * 32 MiB, forks a child that writes 8 MiB of it, and forks another that executes this program again, with an argument.
 *
 * In the report: three processes. The first child (born by fork) has 32 MiB resident at "child wrote", 24 MiB of it
 * shared. The second has two images, one that ended by exec and one born by exec, with nothing of the 32 MiB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagegap.h"

#define BYTES   (32UL * 1024 * 1024)
#define WRITTEN (8UL * 1024 * 1024)

/* Waits for the child; returns its exit status. */
static int wait_for(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		exit(1);
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	pid_t writer, executor;
	char *memory;

	if (argc > 1)           /* what the second child becomes */
		return 7;
	memory = malloc(BYTES);
	if (!memory)
		return 1;
	memset(memory, 1, BYTES);
	pagegap_mark("filled");
	writer = fork();
	if (writer == 0) {
		memset(memory, 2, WRITTEN);
		pagegap_mark("child wrote");
		_exit(0);
	}
	if (wait_for(writer) != 0)
		return 1;
	executor = fork();
	if (executor == 0) {
		execl("/proc/self/exe", argv[0], "again", (char *)NULL);
		_exit(127);
	}
	printf("filled_bytes %lu\n", BYTES);
	printf("written_bytes %lu\n", WRITTEN);
	printf("writer_pid %d\n", writer);
	printf("executor_pid %d\n", executor);
	printf("executor_status %d\n", wait_for(executor));
	free(memory);
	return 0;
}
