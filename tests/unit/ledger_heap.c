/* SPDX-License-Identifier: MIT */
/*
 * The ledger's walk over the heap, to the byte: mapped, resident and shared bytes of the three heap rows, page fill,
 * and free bytes on empty pages, over random layouts and a few chosen ones, compared with a model that counts every
 * byte; from inside with each source of residency, and from outside over a forked child that alone has the blocks.
 *
 * links: preload/ledger.c preload/ledger_blocks.c preload/blockmap.c preload/ranges.c preload/pages.c preload/smaps.c
 * links: preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "child.h"
#include "ledger_heap.h"

static struct heap heap;
static struct capture about;
static struct ledger ledger;

static int prepare(void **state)
{
	(void)state;
	about.has_heap = 1;
	about.anatomy.blockmap_address = (uint64_t)&blockmap;
	return heap_map_areas(&heap) ? 0 : -1;
}

/* What smaps would say of an area, were it a mapping of its own. */
static struct mapping mapping_of_area(const struct heap *h, int area)
{
	struct mapping m = {
		.start = h->area[area], .end = h->area[area] + AREA_BYTES, .protection = PROT_READ | PROT_WRITE,
	};

	for (uint64_t page = 0; page < AREA_PAGES; page++) {
		m.resident += heap_page_is_resident(h, area, page) ? PAGE_BYTES : 0;
		m.shared_resident += h->page[area][page] == PAGE_SHARED ? PAGE_BYTES : 0;
	}
	m.dirty = m.resident;
	return m;
}

/* Walks both areas in their segments. @pid 0: this process. */
static void take(const struct heap *h, int pid, enum pages_source source, struct capture_snapshot *out)
{
	struct ledger *l = &ledger;

	memset(l, 0, sizeof(*l));
	memset(out, 0, sizeof(*out));
	l->capture = &about;
	l->self = pid == 0;
	l->pid = pid ? pid : (int)getpid();
	l->out = out;
	pages_open(&l->pages, l->pid, l->self);
	pages_open(&l->leaf_pages, l->pid, l->self);
	l->pages.source = l->leaf_pages.source = source;
	blocks_open(l);
	for (int i = 0; i < AREAS; i++) {
		uint64_t from = h->area[i];

		l->mapping = mapping_of_area(h, i);
		for (uint32_t cut = 0; cut < h->cut_count[i]; from = h->cuts[i][cut++])
			if (h->cuts[i][cut] > from)
				heap_segment(l, from, h->cuts[i][cut]);
		heap_segment(l, from, h->area[i] + AREA_BYTES);
	}
	blocks_close(l);
	pages_close(&l->pages);
	pages_close(&l->leaf_pages);
}

static void compare_row(const char *who, const char *row, const struct capture_amounts *is, uint64_t mapped,
			uint64_t resident, uint64_t shared)
{
	if (is->mapped_bytes != mapped || is->resident_bytes != resident || is->dirty_bytes != resident ||
	    is->shared_bytes != shared || is->swap_bytes || is->huge_bytes)
		fail_msg("%s, %s: mapped %lu of %lu, resident %lu of %lu, dirty %lu of %lu, shared %lu of %lu, swap "
			 "%lu, huge %lu of 0",
			 who, row, is->mapped_bytes, mapped, is->resident_bytes, resident, is->dirty_bytes, resident,
			 is->shared_bytes, shared, is->swap_bytes, is->huge_bytes);
}

static void compare(const char *who, const struct capture_snapshot *out, const struct heap_figures *f)
{
	static const char *const rows[] = { "live", "slack", "free" };

	for (int row = 0; row < 3; row++)
		compare_row(who, rows[row], &out->rows[ROW_HEAP_LIVE + row], f->mapped[row], f->resident[row],
			    f->shared[row]);
	if (out->live_blocks != f->live_blocks)
		fail_msg("%s: %lu live blocks of %lu", who, out->live_blocks, f->live_blocks);
	for (int i = 0; i < CAPTURE_FILL_BUCKETS; i++)
		if (out->fill_pages[i] != f->fill_pages[i])
			fail_msg("%s: fill bucket %d has %lu pages of %lu", who, i, out->fill_pages[i],
				 f->fill_pages[i]);
	if (out->free_on_empty_bytes != f->free_on_empty)
		fail_msg("%s: %lu free bytes on empty pages of %lu", who, out->free_on_empty_bytes, f->free_on_empty);
}

/* The heap at hand is entered and touched by this process, and looked at from inside. */
static void compare_inside(const char *who, enum pages_source source)
{
	struct capture_snapshot out;
	struct heap_figures figures;

	assert_true(heap_enter(&heap));
	heap_touch(&heap, PAGE_READ, PAGE_SHARED);
	heap_expect(&heap, &figures);
	take(&heap, 0, source, &out);
	heap_erase();
	heap_give_back(&heap);
	if (ledger.pages.source != source)
		skip();
	compare(who, &out, &figures);
}

static void compare_random_inside(const char *who, struct random random, enum pages_source source, bool read)
{
	for (int i = 0; i < 60; i++) {
		heap_lay_out(&heap, &random, read, false);
		compare_inside(who, source);
	}
}

static void random_heaps_are_accounted_to_the_byte(void **state)
{
	(void)state;
	compare_random_inside("fixed seed", (struct random){ FIXED_SEED }, PAGES_BY_SCAN, true);
	compare_random_inside("random seed", random_of_moment("ledger_heap"), PAGES_BY_SCAN, true);
}

/* But for the zero page, which they cannot tell from memory. */
static void pagemap_and_mincore_serve_as_well(void **state)
{
	const bool read = !heap.zero_page;

	(void)state;
	compare_random_inside("pagemap", (struct random){ FIXED_SEED + 1 }, PAGES_BY_PAGEMAP, read);
	compare_random_inside("mincore", (struct random){ FIXED_SEED + 2 }, PAGES_BY_MINCORE, read);
}

/*
 * A child enters the blocks of the model, which this process has only on paper, and touches its own pages; those that
 * are shared were touched before the fork. It looks from inside, then waits to be looked at from outside.
 */
static void compare_outside(const char *who)
{
	const int protection = PROT_READ | PROT_WRITE;
	struct capture_snapshot out, *inside = mmap(NULL, sizeof(out), protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct heap_figures figures;
	int ready[2], leave[2], status;
	pid_t child;
	char byte;

	assert_true(inside != MAP_FAILED && !pipe(ready) && !pipe(leave));
	heap_touch(&heap, PAGE_SHARED, PAGE_SHARED);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		must(heap_enter(&heap));
		heap_touch(&heap, PAGE_READ, PAGE_OWN);
		take(&heap, 0, PAGES_BY_SCAN, inside);
		must(write(ready[1], "r", 1) == 1);
		close(leave[1]);
		_exit((int)read(leave[0], &byte, 1));
	}
	close(ready[1]);
	close(leave[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	heap_expect(&heap, &figures);
	take(&heap, (int)child, PAGES_BY_SCAN, &out);
	close(leave[1]);
	close(ready[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	heap_give_back(&heap);
	if (ledger.pages.source == PAGES_BY_SCAN) { /* another source cannot tell pages that were only read */
		compare(who, &out, &figures);
		compare("from inside", inside, &figures);
		assert_memory_equal(inside, &out, sizeof(out));
	}
	munmap(inside, sizeof(out));
}

static void a_child_seen_from_outside_has_the_same_figures_as_from_inside(void **state)
{
	struct random random = random_of_moment("ledger_heap, outside");

	(void)state;
	for (int i = 0; i < 20; i++) {
		heap_lay_out(&heap, &random, true, false);
		compare_outside("from outside");
		heap_lay_out(&heap, &random, false, true);
		compare_outside("from outside, with shared pages");
	}
}

/* Chosen layouts */

static void all_pages(enum page_state state)
{
	memset(heap.page, (int)state, sizeof(heap.page));
}

static void blocks_without_a_gap(int area, uint64_t from, uint64_t end, uint64_t usable)
{
	for (uint64_t at = heap.area[area] + from; at + usable <= heap.area[area] + end; at += (usable + 15) & ~15UL)
		heap_add_block(&heap, at, usable, usable);
}

/*
 * The first half of area 1 and the second half of area 0 lie in one leaf; its copy is used again for the next leaf,
 * where the blocks end with a page of the map, and the page behind that was never written.
 */
static void a_leaf_seen_from_outside_has_no_blocks_of_the_leaf_before_it(void **state)
{
	const uint64_t map_page = PAGE_BYTES << GRANULE_SHIFT;

	(void)state;
	for (uint64_t usable = 56; usable <= 64; usable += 8) {
		heap_clear(&heap);
		all_pages(PAGE_OWN);
		blocks_without_a_gap(0, AREA_BYTES / 2, AREA_BYTES, usable);
		blocks_without_a_gap(1, AREA_BYTES / 2, AREA_BYTES / 2 + map_page, usable);
		compare_outside("dense heaps at the beginning of two leaves");
	}
	heap_clear(&heap);
	all_pages(PAGE_OWN);
	for (uint64_t at = AREA_BYTES / 2; at < AREA_BYTES / 2 + 64; at += 8)
		heap_add_block(&heap, heap.area[0] + at, 3, 8);
	/* reaches into the leaf by half a granule */
	blocks_without_a_gap(1, AREA_BYTES / 2 - 16, AREA_BYTES / 2 + 8, 24);
	compare_outside("pairs at the beginning of a leaf, half a granule at that of the next");
}

static void blocks_of_whole_pages_fill_them(void **state)
{
	static const uint64_t pages[] = { 1, 2, 3, 7, 100 };

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		for (uint64_t shift = 0; shift < 3; shift++) {
			heap_clear(&heap);
			all_pages(PAGE_OWN);
			heap_add_block(&heap, heap.area[0] + PAGE_BYTES + shift * 16, pages[i] * PAGE_BYTES,
				       pages[i] * PAGE_BYTES);
			blocks_without_a_gap(0, (pages[i] + 1) * PAGE_BYTES + shift * 16, (pages[i] + 20) * PAGE_BYTES,
					     24);
			compare_inside("whole pages, then small blocks", PAGES_BY_SCAN);
		}
	}
}

static void a_block_over_several_leaves_and_segments_counts_once_and_everywhere(void **state)
{
	static const uint64_t slack[] = { 0, 8, AREA_BYTES / 4, AREA_BYTES, LEAF_SPAN - AREA_BYTES / 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(slack) / sizeof(slack[0]); i++) {
		uint64_t usable = LEAF_SPAN + AREA_BYTES / 2;

		heap_clear(&heap);
		all_pages(PAGE_OWN);
		memset(heap.page[1], PAGE_UNTOUCHED, AREA_PAGES / 3);
		heap_add_block(&heap, heap.area[0] + 4096 + 16, usable - slack[i], usable);
		for (int area = 0; area < AREAS; area++)
			for (uint64_t page = 7; page < AREA_PAGES && heap.cut_count[area] < 8; page += 19)
				heap.cuts[area][heap.cut_count[area]++] = heap.area[area] + page * PAGE_BYTES;
		compare_inside("a block over several leaves", PAGES_BY_SCAN);
	}
}

static void an_empty_heap_is_free_and_a_full_one_is_not(void **state)
{
	(void)state;
	heap_clear(&heap);
	all_pages(PAGE_OWN);
	compare_inside("no blocks", PAGES_BY_SCAN);
	for (uint64_t usable = 8; usable <= 128; usable += usable < 16 ? 8 : 16) {
		heap_clear(&heap);
		all_pages(PAGE_OWN);
		for (int area = 0; area < AREAS; area++)
			for (uint64_t at = 0; at < AREA_BYTES; at += usable)
				if (heap.area[area] + at + usable <= heap.area[area] + AREA_BYTES)
					heap_add_block(&heap, heap.area[area] + at, usable, usable);
		compare_inside("no gaps", PAGES_BY_SCAN);
	}
}

/* One page in five is dirty: which bytes those are is not told by any source. */
static void what_cannot_be_told_of_the_parts_is_unknown_in_all_three_rows(void **state)
{
	struct capture_snapshot out;
	struct ledger *l = &ledger;

	(void)state;
	heap_clear(&heap);
	all_pages(PAGE_OWN);
	blocks_without_a_gap(0, 0, AREA_BYTES / 2, 40);
	assert_true(heap_enter(&heap));
	heap_touch(&heap, PAGE_OWN, PAGE_OWN);
	take(&heap, 0, PAGES_BY_SCAN, &out);
	memset(&out, 0, sizeof(out));
	pages_open(&l->pages, l->pid, true);
	pages_open(&l->leaf_pages, l->pid, true);
	blocks_open(l);
	l->mapping = mapping_of_area(&heap, 0);
	l->mapping.dirty /= 5;
	heap_segment(l, heap.area[0], heap.area[0] + AREA_BYTES);
	for (int row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE; row++) {
		assert_true(out.rows[row].dirty_bytes == CAPTURE_UNKNOWN);
		assert_true(out.rows[row].resident_bytes != CAPTURE_UNKNOWN && out.rows[row].swap_bytes == 0);
	}
	blocks_close(l);
	pages_close(&l->pages);
	pages_close(&l->leaf_pages);
	heap_erase();
	heap_give_back(&heap);
}

/* MADV_GUARD_INSTALL, Linux 6.13: such a page looks like a swapped one in pagemap, and smaps says Swap: 0. */
static void guard_pages_are_not_counted_as_swapped(void **state)
{
	struct capture_snapshot out;

	(void)state;
	heap_clear(&heap);
	memset(heap.page[0], PAGE_OWN, AREA_PAGES / 2);
	blocks_without_a_gap(0, 0, AREA_BYTES / 2, 104);
	assert_true(heap_enter(&heap));
	heap_touch(&heap, PAGE_OWN, PAGE_OWN);
	if (madvise((void *)(heap.area[0] + AREA_BYTES / 2), PAGE_BYTES, 102)) {
		heap_erase();
		skip();
	}
	take(&heap, 0, PAGES_BY_SCAN, &out);
	heap_erase();
	assert_int_equal(madvise((void *)(heap.area[0] + AREA_BYTES / 2), PAGE_BYTES, 103), 0);
	heap_give_back(&heap);
	for (int row = ROW_HEAP_LIVE; row <= ROW_HEAP_FREE; row++)
		assert_int_equal(out.rows[row].swap_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_heap_is_free_and_a_full_one_is_not),
		cmocka_unit_test(blocks_of_whole_pages_fill_them),
		cmocka_unit_test(a_block_over_several_leaves_and_segments_counts_once_and_everywhere),
		cmocka_unit_test(a_leaf_seen_from_outside_has_no_blocks_of_the_leaf_before_it),
		cmocka_unit_test(a_child_seen_from_outside_has_the_same_figures_as_from_inside),
		cmocka_unit_test(random_heaps_are_accounted_to_the_byte),
		cmocka_unit_test(pagemap_and_mincore_serve_as_well),
		cmocka_unit_test(what_cannot_be_told_of_the_parts_is_unknown_in_all_three_rows),
		cmocka_unit_test(guard_pages_are_not_counted_as_swapped),
	};

	return cmocka_run_group_tests_name("ledger_heap", tests, prepare, NULL);
}
