/* SPDX-License-Identifier: MIT */
/*
 * Has 100,000 mappings, or as many as vm.max_map_count allows less a margin, made by changing the protection of every
 * other page; then takes them down in another order. The second way goes on until the kernel refuses. An instrument
 * that lists mappings in a fixed table overflows, one that reads them all at every step never ends, and one that needs
 * a mapping of its own then must do without.
 *
 * run: many => exit 0; exit 34
 * run: limit => exit 0; exit 34
 */
#include "hostile.h"

static size_t map_limit(void)
{
	char text[32] = { 0 };
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY);
	ssize_t got = read(fd, text, sizeof(text) - 1);
	size_t most = got > 0 ? strtoul(text, NULL, 10) : 65530;

	close(fd);
	return most;
}

static void child_says(void)
{
	pid_t child = fork();
	if (!child) {
		say_heap("child");
		_exit(34);
	}
	reap("child", child);
}

int main(int argc, char **argv)
{
	int to_the_limit = argc > 1 && !strcmp(argv[1], "limit");
	size_t limit = map_limit(), most = limit > 101000 ? 100000 : limit - 1000;
	size_t pages = to_the_limit ? limit + 1000 : most, done = 0;
	char *region = (char *)mmap(NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	say_pointer("region", region);
	for (size_t i = 0; i < pages; i += 2) {
		if (mprotect(region + i * 4096, 4096, PROT_READ | PROT_WRITE)) {
			say_result("refused", -1);
			break;
		}
		if (i < most)
			region[i * 4096] = (char)i;
		done++;
	}
	if (to_the_limit) {
		/* No mapping is left, but the heap has room: what fails must fail with ENOMEM, the rest must work. */
		int maps = 0;
		while (maps < 10 && mmap(NULL, 4096, maps % 2 ? PROT_READ : PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
					 0) != MAP_FAILED)
			maps++;
		say_result(maps < 10 ? "mmap within ten" : "mmap", maps < 10 ? -1 : maps);
		say_pointer("small malloc at the limit", kept(malloc(100)));
		say_result("munmap at the limit", munmap(region, 4096));
	} else {
		say("mappings: %zu", done * 2);
		child_says();
	}
	size_t right = 0;
	for (size_t i = 2; i < most; i += 2)
		right += region[i * 4096] == (char)i;
	say("pages whole: %zu", right);
	for (size_t i = 2; i / 2 < done; i += 4)
		if (munmap(region + i * 4096, 4096))
			return 1;
	say_result("munmap of all", munmap(region, pages * 4096));
	if (to_the_limit)
		child_says();
	say_heap("after");
	return 0;
}
