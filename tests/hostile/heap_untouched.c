/* SPDX-License-Identifier: MIT */
/*
 * Asks the allocator for its own figures, at the start of main and after work. They are the gap that is to be measured,
 * so an instrument must not put a single block into the program's heap, nor make the allocator keep more, nor move the
 * break.
 *
 * run: => exit 0
 */
#include "hostile.h"

#include <malloc.h>

static void figures(const char *when)
{
	struct mallinfo2 info = mallinfo2();

	say("%s: arena %zu, used %zu, free %zu, chunks %zu, fast %zu, mapped %zu in %zu, top %zu", when, info.arena,
	    info.uordblks, info.fordblks, info.ordblks, info.fsmblks, info.hblkhd, info.hblks, info.keepcost);
}

int main(void)
{
	figures("start");
	void *block = kept(malloc(1));
	figures("one block");
	void *large = kept(malloc(1 << 20));
	figures("a mapped block");
	say_heap("work");
	figures("after work");
	say("trim: %d", malloc_trim(0));
	figures("after trim");
	free(large);
	free(block);
	figures("end");
	return 0;
}
