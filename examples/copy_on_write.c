/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write: after a fork, parent and child share every page until one of them writes to it; then that page is copied,
 * once. Three children of a process with 16 MiB: one reads all of it, one writes a quarter of it, one does nothing while
 * its parent writes an eighth.
 *
 * In the report: of each child's 4,096 inherited pages of the row anon ("own mappings"), 0, 1,024 and 512 are no longer
 * shared at its end; the second child has copied its 1,024, and the parent, not the third one, the 512.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096UL
#define BYTES (16UL * 1024 * 1024)

static volatile char *memory;
static int ready[2];

static void write_pages(size_t bytes)
{
	for (size_t at = 0; at < bytes; at += PAGE)
		memory[at]++;
}

static void read_all(void)
{
	char sum = 0;

	for (size_t at = 0; at < BYTES; at += PAGE)
		sum = (char)(sum + memory[at]);
	_exit(sum == (char)(BYTES / PAGE) ? 0 : 1);
}

static void write_a_quarter(void)
{
	write_pages(BYTES / 4);
	_exit(0);
}

static void wait_for_parent(void)
{
	char byte;

	_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
}

/* Returns the child's exit status. @meanwhile: bytes that the parent writes while the child lives. */
static int bear(const char *name, void (*life)(void), size_t meanwhile)
{
	int status = -1;
	pid_t child = fork();

	if (!child)
		life();
	write_pages(meanwhile);
	if (child < 0 || (meanwhile && write(ready[1], "x", 1) != 1) || waitpid(child, &status, 0) != child)
		return 1;
	printf("%s %d\n", name, child);
	fflush(stdout);
	return status;
}

int main(void)
{
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || madvise((void *)memory, BYTES, MADV_NOHUGEPAGE) != 0 || pipe(ready) != 0)
		return 1;
	write_pages(BYTES);
	if (bear("reader_pid", read_all, 0) || bear("writer_pid", write_a_quarter, 0) ||
	    bear("waiter_pid", wait_for_parent, BYTES / 8))
		return 1;
	printf("inherited_pages %lu\n", BYTES / PAGE);
	return 0;
}
