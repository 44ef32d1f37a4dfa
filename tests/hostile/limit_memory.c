/* SPDX-License-Identifier: MIT */
/*
 * Runs out of address space under RLIMIT_AS, handles it, frees, and goes on. How much it got differs with anything that
 * is mapped beside it, so it does not print that. An instrument that cannot get memory must count less, not make the
 * program fail.
 *
 * run: small => exit 0; exit 3
 * run: large => exit 0; exit 3
 * run: executed => exit 0; exit 3
 */
#include "hostile.h"

#include <sys/resource.h>

static void exhaust(size_t size)
{
	struct link { struct link *next; } *all = NULL, *one;
	unsigned long got = 0;

	errno = 0;
	while ((one = (struct link *)malloc(size))) {
		one->next = all;
		all = one;
		got++;
	}
	say("blocks of %zu: %s, then %s", size, got > 10 ? "more than 10" : "too few", strerrorname_np(errno));
	say_pointer("realloc of one", all ? realloc(all->next, (size_t)1 << 40) : NULL);
	say_pointer("mmap", mmap(NULL, (size_t)1 << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (; all; all = one) {
		one = all->next;
		free(all);
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "small";
	struct rlimit limit = { 256u << 20, 256u << 20 };

	if (strcmp(way, "again"))
		say_result("setrlimit", setrlimit(RLIMIT_AS, &limit));
	if (!strcmp(way, "executed")) {
		execl("/proc/self/exe", argv[0], "again", (char *)NULL);
		return 1;
	}
	exhaust(strcmp(way, "large") ? 1000 : 1000000);
	say_heap("after");
	pid_t child = fork();
	if (!child) {
		exhaust(5000);
		say_heap("child");
		_exit(3);
	}
	reap("child", child);
	return 0;
}
