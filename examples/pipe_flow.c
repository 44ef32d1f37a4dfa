/* SPDX-License-Identifier: MIT */
/*
 * A pipe between two processes. The parent writes 16 MiB in pieces of a page, its child reads them. A pipe holds 64 KiB (pipe(7)): whoever is
 * ahead waits in the kernel for the other.
 *
 * In the report: one pipe2; 4,096 write with 16 MiB in the parent; 4,097 read with 16 MiB in the child, the last of them the end of the
 * file; whoever was ahead has given up the processor of its own will.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECES 4096

static char piece[4096];

static int read_all(int from)
{
	size_t bytes = 0;
	ssize_t got;

	while ((got = read(from, piece, sizeof(piece))) > 0)
		bytes += (size_t)got;
	return got == 0 && bytes == PIECES * sizeof(piece) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
	int ends[2], status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return EXIT_FAILURE;
	child = fork();
	if (child == 0) {
		close(ends[1]);
		return read_all(ends[0]);
	}
	close(ends[0]);
	for (int i = 0; i < PIECES; i++)
		if (write(ends[1], piece, sizeof(piece)) != sizeof(piece))
			return EXIT_FAILURE;
	close(ends[1]);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
