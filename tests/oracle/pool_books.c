/* SPDX-License-Identifier: MIT */
/*
 * The books of the pooled allocator, which it keeps open for anybody (pagepool_statistics_1), against the report: the
 * three heap rows together are what it has mapped, live and slack what it says is live, and the report names the
 * parts of heap.free as it does, none left over. In threads, in a forked child, and at exit.
 * usage: pool_books SCENARIO THREADS; without arguments it lists the scenarios.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

#include "oracle.h"
#include "pagepool.h"

#define BLOCKS      6000
#define THREADS_MAX 8

struct worker {
	pthread_t thread;
	struct dice dice;
	void (*run)(struct worker *);
	void *blocks[BLOCKS];
};

static struct worker workers[THREADS_MAX];
static pthread_barrier_t worked, looked;

static void *symbol(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	if (!found)
		dprintf(2, "oracle: no symbol %s: is the allocator preloaded?\n", name);
	REQUIRE(found != NULL);
	return found;
}

static struct pagepool_statistics books(void)
{
	typeof(pagepool_statistics_1) *statistics = (typeof(pagepool_statistics_1) *)symbol("pagepool_statistics_1");
	struct pagepool_statistics s;

	REQUIRE(statistics(&s, sizeof(s)) == sizeof(s) && s.version == 1);
	return s;
}

static void expect_books(const char *at, const struct pagepool_statistics *s)
{
	expect_exact(at, NULL, "allocator mapped", s->mapped_bytes, "the report says what the allocator has mapped");
	expect_exact(at, NULL, "heap mapped", s->mapped_bytes, "the heap rows together are that");
	expect_exact(at, NULL, "allocator live_usable", s->live_bytes, "and what the program has of it");
	expect_exact(at, NULL, "heap.free mapped", s->mapped_bytes - s->live_bytes, "heap.free is the rest");
	expect_exact(at, NULL, "part free_slots", s->free_slot_bytes, "free slots");
	expect_exact(at, NULL, "part cached_slots", s->cached_bytes, "slots in caches of threads");
	expect_exact(at, NULL, "part slab_ends", s->slab_end_bytes, "ends of slabs");
	expect_exact(at, NULL, "part kept_pages", s->not_returned_bytes, "free pages that may be resident");
	expect_exact(at, NULL, "part returned_pages", s->free_page_bytes - s->not_returned_bytes, "free pages that are not");
	expect_exact(at, NULL, "part kept_blocks", s->large_kept_bytes, "large blocks kept for reuse");
	expect_exact(at, NULL, "part tables", s->table_bytes, "tables");
	expect_exact(at, NULL, "part pools", s->pool_bytes, "pools of the program");
	expect_exact(at, NULL, "allocator unnamed", 0, "nothing of heap.free is without a name");
	expect_exact(at, NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
	expect_exact(at, NULL, "unexplained_resident_bytes", 0, "and nothing resident");
}

static void small(struct worker *worker)
{
	for (size_t i = 0; i < BLOCKS; i++)
		worker->blocks[i] = memset(opaque(malloc(1 + i % 900)), 1, 1 + i % 900);
}

static void freed(struct worker *worker)
{
	small(worker);
	for (size_t i = 0; i < BLOCKS; i += 1 + dice_roll(&worker->dice, 3)) {
		free(worker->blocks[i]);
		worker->blocks[i] = NULL;
	}
}

/* Whole slabs go, and their pages stay. */
static void emptied(struct worker *worker)
{
	small(worker);
	for (size_t i = 50; i < BLOCKS; i++)
		free(worker->blocks[i]);
}

static void trimmed(struct worker *worker)
{
	emptied(worker);
	malloc_trim(0);
}

static void middling(struct worker *worker)
{
	for (size_t i = 0; i < 60; i++)
		worker->blocks[i] = memset(opaque(malloc(33000 + 9000 * i)), 1, 33000);
	for (size_t i = 0; i < 60; i += 2)
		free(worker->blocks[i]);
	for (size_t i = 1; i < 60; i += 4)
		worker->blocks[i] = opaque(realloc(worker->blocks[i], 1 + dice_roll(&worker->dice, 500000)));
}

static void large(struct worker *worker)
{
	for (size_t i = 0; i < 8; i++)
		worker->blocks[i] = memset(opaque(malloc((1 + i) << 20)), 1, MIB);
	for (size_t i = 0; i < 8; i += 2)
		free(worker->blocks[i]);
	worker->blocks[1] = opaque(realloc(worker->blocks[1], 9 * MIB));
	worker->blocks[3] = opaque(realloc(worker->blocks[3], 2 * MIB));
}

static void aligned(struct worker *worker)
{
	for (size_t i = 0; i < 200; i++)
		REQUIRE(posix_memalign(&worker->blocks[i], 64UL << i % 16, 1 + dice_roll(&worker->dice, 600000)) == 0);
	for (size_t i = 0; i < 200; i += 3)
		free(worker->blocks[i]);
}

/* Pools are mapped for the program, and stand in heap.free by their name. */
static void pools(struct worker *worker)
{
	typeof(pagepool_create) *create = (typeof(pagepool_create) *)symbol("pagepool_create");
	typeof(pagepool_allocate) *take = (typeof(pagepool_allocate) *)symbol("pagepool_allocate");
	typeof(pagepool_destroy) *destroy = (typeof(pagepool_destroy) *)symbol("pagepool_destroy");
	struct pagepool *kept = create(NULL), *gone = create(NULL);

	small(worker);
	for (size_t i = 0; i < 3000; i++)
		REQUIRE(take(kept, 1 + i) && take(gone, 1 + i));
	REQUIRE(take(kept, 3 * MIB) && take(gone, 3 * MIB));
	destroy(gone);
}

static const struct { const char *name; void (*run)(struct worker *); } scenarios[] = {
	{ "small", small }, { "freed", freed }, { "emptied", emptied }, { "trimmed", trimmed }, { "middling", middling },
	{ "large", large }, { "aligned", aligned }, { "pools", pools },
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->run(worker);
	pthread_barrier_wait(&worked);
	pthread_barrier_wait(&looked);
	return NULL;
}

/* What the child inherits and what it adds are both its own. */
static void fork_one(struct worker *worker)
{
	struct pagepool_statistics s;
	pid_t child;
	int status;

	oracle_flush();
	child = fork();
	REQUIRE(child >= 0);
	if (!child) {
		workers[0].run(worker);
		s = books();
		expect_books("exit", &s);
		oracle_flush();
		_exit(0);
	}
	REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

static void run(void (*scenario)(struct worker *), unsigned threads)
{
	static struct worker child;
	struct pagepool_statistics s;

	REQUIRE(threads >= 1 && threads <= THREADS_MAX);
	REQUIRE(pthread_barrier_init(&worked, NULL, threads) == 0 && pthread_barrier_init(&looked, NULL, threads) == 0);
	for (unsigned i = 0; i < threads; i++)
		workers[i] = (struct worker){ .dice = { i * 77 + 1 }, .run = scenario };
	for (unsigned i = 1; i < threads; i++)
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	scenario(&workers[0]);
	pthread_barrier_wait(&worked);
	s = books();
	pagegap_mark("books");
	expect_books("mark:books", &s);
	pthread_barrier_wait(&looked);
	for (unsigned i = 1; i < threads; i++)
		REQUIRE(pthread_join(workers[i].thread, NULL) == 0);
	fork_one(&child);
	s = books();
	expect_books("exit", &s);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (argc < 3)
			oracle_print("%s\n", scenarios[i].name);
		else if (strcmp(argv[1], scenarios[i].name) == 0)
			run(scenarios[i].run, (unsigned)strtoul(argv[2], NULL, 10));
	}
	oracle_flush();
	return 0;
}
