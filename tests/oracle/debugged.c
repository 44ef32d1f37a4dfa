/* SPDX-License-Identifier: MIT */
/* Sleeps and asks for a while, in functions whose names a debugger shall find; ends by itself, saying how often. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int asked;

__attribute__((noinline)) void asks(void)
{
	asked += syscall(SYS_getppid) >= 0;
}

__attribute__((noinline)) void sleeps(void)
{
	usleep(20000);
	asm volatile("");
}

int main(void)
{
	for (int i = 0; i < 150; i++) {
		sleeps();
		asks();
	}
	printf("%d times\n", asked);
	return 7;
}
