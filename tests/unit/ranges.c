/* SPDX-License-Identifier: MIT */
/*
 * The set of ranges against a model that holds, for each page of a window, which claim is in force. After each
 * operation the tree must be a sorted, disjoint, coalesced search tree with every node either in the tree or in the
 * list of unused ones.
 *
 * links: preload/ranges.c preload/sandbox.c preload/kept.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "ranges_tree.h"

/* The model */

#define PAGES_MAX 16384

struct claim {
	uint32_t kind;
	uint64_t tag;
};

static struct claim model[PAGES_MAX];
static uint64_t pages_seen;

static bool same(const struct claim *a, const struct claim *b)
{
	return a->kind == b->kind && (a->kind == RANGE_FREE || a->tag == b->tag);
}

static void compare_range(struct visit *v, const struct range *r)
{
	if (r->end <= v->from || r->start >= v->to)
		return;
	for (uint64_t page = (r->start - PLACE) / PAGE_BYTES; page < (r->end - PLACE) / PAGE_BYTES;
	     page++, pages_seen++)
		if (!same(&model[page], &(struct claim){ r->kind, r->tag }))
			v->fault = "a page claimed by another than in the model";
}

static void compare_all(uint64_t pages)
{
	struct visit v;
	uint64_t claimed = 0;

	pages_seen = 0;
	v = check_structure(PLACE, PLACE + pages * PAGE_BYTES, compare_range);
	if (v.fault)
		fail_msg("%s", v.fault);
	for (uint64_t page = 0; page < pages; page++)
		claimed += model[page].kind != RANGE_FREE;
	assert_int_equal(pages_seen, claimed);
}

static void compare_find(uint64_t pages, uint64_t address)
{
	uint64_t first = (address - PLACE) / PAGE_BYTES, start, end;
	struct range range;
	bool found = ranges_find(address, &range);

	while (first < pages && model[first].kind == RANGE_FREE)
		first++;
	if (first == pages) {
		if (found && range.start < PLACE + pages * PAGE_BYTES)
			fail_msg("a range at %#lx found from %#lx, where the model has none", range.start, address);
		return;
	}
	for (start = first; start > 0 && same(&model[start - 1], &model[first]); start--)
		;
	for (end = first + 1; end < pages && same(&model[end], &model[first]); end++)
		;
	if (!found || range.start != PLACE + start * PAGE_BYTES || range.end != PLACE + end * PAGE_BYTES ||
	    range.kind != model[first].kind || range.tag != model[first].tag)
		fail_msg("from %#lx the model has pages %lu to %lu, kind %u; found %d: %#lx to %#lx, kind %u", address,
			 start, end, model[first].kind, found, range.start, range.end, range.kind);
}

/* @pages in the window, @longest pages in an operation; everything is compared after each @every operations. */
static void run_model(struct random random, uint64_t pages, uint64_t longest, int operations, int every)
{
	memset(model, 0, sizeof(model));
	for (int i = 0; i < operations; i++) {
		uint64_t first = random_below(&random, pages), last = first + random_below(&random, longest);
		uint64_t start = PLACE + first * PAGE_BYTES, end = PLACE + last * PAGE_BYTES;
		struct claim claim = { 0 };

		if (last > pages)
			continue;
		if (last > first) { /* odd addresses stand for the pages they lie on */
			start += random_percent(&random, 50) ? 0 : random_below(&random, PAGE_BYTES);
			end -= random_percent(&random, 50) ? 0 : random_below(&random, PAGE_BYTES);
			if (end <= start)
				continue;
		}
		if (random_percent(&random, 60)) {
			claim = (struct claim){ 1 + (uint32_t)random_below(&random, 3), random_below(&random, 2) };
			ranges_claim(start, end, (enum range_kind)claim.kind, claim.tag);
		} else {
			ranges_drop(start, end);
		}
		for (uint64_t page = first; page < last; page++)
			model[page] = claim;
		compare_find(pages, PLACE + random_below(&random, pages * PAGE_BYTES));
		if (i % every == 0)
			compare_all(pages);
	}
	compare_all(pages);
	ranges_drop(PLACE, PLACE + pages * PAGE_BYTES);
	memset(model, 0, sizeof(model));
	compare_all(pages);
	assert_int_equal(ranges_lost(), 0);
}

static void random_claims_and_drops_agree_with_the_model(void **state)
{
	(void)state;
	run_model((struct random){ FIXED_SEED }, 64, 20, 30000, 1);
	run_model((struct random){ FIXED_SEED }, PAGES_MAX, 40, 60000, 1000);
}

static void random_claims_and_drops_of_another_seed_agree_with_the_model(void **state)
{
	struct random random = random_of_moment("ranges");

	(void)state;
	run_model(random, 64, 20, 30000, 1);
	run_model(random, PAGES_MAX, 40, 60000, 1000);
}

static void assert_range(uint64_t address, uint64_t start, uint64_t end, uint32_t kind, uint64_t tag)
{
	struct range range;

	assert_true(ranges_find(PLACE + address * PAGE_BYTES, &range));
	assert_int_equal(range.start, PLACE + start * PAGE_BYTES);
	assert_int_equal(range.end, PLACE + end * PAGE_BYTES);
	assert_int_equal(range.kind, kind);
	assert_int_equal(range.tag, tag);
}

static void claim_pages(uint64_t start, uint64_t end, enum range_kind kind, uint64_t tag)
{
	ranges_claim(PLACE + start * PAGE_BYTES, PLACE + end * PAGE_BYTES, kind, tag);
}

static void neighbours_become_one_range_only_with_the_same_kind_and_tag(void **state)
{
	(void)state;
	claim_pages(10, 20, RANGE_OWN_ANON, 1);
	claim_pages(30, 40, RANGE_OWN_ANON, 1);
	assert_range(0, 10, 20, RANGE_OWN_ANON, 1);
	claim_pages(20, 30, RANGE_OWN_ANON, 2);
	assert_range(20, 20, 30, RANGE_OWN_ANON, 2);
	claim_pages(20, 30, RANGE_OWN_FILE, 1);
	assert_range(20, 20, 30, RANGE_OWN_FILE, 1);
	assert_range(15, 10, 20, RANGE_OWN_ANON, 1);
	claim_pages(20, 30, RANGE_OWN_ANON, 1);
	assert_range(0, 10, 40, RANGE_OWN_ANON, 1);
	claim_pages(12, 13, RANGE_OWN_ANON, 1);
	assert_range(0, 10, 40, RANGE_OWN_ANON, 1);
	ranges_drop(PLACE, PLACE + 40 * PAGE_BYTES);
}

static void a_claim_in_the_middle_leaves_what_was_below_and_above(void **state)
{
	(void)state;
	claim_pages(10, 40, RANGE_ALLOCATOR, 7);
	claim_pages(20, 21, RANGE_OWN_ANON, 0);
	assert_range(0, 10, 20, RANGE_ALLOCATOR, 7);
	assert_range(20, 20, 21, RANGE_OWN_ANON, 0);
	assert_range(21, 21, 40, RANGE_ALLOCATOR, 7);
	ranges_drop(PLACE + 15 * PAGE_BYTES, PLACE + 35 * PAGE_BYTES);
	assert_range(15, 35, 40, RANGE_ALLOCATOR, 7);
	ranges_drop(PLACE, PLACE + 40 * PAGE_BYTES);
	assert_int_equal(check_structure(PLACE, PLACE + 40 * PAGE_BYTES, NULL).claimed, 0);
}

static void an_empty_claim_or_drop_changes_nothing(void **state)
{
	struct range range;

	(void)state;
	claim_pages(10, 20, RANGE_OWN_ANON, 0);
	claim_pages(15, 15, RANGE_OWN_FILE, 0);
	claim_pages(18, 12, RANGE_OWN_FILE, 0);
	ranges_drop(PLACE + 15 * PAGE_BYTES, PLACE + 15 * PAGE_BYTES);
	assert_range(0, 10, 20, RANGE_OWN_ANON, 0);
	ranges_drop(PLACE + 10 * PAGE_BYTES, PLACE + 20 * PAGE_BYTES);
	assert_false(ranges_find(PLACE, &range) && range.start < PLACE + 40 * PAGE_BYTES);
}

#define MANY 100000UL

static void a_hundred_thousand_ranges_in_any_order_stay_a_shallow_tree(void **state)
{
	struct visit v;
	struct range range;

	(void)state;
	for (uint64_t i = 0; i < MANY; i++) /* ascending, the worst order for a tree that does not balance */
		claim_pages(2 * i, 2 * i + 1, RANGE_OWN_ANON, 0);
	v = check_structure(PLACE, PLACE + 2 * MANY * PAGE_BYTES, NULL);
	assert_null(v.fault);
	assert_int_equal(v.claimed, MANY);
	assert_true(v.height < 80);
	for (uint64_t i = 0; i < MANY; i += 7) {
		assert_true(ranges_find(PLACE + 2 * i * PAGE_BYTES + 4095, &range));
		assert_int_equal(range.start, PLACE + 2 * i * PAGE_BYTES);
	}
	for (uint64_t i = 0; i < MANY; i += 2) /* in no order: 7919 and MANY have no common divisor */
		ranges_drop(PLACE + 2 * (i * 7919 % MANY) * PAGE_BYTES,
			    PLACE + (2 * (i * 7919 % MANY) + 1) * PAGE_BYTES);
	v = check_structure(PLACE, PLACE + 2 * MANY * PAGE_BYTES, NULL);
	assert_null(v.fault);
	assert_int_equal(v.claimed, MANY / 2);
	claim_pages(0, 2 * MANY, RANGE_OWN_FILE, 3);
	assert_range(MANY, 0, 2 * MANY, RANGE_OWN_FILE, 3);
	ranges_drop(PLACE, PLACE + 2 * MANY * PAGE_BYTES);
	assert_int_equal(check_structure(PLACE, PLACE + 2 * MANY * PAGE_BYTES, NULL).claimed, 0);
	assert_int_equal(ranges_lost(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_become_one_range_only_with_the_same_kind_and_tag),
		cmocka_unit_test(a_claim_in_the_middle_leaves_what_was_below_and_above),
		cmocka_unit_test(an_empty_claim_or_drop_changes_nothing),
		cmocka_unit_test(random_claims_and_drops_agree_with_the_model),
		cmocka_unit_test(random_claims_and_drops_of_another_seed_agree_with_the_model),
		cmocka_unit_test(a_hundred_thousand_ranges_in_any_order_stay_a_shallow_tree),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
