/* SPDX-License-Identifier: MIT */
/*
 * glibc's own books against the heap rows: at a mark and at exit, live + slack + free must be what malloc_info calls
 * the "current" system bytes of all arenas plus the bytes of mapped chunks ("total" of type "mmap").
 *
 * A trimmed arena of a thread keeps its pages open and drops them with MADV_DONTNEED alone: "current" shrinks, the
 * mapping ("aspace" of type "mprotect") does not. The difference is address space without pages: it must be found in
 * the row reserve.
 *
 * mallinfo2 gives the same figures without text, as a check on the parsing.
 * usage: glibc_books SCENARIO ARENAS; without arguments it lists the scenarios.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>

#include "oracle.h"

#define THREADS_MAX 8
#define BLOCKS      4000
#define BOOKS_SLACK (64 * KIB)          /* how far the ledger may be off */

struct worker {
	pthread_t thread;
	struct dice dice;
	void (*run)(struct worker *);
	void *block[BLOCKS];
};

static struct worker workers[THREADS_MAX];
static pthread_barrier_t worked, looked;
static char xml[256 * KIB], xml_buffer[16 * KIB];
static FILE *xml_file;

/* malloc_info writes through a stream that was opened before the experiment, into memory that is not the heap's. */
static ssize_t xml_write(void *cookie, const char *text, size_t bytes)
{
	size_t *used = cookie;

	REQUIRE(*used + bytes < sizeof(xml));
	memcpy(xml + *used, text, bytes);
	*used += bytes;
	xml[*used] = 0;
	return (ssize_t)bytes;
}

/* The attribute `size` of the last element that begins with @element: the totals follow the arenas. */
static uint64_t xml_size(const char *element)
{
	const char *at = NULL, *size;

	for (const char *next = xml; (next = strstr(next, element)); next++)
		at = next;
	REQUIRE(at != NULL);
	size = strstr(at, "size=\"");
	REQUIRE(size != NULL);
	return strtoull(size + strlen("size=\""), NULL, 10);
}

static size_t xml_used;

static void look(const char *at, const char *what)
{
	struct mallinfo2 info;
	uint64_t opened, current, chunks;

	xml_used = 0;
	REQUIRE(malloc_info(0, xml_file) == 0 && fflush(xml_file) == 0);
	info = mallinfo2();
	opened = xml_size("<aspace type=\"mprotect\"");
	current = xml_size("<system type=\"current\"");
	chunks = xml_size("<total type=\"mmap\"");
	REQUIRE(current == info.arena && chunks == info.hblkhd);
	if (strncmp(at, "mark:", 5) == 0)
		pagegap_mark(at + 5);
	expect_near(at, NULL, "heap mapped", current + chunks, BOOKS_SLACK, what);
	expect(at, NULL, "reserve mapped", (int64_t)(opened - current), 1L << 40,
	       "what arenas have dropped is reserve");
	expect_exact(at, NULL, "unexplained_mapped_bytes", 0, what);
}

static void small(struct worker *worker)
{
	for (size_t i = 0; i < BLOCKS; i++)
		worker->block[i] = opaque(malloc(dice_roll(&worker->dice, 1500)));
}

static void freed(struct worker *worker)
{
	small(worker);
	for (size_t i = 0; i < BLOCKS; i += 1 + dice_roll(&worker->dice, 3)) {
		free(worker->block[i]);
		worker->block[i] = NULL;
	}
}

/*
 * Everything but the first block goes, so that the top is given back, then a little comes again. Above 1,032 bytes,
 * where the thread's cache ends: a block in it is in use as far as trimming goes.
 */
static void trimmed(struct worker *worker)
{
	for (size_t i = 0; i < BLOCKS; i++)
		worker->block[i] = opaque(malloc(1100 + dice_roll(&worker->dice, 400)));
	for (size_t i = BLOCKS; i-- > 1;)
		free(worker->block[i]);
	malloc_trim(0);
	for (size_t i = 1; i < 100; i++)
		worker->block[i] = opaque(malloc(1000));
}

static void large(struct worker *worker)
{
	for (size_t i = 0; i < 30; i++) {
		worker->block[i] = opaque(malloc(140000 + dice_roll(&worker->dice, 2000000)));
		touch(worker->block[i], 100000);
	}
	for (size_t i = 0; i < 10; i++)
		free(worker->block[i]);
}

static void aligned(struct worker *worker)
{
	for (size_t i = 0; i < 60; i++) {
		size_t alignment = 64UL << dice_roll(&worker->dice, 15);

		REQUIRE(posix_memalign(&worker->block[i], alignment, 1 + dice_roll(&worker->dice, 600000)) == 0);
	}
	for (size_t i = 0; i < 60; i += 3)
		free(worker->block[i]);
}

static void reallocated(struct worker *worker)
{
	for (size_t i = 0; i < 300; i++)
		worker->block[i] = opaque(malloc(1 + dice_roll(&worker->dice, 400000)));
	for (size_t i = 0; i < 1000; i++) {
		size_t which = dice_roll(&worker->dice, 300);

		worker->block[which] = opaque(realloc(worker->block[which], 1 + dice_roll(&worker->dice, 500000)));
	}
}

static const struct { const char *name; void (*run)(struct worker *); } scenarios[] = {
	{ "small", small }, { "freed", freed }, { "trimmed", trimmed }, { "large", large }, { "aligned", aligned },
	{ "reallocated", reallocated },
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->run(worker);
	pthread_barrier_wait(&worked);
	pthread_barrier_wait(&looked);
	return NULL;
}

static void run(void (*scenario)(struct worker *), unsigned arenas)
{
	cookie_io_functions_t to_memory = { .write = xml_write };

	REQUIRE(mallopt(M_ARENA_MAX, (int)arenas) == 1);
	xml_file = fopencookie(&xml_used, "w", to_memory);
	REQUIRE(xml_file != NULL && setvbuf(xml_file, xml_buffer, _IOFBF, sizeof(xml_buffer)) == 0);
	REQUIRE(pthread_barrier_init(&worked, NULL, arenas) == 0 && pthread_barrier_init(&looked, NULL, arenas) == 0);
	for (unsigned i = 0; i < arenas; i++)
		workers[i] = (struct worker){ .dice = { i * 77 + 1 }, .run = scenario };
	for (unsigned i = 1; i < arenas; i++)
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	scenario(&workers[0]);
	pthread_barrier_wait(&worked);
	look("mark:books", "the heap rows equal glibc's own books");
	pthread_barrier_wait(&looked);
	for (unsigned i = 1; i < arenas; i++)
		REQUIRE(pthread_join(workers[i].thread, NULL) == 0);
	look("exit", "the heap rows equal glibc's own books at exit");
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
