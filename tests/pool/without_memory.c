/* SPDX-License-Identifier: MIT */
/*
 * A program that takes refusals: random blocks of all sizes, in two threads and in a child, filled and looked at, while
 * mappings fail (fail_mapping.c) or an address-space limit (its first argument, MiB) holds. Prints "good" when every
 * refusal said ENOMEM, no byte of a block was damaged or shared with another, and memory was there again after all was freed;
 * "good, no call failed" where fail_mapping.c had none to let fail.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCKS 1000
#define STEPS  10000

struct worker {
	struct {
		unsigned char *at;
		size_t bytes;
	} blocks[BLOCKS];
	uint64_t seed;
	uint64_t mark;                  /* of its blocks, so that those of another are seen */
	size_t refused;
	const char *bad;
};

void fail_mapping_stop(void) __attribute__((weak));
long fail_mapping_refusals(void) __attribute__((weak));

static uint64_t random_below(struct worker *w, uint64_t limit)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed % limit;
}

/* Every word of a block says whose it is and where it stands: what is moved must stay in order. */
static uint64_t word_of(const struct worker *w, size_t i, size_t at)
{
	return (w->mark ^ i << 32 ^ at) * 0x9e3779b97f4a7c15UL;
}

static void fill(const struct worker *w, size_t i)
{
	unsigned char *block = w->blocks[i].at;
	size_t bytes = w->blocks[i].bytes;

	for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t word = word_of(w, i, at);

		memcpy(block + at, &word, bytes - at < sizeof(word) ? bytes - at : sizeof(word));
	}
}

/* The first @bytes of what was filled. */
static int is_whole(const struct worker *w, size_t i, const unsigned char *block, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
		uint64_t word = word_of(w, i, at);

		if (memcmp(block + at, &word, bytes - at < sizeof(word) ? bytes - at : sizeof(word)))
			return 0;
	}
	return 1;
}

static void check(struct worker *w, size_t i)
{
	if (!is_whole(w, i, w->blocks[i].at, w->blocks[i].bytes))
		w->bad = "damaged";
}

static void release(struct worker *w, size_t i)
{
	if (w->blocks[i].at)
		check(w, i);
	free(w->blocks[i].at);
	w->blocks[i].at = NULL;
}

static void steps(struct worker *w, int count)
{
	for (int i = 0; i < count; i++) {
		size_t most = random_below(w, 10) ? 2000 : random_below(w, 10) ? 100000 : 4 << 20;
		size_t at = random_below(w, BLOCKS), bytes = 1 + random_below(w, most), kept;
		unsigned char *block;

		if (w->blocks[at].at && random_below(w, 2))
			release(w, at);
		errno = 0;
		block = realloc(w->blocks[at].at, bytes);
		if (!block) {
			if (errno != ENOMEM)
				w->bad = "a refusal without ENOMEM";
			w->refused++;
			if (w->blocks[at].at)
				check(w, at);
			continue;
		}
		kept = !w->blocks[at].at ? 0 : bytes < w->blocks[at].bytes ? bytes : w->blocks[at].bytes;
		if (!is_whole(w, at, block, kept))
			w->bad = "damaged by realloc";
		w->blocks[at].at = block;
		w->blocks[at].bytes = bytes;
		fill(w, at);
	}
}

static void release_all(struct worker *w)
{
	for (size_t i = 0; i < BLOCKS; i++)
		release(w, i);
}

static void *work(void *pointer)
{
	struct worker *w = pointer;

	steps(w, STEPS);
	release_all(w);
	return NULL;
}

/* In a child, with what its parent had, while another thread was anywhere. */
static const char *in_child(struct worker *w)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		steps(w, STEPS / 10);
		release_all(w);
		_exit(w->bad != NULL);
	}
	if (child > 0 && (waitpid(child, &status, 0) != child || status))
		return "the child failed";
	return w->bad;
}

static int says(const char *what)
{
	dprintf(1, "%s\n", what);
	return strncmp(what, "good", 4) != 0;
}

int main(int argc, char **argv)
{
	static struct worker own = { .seed = 88172645463325252UL, .mark = 3 }, other = { .seed = 362436069362436069UL, .mark = 200 };
	pthread_t thread;
	int threads;

	if (argc > 1) {
		rlim_t limit = strtoul(argv[1], NULL, 10) << 20;

		setrlimit(RLIMIT_AS, &(struct rlimit){ limit, limit });
	}
	threads = !pthread_create(&thread, NULL, work, &other);
	steps(&own, STEPS);
	own.bad = in_child(&own);
	release_all(&own);
	if (threads)
		pthread_join(thread, NULL);
	if (own.bad || other.bad)
		return says(own.bad ? own.bad : other.bad);
	if (fail_mapping_stop)
		fail_mapping_stop();
	for (int tries = 0; tries < 20; tries++) {
		void *block = malloc(8 << 20);

		free(block);
		if (block && argc > 1 && !(own.refused + other.refused))
			return says("nothing was refused");
		if (block)
			return says(fail_mapping_refusals && !fail_mapping_refusals() ? "good, no call failed" : "good");
	}
	return says("no memory after all was freed");
}
