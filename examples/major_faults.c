/* SPDX-License-Identifier: MIT */
/*
 * Major faults: a page of a mapped file that is not in memory must be read, and the program waits for the disk. A
 * file of 64 pages is read through a mapping twice: when the kernel has been asked to drop its pages (posix_fadvise),
 * and once more.
 *
 * In the report: 64 major faults of the row file ("files"), and no other ones.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pagegap.h"

#define PAGE  4096UL
#define PAGES 64UL

static volatile char *map(int fd)
{
	void *memory = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	/* Nothing is to be read ahead: one fault for each page. */
	if (memory == MAP_FAILED || madvise(memory, PAGES * PAGE, MADV_RANDOM) != 0)
		exit(1);
	return memory;
}

/* Backwards: the kernel maps pages that it has around the one that is asked for. */
static void read_all(volatile char *memory)
{
	for (size_t page = PAGES; page--;)
		(void)memory[page * PAGE];
}

static long majors_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

int main(void)
{
	char name[] = "major_faults.XXXXXX", page[PAGE] = "x";
	int fd = mkstemp(name);
	volatile char *memory;
	long before;

	if (fd < 0 || unlink(name) != 0)
		return 1;
	for (size_t i = 0; i < PAGES; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			return 1;
	if (fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return 1;
	memory = map(fd);
	before = majors_now();
	pagegap_mark("cold");
	read_all(memory);
	pagegap_mark("read");
	read_all(memory);
	printf("file_bytes %lu\n", PAGES * PAGE);
	printf("major_faults %ld\n", majors_now() - before);    /* none where the file lives in memory: tmpfs */
	return 0;
}
