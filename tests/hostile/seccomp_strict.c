/* SPDX-License-Identifier: MIT */
/*
 * Enters seccomp's strict mode: read, write, exit and sigreturn, anything else is death. The allocator has what it
 * needs by then. An instrument that makes any system call of its own in malloc or free kills the program. Ends by the
 * one call that is left.
 *
 * run: => exit 11|lost
 * ledger: none
 */
#include "hostile.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int main(void)
{
	char *blocks[100];

	for (int warm = 0; warm < 2; warm++) {
		if (warm && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			return 1;
		for (int i = 0; i < 100; i++)
			memset(blocks[i] = (char *)kept(malloc((size_t)i * 10 + 1)), i, (size_t)i * 10 + 1);
		for (int i = 0; i < 100; i++)
			free(blocks[i]);
		say(warm ? "inside" : "outside");
	}
	syscall(SYS_exit, 11);
}
