/* SPDX-License-Identifier: MIT */
/*
 * Huge pages and the time that a fork takes. A fork copies the page tables of anonymous memory, an entry for each
 * page: for 256 MiB that is 65,536 entries with pages of 4 KiB, and 128 with pages of 2 MiB. The page tables that the
 * child has are as large either way, since the kernel keeps one in reserve for each huge page; the time is not.
 *
 * In the report: two children, each born with the page tables of its parent ("Page tables"); the fork of the second
 * took less time. `huge` of the row anon ("own mappings") is 0 at `small` and 256 MiB at `huge`.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pagegap.h"

#define HUGE  (2UL * 1024 * 1024)
#define BYTES (256UL * 1024 * 1024)

/* Forks a child that does nothing and prints its pid. */
static int bear(const char *name)
{
	int status = -1;
	pid_t child = fork();

	if (!child)
		_exit(0);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	printf("%s %d\n", name, child);
	fflush(stdout);
	return status;
}

static int fork_with(int advice, const char *mark, const char *name)
{
	char *memory =
		mmap(NULL, BYTES + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *aligned = (char *)(((uintptr_t)memory + HUGE - 1) / HUGE * HUGE);

	if (memory == MAP_FAILED || madvise(memory, BYTES + HUGE, advice) != 0)
		return 1;
	memset(aligned, 1, BYTES);
	pagegap_mark(mark);
	return bear(name) || munmap(memory, BYTES + HUGE) != 0;
}

int main(void)
{
	if (fork_with(MADV_NOHUGEPAGE, "small", "small_pid") || fork_with(MADV_HUGEPAGE, "huge", "huge_pid"))
		return 1;
	printf("bytes %lu\n", BYTES);
	return 0;
}
