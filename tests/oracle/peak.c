/* SPDX-License-Identifier: MIT */
/*
 * Programs that hold their peak of resident memory for 60 ms and then let it go, each in another way. Whatever is
 * highest among the peak and exit snapshots must be within 10 % of ru_maxrss, which the kernel keeps and the program
 * reads at its end.
 * usage: peak SCENARIO; without one it lists them.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "oracle.h"

#define PEAK (96 * MIB)

static void hold(void)
{
	struct timespec left = { .tv_nsec = 60 * 1000 * 1000 };

	while (nanosleep(&left, &left) != 0)
		;
}

static void one_block(void)
{
	char *block = opaque(malloc(PEAK));

	REQUIRE(block != NULL);
	touch(block, PEAK);
	hold();
	free(block);
}

static void small_blocks(void)
{
	struct link { struct link *next; char rest[120]; } *first = NULL;

	for (size_t i = 0; i < PEAK / sizeof(*first); i++) {
		struct link *link = malloc(sizeof(*link));

		REQUIRE(link != NULL);
		link->next = first;
		first = link;
	}
	hold();
	while (first) {
		struct link *next = first->next;

		free(first);
		first = next;
	}
}

static void own_mapping(void)
{
	char *p = mmap(NULL, PEAK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	touch(p, PEAK);
	hold();
	REQUIRE(munmap(p, PEAK) == 0);
}

static void given_back(void)
{
	char *p = mmap(NULL, PEAK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	touch(p, PEAK);
	hold();
	REQUIRE(madvise(p, PEAK, MADV_DONTNEED) == 0);
}

__attribute__((noinline)) static void deeper(size_t bytes)
{
	char here[16 * KIB];

	touch(opaque(here), sizeof(here));
	if (bytes > sizeof(here))
		deeper(bytes - sizeof(here));
	else
		hold();
	opaque(here);
}

static void *on_a_stack(void *nothing)
{
	deeper(PEAK);
	return nothing;
}

static void stack(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	REQUIRE(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, PEAK + MIB) == 0);
	REQUIRE(pthread_create(&thread, &attributes, on_a_stack, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

static void growing_block(void)
{
	char *block = NULL;

	for (size_t bytes = MIB; bytes <= PEAK; bytes += MIB) {
		block = opaque(realloc(block, bytes));
		REQUIRE(block != NULL);
		touch(block + bytes - MIB, MIB);
	}
	hold();
	free(block);
}

static void *half(void *nothing)
{
	for (size_t i = 0; i < PEAK / 2 / (256 * KIB); i++) {
		char *block = opaque(malloc(256 * KIB - 64));

		REQUIRE(block != NULL);
		touch(block, 256 * KIB - 64);
		((void **)(void *)block)[1] = nothing;
		nothing = block;
	}
	hold();
	while (nothing) {
		void *next = ((void **)nothing)[1];

		free(nothing);
		nothing = next;
	}
	return NULL;
}

static void two_threads(void)
{
	pthread_t thread;

	REQUIRE(pthread_create(&thread, NULL, half, NULL) == 0);
	half(NULL);
	REQUIRE(pthread_join(thread, NULL) == 0);
}

/* The peak comes first and is given back before a long tail of small ones. */
static void early(void)
{
	one_block();
	for (size_t i = 0; i < 20; i++) {
		char *block = opaque(malloc(PEAK / 8));

		REQUIRE(block != NULL);
		touch(block, PEAK / 8);
		free(block);
	}
}

static const struct { const char *name; void (*run)(void); } scenarios[] = {
	{ "one_block", one_block }, { "small_blocks", small_blocks }, { "own_mapping", own_mapping },
	{ "given_back", given_back }, { "stack", stack }, { "growing_block", growing_block },
	{ "two_threads", two_threads }, { "early", early },
};

int main(int argc, char **argv)
{
	struct rusage usage;
	int64_t highest;

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 2)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			scenarios[i].run();
	}
	if (argc > 1) {
		REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
		highest = usage.ru_maxrss * 1024;
		REQUIRE(highest > (int64_t)PEAK / 2);
		expect("highest", NULL, "rss_bytes", highest - highest / 10, highest + highest / 10,
		       "the highest snapshot is within 10 percent of ru_maxrss");
	}
	oracle_flush();
	return 0;
}
