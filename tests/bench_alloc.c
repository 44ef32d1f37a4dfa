/* SPDX-License-Identifier: MIT */
/*
 * bench_alloc WORKLOAD [THREADS]: a fixed amount of work for the allocator, shaped like something that programs do. Each block is
 * written to, as programs write to what they ask for. Without an argument it lists the workloads. THREADS (2 without it) is for
 * threads_apart and threads_swap, where each thread does the same amount of work however many there are.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local uint64_t seed = 88172645463325252UL;

static uint64_t random_below(uint64_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % limit;
}

/* A block of which the first line of each page and the end are written to. */
static void *block(size_t bytes)
{
	char *at = malloc(bytes);

	if (!at)
		abort();
	for (size_t i = 0; i < bytes; i += 4096)
		at[i] = 1;
	at[bytes - 1] = 1;
	return at;
}

/* Small sizes are frequent, as in programs: half below 64 bytes. */
static size_t small_size(void)
{
	return 1 + random_below(random_below(2) ? 64 : random_below(4) ? 256 : 1024);
}

/* A set of blocks of which random ones are replaced. */
static void replace(size_t count, long operations, size_t (*size)(void))
{
	void **set = calloc(count, sizeof(*set));

	for (long i = 0; i < operations; i++) {
		void **one = &set[random_below(count)];

		free(*one);
		*one = block(size());
	}
	for (size_t i = 0; i < count; i++)
		free(set[i]);
	free(set);
}

/* One thread */

static void stack(void)
{
	void *blocks[500];

	for (int round = 0; round < 40000; round++) {
		for (int i = 0; i < 500; i++)
			blocks[i] = block((size_t)(16 + i % 8 * 16));
		for (int i = 500; i-- > 0;)
			free(blocks[i]);
	}
}

static void queue(void)
{
	static void *ring[100000];

	for (int i = 0; i < 8000000; i++) {
		void **slot = &ring[i % 100000];

		free(*slot);
		*slot = block(small_size());
	}
}

static void small_random(void)
{
	replace(200000, 6000000, small_size);
}

static size_t mixed_size(void)
{
	return random_below(10) ? small_size() : 1 + random_below(random_below(5) ? 8192 : 65536);
}

static void mixed(void)
{
	replace(20000, 1500000, mixed_size);
}

static size_t medium_size(void)
{
	return 8192 + random_below(250000);
}

static void medium(void)
{
	replace(200, 60000, medium_size);
}

static size_t large_size(void)
{
	return (5UL << 20) + random_below(20UL << 20);
}

static void large(void)
{
	replace(6, 120, large_size);
}

static void strings(void)
{
	for (int i = 0; i < 300000; i++) {
		size_t length = 0, words = random_below(100);
		char *text = malloc(1);

		for (size_t word = 0; word < words; word++) {
			text = realloc(text, length + 12);
			memcpy(text + length, "some word ", 11);
			length += 10;
		}
		free(strdup(text ? text : ""));
		free(text);
	}
}

static void vectors(void)
{
	for (int i = 0; i < 100; i++) {
		size_t room = 16;
		int *vector = malloc(room * sizeof(int));

		for (size_t n = 0; n < 2000000; n++) {
			if (n == room) {
				room += room / 2;
				vector = realloc(vector, room * sizeof(int));
			}
			vector[n] = (int)n;
		}
		free(vector);
	}
}

struct node {
	struct node *left, *right;
	char name[];
};

static struct node *tree(int depth)
{
	struct node *node = block(sizeof(*node) + 1 + random_below(40));

	node->left = depth ? tree(depth - 1) : NULL;
	node->right = depth ? tree(depth - 1) : NULL;
	return node;
}

static void fell(struct node *node)
{
	if (!node)
		return;
	fell(node->left);
	fell(node->right);
	free(node);
}

static void compiler(void)
{
	for (int unit = 0; unit < 12; unit++) {
		struct node *syntax = tree(16), *code = tree(15);

		fell(syntax);
		fell(code);
	}
}

/* Boxed numbers that die young, and lists that keep some. */
static void interpreter(void)
{
	static void *kept[300000];
	size_t count = 0;

	for (int i = 0; i < 12000000; i++) {
		void *box = block(24 + random_below(2) * 8);

		if (i % 16 == 0 && count < 300000)
			kept[count++] = box;
		else
			free(box);
		if (count == 300000)
			while (count > 100000)
				free(kept[--count]);
	}
}

/* Pages in a cache, rows that point into them, sorts that need room for a while. */
static size_t database_size(void)
{
	uint64_t kind = random_below(100);

	return kind < 70 ? 40 + random_below(200) : kind < 98 ? 4096 + 64 : 100000 + random_below(400000);
}

static void database(void)
{
	replace(8000, 500000, database_size);
}

/* One kind of block makes room for another. */
static void phases(void)
{
	static void *blocks[400000];

	for (size_t phase = 0; phase < 6; phase++) {
		for (size_t i = 0; i < 400000; i++)
			blocks[i] = block(48 + phase * 80);
		for (size_t i = 0; i < 400000; i++)
			if (i % 50 || phase == 5)
				free(blocks[i]);
	}
}

static void zeroed(void)
{
	for (int i = 0; i < 400000; i++) {
		char *table = calloc(1, 64 + random_below(i % 50 ? 20000 : 2000000));

		table[0] = 1;
		free(table);
	}
}

static void aligned(void)
{
	static void *set[5000];

	for (int i = 0; i < 2000000; i++) {
		void **one = &set[random_below(5000)];

		free(*one);
		if (posix_memalign(one, 32UL << random_below(4), 32 + random_below(500)))
			abort();
		*(char *)*one = 1;
	}
}

/* A program of 2 MB, thirty times. */
static void small_process(void)
{
	for (int run = 0; run < 60; run++) {
		if (fork() == 0) {
			replace(6000, 30000, small_size);
			_exit(0);
		}
		wait(NULL);
	}
}

/* Workers that are born with 60 MB, change a little, and end. */
static void fork_workers(void)
{
	static void *heap[600000];

	for (int i = 0; i < 600000; i++)
		heap[i] = block(16 + random_below(150));
	for (int worker = 0; worker < 12; worker++) {
		if (fork() == 0) {
			for (int i = 0; i < 60000; i++) {
				void **one = &heap[random_below(600000)];

				free(*one);
				*one = block(16 + random_below(150));
			}
			_exit(0);
		}
		wait(NULL);
	}
}

/* Threads */

#define THREADS 2
#define THREADS_MAX 64

static int thread_count = THREADS; /* as asked for */

static void in_threads(int count, void *(*work)(void *))
{
	pthread_t threads[THREADS_MAX];

	for (intptr_t i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void *own_work(void *number)
{
	seed += (uintptr_t)number;
	replace(50000, 4000000, small_size);
	return NULL;
}

static void threads_apart(void)
{
	in_threads(thread_count, own_work);
}

/* Blocks that one thread allocates and the other frees. */
static void *_Atomic ring[4096];

static void *hand_over(void *number)
{
	for (int i = 0; i < 4000000; i++) {
		void *_Atomic *slot = &ring[i % 4096];

		if (number) {
			while (atomic_load(slot))
				sched_yield();
			atomic_store(slot, block(small_size()));
		} else {
			void *given;

			while (!(given = atomic_exchange(slot, NULL)))
				sched_yield();
			free(given);
		}
	}
	return NULL;
}

static void producer_consumer(void)
{
	in_threads(THREADS, hand_over);
}

/* A common set in which each thread frees what another one allocated. */
static void *_Atomic common[100000];

static void *swap_blocks(void *number)
{
	seed += (uintptr_t)number;
	for (int i = 0; i < 4000000; i++)
		free(atomic_exchange(&common[random_below(100000)], block(small_size())));
	return NULL;
}

static void threads_swap(void)
{
	in_threads(thread_count, swap_blocks);
}

/* Threads that are replaced by others, which go on with their blocks (after Larson and Krishnan, 1998). */
static void *generation(void *set)
{
	void **blocks = set;

	for (int i = 0; i < 30000; i++) {
		void **one = &blocks[random_below(5000)];

		free(*one);
		*one = block(small_size());
	}
	return NULL;
}

static void generations(void)
{
	static void *sets[THREADS][5000];

	for (int round = 0; round < 150; round++) {
		pthread_t threads[THREADS];

		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, generation, sets[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
}

static void *short_life(void *unused)
{
	void *blocks[100];

	for (size_t i = 0; i < 100; i++)
		blocks[i] = block(small_size());
	for (size_t i = 0; i < 100; i++)
		free(blocks[i]);
	return unused;
}

static void thread_churn(void)
{
	for (int i = 0; i < 10000; i++)
		in_threads(THREADS, short_life);
}

static const struct {
	const char *name;
	void (*run)(void);
} workloads[] = {
	{ "stack", stack }, { "queue", queue }, { "small_random", small_random }, { "mixed", mixed },
	{ "medium", medium }, { "large", large }, { "strings", strings }, { "vectors", vectors },
	{ "compiler", compiler }, { "interpreter", interpreter }, { "database", database }, { "phases", phases },
	{ "zeroed", zeroed }, { "aligned", aligned }, { "small_process", small_process },
	{ "fork_workers", fork_workers }, { "threads_apart", threads_apart },
	{ "producer_consumer", producer_consumer }, { "threads_swap", threads_swap },
	{ "generations", generations }, { "thread_churn", thread_churn },
};

int main(int argc, char **argv)
{
	if (argc > 2)
		thread_count = atoi(argv[2]);
	if (thread_count < 1 || thread_count > THREADS_MAX)
		return 125;
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		if (argc < 2) {
			puts(workloads[i].name);
		} else if (!strcmp(argv[1], workloads[i].name)) {
			workloads[i].run();
			return 0;
		}
	}
	return argc < 2 ? 0 : 125;
}
