/* SPDX-License-Identifier: MIT */
/*
 * Calls the kernel from stacks of 2 KiB with nothing below them, as Go does: no frame of a signal has room there. The note is that of Go's
 * linker, by which such programs are known.
 *
 * run: => exit 0
 * ledger: none
 * says: with every call caught, that it is traced from outside instead
 */
#include "hostile.h"

#include <sys/syscall.h>

__asm__(".section .note.go.buildid, \"a\"\n"
	".balign 4\n"
	".long 4, 8, 4\n"
	".ascii \"Go\\0\\0\"\n"
	".ascii \"a build\\0\"\n"
	".previous\n");

static long on_stack(char *top, long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("movq %%rsp, %%rbx\n\tmovq %[top], %%rsp\n\tsyscall\n\tmovq %%rbx, %%rsp"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), [top] "r"(top)
			 : "rbx", "rcx", "r11", "memory");
	return result;
}

int main(void)
{
	char *area = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *low = area + 4096, text[16];
	long sum = 0;

	if (area == MAP_FAILED || mprotect(area, 4096, PROT_NONE))
		return 1;
	memset(low, 0x5a, 2048);
	for (int i = 0; i < 1000; i++) {
		long fd = on_stack(low + 4096, SYS_openat, AT_FDCWD, (long)"/dev/zero", O_RDONLY);

		sum += on_stack(low + 4096, SYS_read, fd, (long)text, sizeof(text));
		sum += on_stack(low + 4096, SYS_close, fd, 0, 0);
	}
	say("%ld bytes read", sum);
	for (int i = 0; i < 2048; i++)
		if (low[i] != 0x5a) {
			say("the stack below was written to");
			return 1;
		}
	return 0;
}
