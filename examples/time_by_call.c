/* SPDX-License-Identifier: MIT */
/*
 * Where a program's time in the kernel goes, by call. 200,000 times the cheapest call there is (getppid), and 200 times a megabyte of
 * zeros; between them, and for about as long, it computes, which no call shows.
 *
 * In the report: 200,000 getppid and 200 read, of which each takes far longer; the time of all calls is part of the system time, and the
 * computing is user time.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	static char megabyte[1 << 20];
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	volatile unsigned long sum = 0;

	for (int i = 0; i < 200000; i++)
		(void)getppid();
	for (unsigned long i = 0; i < 100000000; i++)
		sum += i;
	for (int i = 0; i < 200; i++)
		if (read(zeros, megabyte, sizeof(megabyte)) != sizeof(megabyte))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
