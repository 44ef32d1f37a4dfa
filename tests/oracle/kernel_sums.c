/* SPDX-License-Identifier: MIT */
/*
 * The sum of the rows against what the program itself reads of the kernel right before and after a mark: VmSize for
 * mapped, the Rss lines of smaps for resident, VmPTE below the line. Between the two readings nothing of the program
 * changes, so the report may differ by what the instrument maps for the moment of its work alone, and that is in its
 * own row.
 */
#include <pthread.h>

#include "oracle.h"

/* Bytes of working memory that the instrument may map for a ledger and give back before the mark returns. */
#define MOMENT (64 * KIB)

static void compare(const char *mark)
{
	uint64_t size[2], resident[2], tables[2];
	char at[80];

	size[0] = status_bytes("VmSize:");
	resident[0] = smaps_sum_bytes("\nRss:");
	tables[0] = status_bytes("VmPTE:");
	pagegap_mark(mark);
	size[1] = status_bytes("VmSize:");
	resident[1] = smaps_sum_bytes("\nRss:");
	tables[1] = status_bytes("VmPTE:");
	snprintf(at, sizeof(at), "mark:%s", mark);
	expect(at, NULL, "vm_size_bytes", (int64_t)size[0], (int64_t)(size[1] + MOMENT),
	       "VmSize is what the program reads");
	expect(at, NULL, "sum mapped", (int64_t)size[0], (int64_t)(size[1] + MOMENT), "the rows add up to VmSize");
	expect(at, NULL, "rss_bytes", (int64_t)resident[0], (int64_t)(resident[1] + MOMENT),
	       "Rss is what the program reads");
	expect(at, NULL, "sum resident", (int64_t)resident[0], (int64_t)(resident[1] + MOMENT),
	       "the rows add up to Rss");
	expect(at, NULL, "page_table_bytes", (int64_t)tables[0], (int64_t)(tables[1] + MOMENT),
	       "page tables are what it reads");
	expect_exact(at, NULL, "unexplained_mapped_bytes", 0, "no mapped byte is unexplained");
	expect_exact(at, NULL, "unexplained_resident_bytes", 0, "no resident byte is unexplained");
}

static void *wait_for_it(void *barrier)
{
	char *block = opaque(malloc(100000));

	touch(block, 100000);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	free(block);
	return NULL;
}

int main(void)
{
	static pthread_barrier_t barrier;
	static pthread_t threads[8];
	char *p, *blocks[2000];

	compare("start");       /* the first reading touches the buffers themselves */
	compare("ready");
	for (size_t i = 0; i < 2000; i++) {
		blocks[i] = opaque(malloc(i * 13));
		touch(blocks[i], i * 13);
	}
	compare("blocks");
	p = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(p != MAP_FAILED);
	touch(p, 30 * MIB);
	compare("mapping");
	for (size_t i = 0; i < 2000; i += 2)
		free(blocks[i]);
	REQUIRE(munmap(p + MIB, MIB) == 0);
	compare("holes");
	REQUIRE(pthread_barrier_init(&barrier, NULL, 9) == 0);
	for (size_t i = 0; i < 8; i++)
		REQUIRE(pthread_create(&threads[i], NULL, wait_for_it, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	compare("threads");
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < 8; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	compare("joined");
	for (size_t i = 0; i < 1000; i++) {     /* one line of smaps each: the rights alternate */
		int rights = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;

		REQUIRE(mmap(NULL, PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	}
	compare("many mappings");
	oracle_flush();
	return 0;
}
