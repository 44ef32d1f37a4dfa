/* SPDX-License-Identifier: MIT */
/*
 * A library linked with -z initfirst: its constructor runs before every other library's, an instrument's included, and
 * allocates, maps and forks there. first_main is the program that needs it.
 */
#include "../hostile.h"

static char *early[50];
static int child_status = -1;

__attribute__((constructor)) static void begin(void)
{
	for (size_t i = 0; i < 50; i++)
		memset(early[i] = (char *)malloc(i * 70 + 1), (int)i, i * 70 + 1);
	munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	pid_t child = fork();
	if (!child)
		_exit(heap_work(16) == 192 ? 72 : 1);
	waitpid(child, &child_status, 0);
}

__attribute__((visibility("default"))) int first_right(void);
int first_right(void)
{
	int right = child_status == 72 << 8;

	for (int i = 0; i < 50; i++) {
		right += early[i][i * 70] == (char)i;
		free(early[i]);
	}
	return right;
}

__attribute__((destructor)) static void end(void)
{
	say_heap("destructor of the first library"); /* the last of all */
}
