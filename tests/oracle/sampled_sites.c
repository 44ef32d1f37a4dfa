/* SPDX-License-Identifier: MIT */
/*
 * Sites that ask for 1 %, 5 %, 30 % and the rest of 96 MiB, in an order drawn at random, of sizes from 1 byte to 2 MiB; some blocks stay, some are freed at
 * once, later, or by realloc. Prints what each has asked for, counted by itself: "function allocations bytes live-blocks live-bytes". Arguments:
 *
 *   plain [SEED]    in one thread
 *   threads         each of four threads does it all
 *   fork            a child frees what its parent has kept of one site, keeps half as much of another, and prints these figures after its parent's
 *   empty           100,000 blocks of no bytes, of which half are freed
 *   moves           blocks that grow by realloc from 100 to 100,000 bytes, and one that cannot
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEVER __attribute__((noinline, noclone))
#define TOTAL (96UL << 20)
#define KEPT  8192

enum { ONE, FIVE, THIRTY, REST, SITES };
static const char *const names[SITES] = { "one_percent", "five_percent", "thirty_percent", "the_rest" };

static struct figures {
	uint64_t allocations, bytes, live_blocks, live_bytes;
} figures[SITES];

struct place {
	void *block;
	size_t bytes;
	int site;
};

struct work {
	uint64_t random;
	struct place places[KEPT];
};

static uint64_t draw(struct work *work, uint64_t below)
{
	work->random = work->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (work->random >> 33) % below;
}

static NEVER void *one_percent(size_t bytes) { void *p = malloc(bytes); return p ? p : (void *)figures; }
static NEVER void *five_percent(size_t bytes) { void *p = calloc(1, bytes); return p ? p : (void *)figures; }
static NEVER void *thirty_percent(size_t bytes) { void *p = malloc(bytes); return p ? p : (void *)figures; }
static NEVER void *the_rest(size_t bytes) { void *p = realloc(NULL, bytes); return p ? p : (void *)figures; }

static void add(uint64_t *count, uint64_t amount)
{
	__atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

static void release(struct place *place)
{
	if (!place->block)
		return;
	free(place->block);
	place->block = NULL;
	add(&figures[place->site].live_blocks, -1UL);
	add(&figures[place->site].live_bytes, -place->bytes);
}

/* Mostly small ones; all sites of the four have another mixture. */
static size_t size_for(struct work *work, int site)
{
	switch (site) {
	case ONE:
		return 100;
	case FIVE:
		return draw(work, 10) ? 1 + draw(work, 64) : 5000 + draw(work, 5000);
	case THIRTY:
		return draw(work, 500) ? 1 + draw(work, 2000) : 100000 + draw(work, 2UL << 20);
	default:
		return 1 + draw(work, 1000);
	}
}

static void *allocate(int site, size_t bytes)
{
	return site == ONE ? one_percent(bytes) : site == FIVE ? five_percent(bytes) : site == THIRTY ? thirty_percent(bytes) : the_rest(bytes);
}

static void *mixture(void *argument)
{
	static const uint64_t parts[SITES] = { TOTAL / 100, TOTAL / 20, TOTAL / 100 * 30, TOTAL / 100 * 64 };
	struct work *work = argument;
	static const uint64_t mean[SITES] = { 100, 782, 3100, 500 }; /* about: so they end at about the same time */
	uint64_t left[SITES], all;

	memcpy(left, parts, sizeof(left));
	while ((all = left[ONE] / mean[ONE] + left[FIVE] / mean[FIVE] + left[THIRTY] / mean[THIRTY] + left[REST] / mean[REST])) {
		uint64_t at = draw(work, all);
		struct place *place = &work->places[draw(work, KEPT)];
		size_t bytes;
		int site = ONE;

		while (at >= left[site] / mean[site])
			at -= left[site] / mean[site], site++;
		bytes = size_for(work, site);
		bytes = bytes < left[site] ? bytes : left[site];
		left[site] -= bytes;
		release(place);
		*place = (struct place){ allocate(site, bytes), bytes, site };
		add(&figures[site].allocations, 1);
		add(&figures[site].bytes, bytes);
		add(&figures[site].live_blocks, 1);
		add(&figures[site].live_bytes, bytes);
	}
	return NULL;
}

static struct work *new_work(uint64_t seed)
{
	static struct work all[5];

	all[seed % 5].random = seed * 2654435761u + 1;
	return &all[seed % 5];
}

static void print_all(void)
{
	for (int i = 0; i < SITES; i++)
		printf("%s %lu %lu %lu %lu\n", names[i], figures[i].allocations, figures[i].bytes, figures[i].live_blocks, figures[i].live_bytes);
	fflush(stdout);
}

static void threads(void)
{
	pthread_t ids[4];

	for (uint64_t i = 0; i < 4; i++)
		if (pthread_create(&ids[i], NULL, mixture, new_work(i)))
			exit(1);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
}

static NEVER void *in_parent(void) { void *p = malloc(3000); return p ? p : (void *)figures; }
static NEVER void *in_child(void) { void *p = malloc(3000); return p ? p : (void *)figures; }

static void forks(void)
{
	static void *blocks[20000];
	pid_t child;

	for (int i = 0; i < 20000; i++)
		blocks[i] = in_parent();
	child = fork();
	if (!child) {
		for (int i = 0; i < 20000; i += 2)
			free(blocks[i]);
		for (int i = 0; i < 20000; i += 2)
			blocks[i] = in_child();
		exit(0);
	}
	waitpid(child, NULL, 0);
	printf("in_parent 20000 60000000 20000 60000000\nin_parent 0 0 10000 30000000\nin_child 10000 30000000 10000 30000000\n");
}

static NEVER void *of_no_bytes(void) { void *p = malloc(0); return p ? p : (void *)figures; }

static void empty(void)
{
	static void *blocks[100000];

	for (int i = 0; i < 100000; i++)
		blocks[i] = of_no_bytes();
	for (int i = 0; i < 100000; i += 2)
		free(blocks[i]);
	printf("of_no_bytes 100000 0 50000 0\n");
}

static NEVER void *grow(void *block, size_t bytes) { void *p = realloc(block, bytes); return p ? p : (void *)figures; }

static void moves(void)
{
	static void *blocks[100];
	uint64_t bytes = 0, calls = 0;

	for (size_t size = 100; size <= 100000; size += 900, calls += 100)
		for (int i = 0; i < 100; i++, bytes += size)
			blocks[i] = grow(blocks[i], size);
	for (int i = 0; i < 100; i++) {
		void *moved = realloc(blocks[i], SIZE_MAX / 4);

		blocks[i] = moved ? moved : blocks[i];
	}
	printf("grow %lu %lu 100 %lu\n", calls, bytes, 100UL * (100 + 900 * ((100000 - 100) / 900)));
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";

	if (!strcmp(how, "plain"))
		mixture(new_work(argc > 2 ? strtoul(argv[2], NULL, 10) : 0)), print_all();
	else if (!strcmp(how, "threads"))
		threads(), print_all();
	else if (!strcmp(how, "fork"))
		forks();
	else if (!strcmp(how, "empty"))
		empty();
	else if (!strcmp(how, "moves"))
		moves();
	else
		return 2;
	return 0;
}
