/* SPDX-License-Identifier: MIT */
/*
 * A process with one thread forks in a signal's handler, wherever the signal finds it: mostly in malloc and free, as the
 * handler is called again and again. Every block keeps what was written into it, in the children too, which go on where
 * the handler ends. Prints "good".
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 4000
#define FORKS  400
#define MORE   20000     /* rounds of a child, after its handler has ended */

static unsigned char *blocks[BLOCKS];
static size_t sizes[BLOCKS];
static volatile sig_atomic_t forks, is_child, bad;

static void again(void)
{
	struct itimerval soon = { .it_value.tv_usec = 1 + forks * 7 % 300 };

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void handler(int unused)
{
	int status = 0;
	pid_t child = fork();

	(void)unused;
	if (child == 0) {
		is_child = 1;
		if (forks % 10)
			_exit(0);
		return;
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		bad = 1;
	if (++forks < FORKS)
		again();
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void replace(size_t i, uint32_t *seed)
{
	unsigned char tag = (unsigned char)(i * 31 + 1);

	if (blocks[i] && (blocks[i][0] != tag || blocks[i][sizes[i] - 1] != tag))
		bad = 1;
	free(blocks[i]);
	sizes[i] = 1 + next(seed) % (i % 10 ? 700 : 40000);
	blocks[i] = malloc(sizes[i]);
	memset(blocks[i], tag, sizes[i]);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	uint32_t seed = 1;
	size_t more = MORE;

	for (size_t i = 0; i < BLOCKS; i++)
		replace(i, &seed);
	sigaction(SIGALRM, &action, NULL);
	again();
	while (is_child ? more-- > 0 : forks < FORKS)
		replace(next(&seed) % BLOCKS, &seed);
	for (size_t i = 0; i < BLOCKS; i++)
		replace(i, &seed);
	if (!is_child)
		puts(bad ? "bad" : "good");
	return bad;
}
