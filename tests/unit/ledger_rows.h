/* SPDX-License-Identifier: MIT */
/* Two whole ledgers of this process, before and after something was mapped, and by how much each row has grown. */
#ifndef PAGEGAP_TEST_LEDGER_ROWS_H
#define PAGEGAP_TEST_LEDGER_ROWS_H

#include "../../preload/blockmap.h"
#include "../../preload/capture.h"
#include "../../preload/ranges.h"

/* The sanitizer has its own malloc and stacks, and touches memory of its own with whatever is mapped. */
#ifdef __SANITIZE_ADDRESS__
#define skip_under_sanitizer() skip()
#else
#define skip_under_sanitizer() (void)0
#endif

static struct capture about;

/* A whole ledger of this process, or of another; out of the way of the memory that it looks at. */
static struct capture_snapshot first, second;

static inline void take(struct capture_snapshot *out)
{
	assert_int_equal(ledger_of(&about, 0, out, NULL, NULL, NULL), 0);
}

static inline char *map_pages(size_t pages, int protection, size_t touched)
{
	char *place = mmap(NULL, (pages + 2) * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(place != MAP_FAILED);
	assert_int_equal(mprotect(place + PAGE_BYTES, pages * PAGE_BYTES, protection), 0);
	madvise(place + PAGE_BYTES, pages * PAGE_BYTES, MADV_NOHUGEPAGE);
	for (size_t page = 0; page < touched; page++)
		((volatile char *)place)[(page + 1) * PAGE_BYTES] = 1;
	return place + PAGE_BYTES;
}

static inline void unmap_pages(char *place, size_t pages)
{
	assert_int_equal(munmap(place - PAGE_BYTES, (pages + 2) * PAGE_BYTES), 0);
}

/* By how many bytes a row has grown between the two ledgers. */
static inline int64_t mapped_more(int row)
{
	return (int64_t)(second.rows[row].mapped_bytes - first.rows[row].mapped_bytes);
}

static inline int64_t resident_more(int row)
{
	return (int64_t)(second.rows[row].resident_bytes - first.rows[row].resident_bytes);
}

static inline void assert_grown(int row, int64_t mapped, int64_t resident)
{
	if (mapped_more(row) != mapped * (int64_t)PAGE_BYTES || resident_more(row) != resident * (int64_t)PAGE_BYTES)
		fail_msg("row %d has grown by %ld mapped and %ld resident bytes; %ld and %ld pages were expected", row,
			 mapped_more(row), resident_more(row), mapped, resident);
}

/* A sanitizer touches its shadow of what is mapped, which nobody claims. */
static inline void assert_unexplained_grown(int64_t mapped, int64_t resident)
{
	const int64_t grown = second.unexplained_resident_bytes - first.unexplained_resident_bytes;

	assert_int_equal(second.unexplained_mapped_bytes - first.unexplained_mapped_bytes,
			 mapped * (int64_t)PAGE_BYTES);
#ifdef __SANITIZE_ADDRESS__
	assert_true(grown >= resident * (int64_t)PAGE_BYTES);
#else
	assert_int_equal(grown, resident * (int64_t)PAGE_BYTES);
#endif
}

static inline void claim(const char *place, size_t from, size_t to, enum range_kind kind)
{
	ranges_claim((uint64_t)place + from * PAGE_BYTES, (uint64_t)place + to * PAGE_BYTES, kind, 0);
}

#endif
