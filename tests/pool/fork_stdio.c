/* SPDX-License-Identifier: MIT */
/*
 * Threads fork while others read lines, which allocates under a stream's lock, and one flushes all streams, which waits
 * for that lock under the lock of the list of streams, which fork wants too. Prints "good" unless they wait for one
 * another for ever.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORKERS 2
#define READERS 4
#define SECONDS 2

static const char *path;
static int ended;

static void *read_lines(void *unused)
{
	FILE *file = fopen(path, "r");

	(void)unused;
	while (file && !__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		size_t bytes = 0;
		char *line = NULL;

		rewind(file);
		if (getline(&line, &bytes, file) < 0)
			abort();
		free(line);
	}
	fclose(file);
	return NULL;
}

static void *flush_all(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED))
		fflush(NULL);
	return NULL;
}

static void *make_children(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		int status;
		pid_t child = fork();

		if (child == 0)
			_exit(17);
		if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 17)
			abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t forkers[FORKERS], others[READERS + 1];
	FILE *file = argc > 1 ? fopen(path = argv[1], "w") : NULL;

	if (!file)
		return 125;
	for (int i = 0; i < 50000; i++)
		fputc('x', file);
	fputc('\n', file);
	fclose(file);
	for (int i = 0; i < FORKERS; i++)
		pthread_create(&forkers[i], NULL, make_children, NULL);
	for (int i = 0; i <= READERS; i++)
		pthread_create(&others[i], NULL, i ? read_lines : flush_all, NULL);
	sleep(SECONDS);
	__atomic_store_n(&ended, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < FORKERS; i++)
		pthread_join(forkers[i], NULL);
	for (int i = 0; i <= READERS; i++)
		pthread_join(others[i], NULL);
	puts("good");
	return 0;
}
