/* SPDX-License-Identifier: MIT */
/*
 * main returns while eight threads allocate, map and free; or one of them exits, or executes. An instrument that looks
 * at the heap at exit reads blocks that are just being freed.
 *
 * run: return => exit 68
 * run: thread => exit 69
 * run: _exit => exit 70
 * run: executed => exit 0
 * ledger: churning
 */
#include "hostile.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int running, said;
static const char *way = "return";

static void *work(void *argument)
{
	void *blocks[64] = { NULL };

	running++;
	for (size_t i = 0;; i++) {
		free(blocks[i % 64]);
		blocks[i % 64] = malloc(i * 7919 % 200000);
		if (i % 64 == 63) {
			char *page =
				(char *)mmap(NULL, 40960, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memset(page, 1, 40960);
			mprotect(page + 4096, 4096, PROT_NONE);
			munmap(page, 40960);
		}
		if (argument && said && i > 5000 && !strcmp(way, "thread"))
			exit(69);
		if (argument && said && i > 5000 && !strcmp(way, "executed"))
			execl("/bin/echo", "echo", "executed from a thread", (char *)NULL);
	}
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t threads[8];

	if (argc > 1)
		way = argv[1];
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, work, i ? NULL : &running);
	while (running < 8)
		usleep(1000);
	say("running: %d", running);
	said = 1;
	if (!strcmp(way, "thread") || !strcmp(way, "executed"))
		pthread_join(threads[0], NULL);
	usleep(20000);
	if (!strcmp(way, "_exit"))
		_exit(70);
	return 68;
}
