/* SPDX-License-Identifier: MIT */
/*
 * A system call with and without its libc wrapper. The same one, getppid, is made 1,000 times through libc's function, 2,000 times
 * through syscall(2), and 4,000 times by an instruction of the program's own, which no wrapper sees. 300 descriptors that are not open
 * are closed.
 *
 * In the report: 3,000 getppid as a rule, and 7,000 with --syscalls=all; 300 close that failed with EBADF either way.
 */
#include <sys/syscall.h>
#include <unistd.h>

static long call_without_libc(long number)
{
	long result;

#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
#else
#error "how does a program enter the kernel on this architecture?"
#endif
	return result;
}

int main(void)
{
	for (int i = 0; i < 1000; i++)
		(void)getppid();
	for (int i = 0; i < 2000; i++)
		(void)syscall(SYS_getppid);
	for (int i = 0; i < 4000; i++)
		(void)call_without_libc(SYS_getppid);
	for (int i = 0; i < 300; i++)
		(void)close(-1);
	return 0;
}
