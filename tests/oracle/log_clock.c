/* SPDX-License-Identifier: MIT */
/* Asks the kernel for the time again and again, for some 200 ms: what it is told must lie between the beginning and the end of the call in the log. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timespec now;

	for (int i = 0; i < 20000; i++) {
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
		if (i % 200 == 0)
			usleep(2000);
	}
	return 0;
}
