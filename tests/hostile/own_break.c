/* SPDX-License-Identifier: MIT */
/*
 * Moves the break itself, beside malloc, forward and back. An instrument that takes memory there makes the program's
 * pieces not adjoin; one that calls all of it the allocator's reports too much heap.
 *
 * run: => exit 0; exit 61
 */
#include "hostile.h"

int main(void)
{
	char *first = (char *)sbrk(0);
	char *one = (char *)sbrk(100000), *two = (char *)sbrk(50000);

	say("pieces adjoin: %d %d", one == first, two == one + 100000);
	memset(one, 1, 150000);
	say_result("brk back", brk(two));
	say("break: %d", sbrk(0) == two);
	say_heap("malloc beside it"); /* above what is ours: malloc takes a break that another moved as it finds it */
	char *three = (char *)sbrk(4096);
	memset(three, 3, 4096);
	say_heap("malloc again");
	say("ours is whole: %d %d", one[0] == 1 && one[99999] == 1, three[0] == 3 && three[4095] == 3);
	say_result("absurd sbrk", (long)sbrk((intptr_t)1 << 46));
	say_result("absurd brk", brk((void *)((uintptr_t)1 << 62)));
	say_result("brk of nothing", brk(NULL));
	pid_t child = fork();
	if (!child) {
		char *piece = (char *)sbrk(8192);
		memset(piece, 4, 8192);
		_exit(heap_work(13) == 192 ? 61 : 1);
	}
	reap("child", child);
	return 0;
}
