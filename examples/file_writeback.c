/* SPDX-License-Identifier: MIT */
/*
 * A file mapping written back. A shared mapping of a file is the page cache itself: a store makes a page dirty, msync
 * writes it to the file and makes it clean again, and the page stays resident all the while.
 * usage: file_writeback [FILE]   (must not exist; default: file_writeback.data; removed at the end)
 *
 * In the report: the row file is 4 MiB mapped; resident and dirty are 1 MiB at "written", resident 1 MiB and dirty 0
 * at "synced". On tmpfs a page is never clean, because there is nothing to write it to: the program says so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pagegap.h"

#define BYTES   (4UL * 1024 * 1024)
#define WRITTEN (1UL * 1024 * 1024)
#define TMPFS   0x01021994      /* statfs(2), f_type */

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "file_writeback.data";
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct statfs where;
	char *memory, back;

	if (fd < 0 || ftruncate(fd, (off_t)BYTES) != 0 || fstatfs(fd, &where) != 0) {
		perror(name);
		return 1;
	}
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return 1;
	pagegap_mark("mapped");
	memset(memory, 'x', WRITTEN);
	pagegap_mark("written");
	if (msync(memory, BYTES, MS_SYNC) != 0)
		return 1;
	pagegap_mark("synced");
	if (pread(fd, &back, 1, (off_t)WRITTEN - 1) != 1)
		return 1;
	printf("mapped_bytes %lu\n", BYTES);
	printf("written_bytes %lu\n", WRITTEN);
	printf("read_back %c\n", back);
	printf("tmpfs %d\n", where.f_type == TMPFS);
	unlink(name);
	return 0;
}
