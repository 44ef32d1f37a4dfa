/* SPDX-License-Identifier: MIT */
/*
 * The books of other allocators against the heap rows, where the preloaded allocator keeps any: it is asked through
 * its own interface, found by dlsym, and every difference between what it counts and what the kernel maps has a name
 * here.
 *
 *   jemalloc  stats.mapped: active, dirty and muzzy extents and its base metadata; stats.retained: address space that
 *             it keeps for later. Both are mapped with access, so the heap rows are their sum.
 *   mimalloc  committed: what it has opened or keeps open. Reserved arenas beyond that have no access: reserve.
 *   tcmalloc  heap size: what it took with sbrk and mmap for pages. Beside it metadata, which it takes in chunks of 8
 *             MiB (kMetadataAllocChunkSize of gperftools' common.cc) and counts as it hands them out; only its text
 *             tells how much.
 * usage: other_books ALLOCATOR THREADS
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

#include "oracle.h"

#define BLOCKS      20000
#define THREADS_MAX 8

struct worker {
	pthread_t thread;
	struct dice dice;
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

static void exercise(struct worker *worker)
{
	struct dice *dice = &worker->dice;
	void **blocks = worker->blocks;

	for (size_t i = 0; i < BLOCKS; i++) {
		size_t size = dice_roll(dice, 100) ? dice_roll(dice, 2000) : dice_roll(dice, 1000000);

		blocks[i] = opaque(malloc(size));
		memset(blocks[i], 1, size);
	}
	for (size_t i = 0; i < BLOCKS; i += 1 + dice_roll(dice, 3)) {
		free(blocks[i]);
		blocks[i] = NULL;
	}
	for (size_t i = 0; i < BLOCKS; i += 50)
		blocks[i] = opaque(realloc(blocks[i], 1 + dice_roll(dice, 5000)));
}

static void *work(void *worker)
{
	exercise(worker);
	pthread_barrier_wait(&worked);
	pthread_barrier_wait(&looked);
	return NULL;
}

typedef int jemalloc_control(const char *, void *, size_t *, void *, size_t);

static size_t jemalloc_figure(const char *name)
{
	jemalloc_control *control = (jemalloc_control *)symbol("mallctl");
	size_t value = 0, size = sizeof(value);
	uint64_t epoch = 1;

	REQUIRE(control("epoch", NULL, NULL, &epoch, sizeof(epoch)) == 0);
	REQUIRE(control(name, &value, &size, NULL, 0) == 0);
	return value;
}

static void jemalloc(void)
{
	uint64_t mapped, retained;

	jemalloc_figure("stats.mapped");        /* the first call may allocate */
	mapped = jemalloc_figure("stats.mapped");
	retained = jemalloc_figure("stats.retained");
	fact("stats.mapped", mapped);
	fact("stats.retained", retained);
	fact("stats.metadata", jemalloc_figure("stats.metadata"));
	fact("stats.resident", jemalloc_figure("stats.resident"));
	pagegap_mark("books");
	expect_near("mark:books", NULL, "heap mapped", mapped + retained, 64 * KIB,
		    "the heap rows are mapped plus retained");
}

/* mi_process_info: elapsed, user, system, current and peak resident, current and peak committed, faults */
typedef void mimalloc_info(size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *, size_t *);

static void mimalloc(void)
{
	mimalloc_info *info = (mimalloc_info *)symbol("mi_process_info");
	size_t committed = 0, peak = 0;

	info(NULL, NULL, NULL, NULL, NULL, &committed, &peak, NULL);
	fact("committed", committed);
	fact("committed peak", peak);
	pagegap_mark("books");
	expect_near("mark:books", NULL, "heap mapped", committed, 64 * KIB, "the heap rows are what is committed");
}

typedef int tcmalloc_property(const char *, size_t *);

static size_t tcmalloc_figure(const char *name)
{
	tcmalloc_property *property = (tcmalloc_property *)symbol("MallocExtension_GetNumericProperty");
	size_t value = 0;

	REQUIRE(property(name, &value) == 1);
	return value;
}

static void tcmalloc(void)
{
	void (*statistics)(char *, int) = (void (*)(char *, int))symbol("MallocExtension_GetStats");
	const size_t chunk = 8 * MIB;
	static char text[16 * KIB];
	size_t heap, metadata;
	char *at;

	statistics(text, sizeof(text));
	heap = tcmalloc_figure("generic.heap_size");
	at = strstr(text, "Bytes in malloc metadata");
	REQUIRE(at != NULL);
	while (at > text && at[-1] != '\n')
		at--;
	REQUIRE(strncmp(at, "MALLOC: +", 9) == 0);
	metadata = strtoull(at + 9, NULL, 10);
	fact("heap_size", heap);
	fact("metadata", metadata);
	metadata = (metadata + chunk - 1) / chunk * chunk;
	pagegap_mark("books");
	expect_near("mark:books", NULL, "heap mapped", heap + metadata, 64 * KIB,
		    "the heap rows are heap plus metadata chunks");
}

static const struct { const char *name; void (*run)(void); } allocators[] = {
	{ "jemalloc", jemalloc }, { "mimalloc", mimalloc }, { "tcmalloc", tcmalloc },
};

static void run(void (*books)(void), unsigned threads)
{
	REQUIRE(threads >= 1 && threads <= THREADS_MAX);
	REQUIRE(pthread_barrier_init(&worked, NULL, threads) == 0 && pthread_barrier_init(&looked, NULL, threads) == 0);
	for (unsigned i = 0; i < threads; i++)
		workers[i].dice.state = i * 99 + 1;
	for (unsigned i = 1; i < threads; i++)
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	exercise(&workers[0]);
	pthread_barrier_wait(&worked);
	books();
	expect_exact("mark:books", NULL, "unexplained_mapped_bytes", 0, "nothing is unexplained");
	expect_exact("mark:books", NULL, "unexplained_resident_bytes", 0, "and nothing resident");
	pthread_barrier_wait(&looked);
	for (unsigned i = 1; i < threads; i++)
		REQUIRE(pthread_join(workers[i].thread, NULL) == 0);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++)
		if (argc > 2 && strcmp(argv[1], allocators[i].name) == 0)
			run(allocators[i].run, (unsigned)strtoul(argv[2], NULL, 10));
	oracle_flush();
	return 0;
}
