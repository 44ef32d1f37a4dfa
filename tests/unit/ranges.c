/* SPDX-License-Identifier: MIT */
/*
 * The set of ranges against a model that holds, for each page of a window, which claim is in force. After each operation the tree is
 * read the way a ledger outside reads it, as raw nodes, and must be a sorted, disjoint, coalesced search tree with every node either
 * in the tree or in the list of unused ones.
 *
 * links: preload/ranges.c preload/sandbox.c preload/kept.c
 * sanitize: thread
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "../../preload/ranges.h"
#include "../../preload/signals.h"
#include "child.h"
#include "random.h"

#define PLACE 0x300000000000UL

static struct range *array(void)
{
	return *(struct range **)(uintptr_t)ranges_address();
}

/* Reading the tree */

struct visit {
	uint32_t count, height, claimed;        /* nodes; levels; of them inside [from, to) */
	uint64_t from, to;
	uint64_t last_end, last_tag;
	uint32_t last_kind;
	const char *fault;
	void (*see)(struct visit *, const struct range *);
};

static void visit_tree(struct visit *v, uint32_t index, uint32_t depth)
{
	const struct range *nodes = array(), *r = &nodes[index];

	if (!index || v->fault)
		return;
	if (index >= nodes[0].start)
		v->fault = "a node beyond those in use";
	v->height = depth > v->height ? depth : v->height;
	visit_tree(v, r->left, depth + 1);
	if (r->kind == RANGE_FREE || r->kind >= RANGE_KINDS)
		v->fault = "a node of no kind";
	if (r->start >= r->end || (r->start | r->end) % PAGE_BYTES)
		v->fault = "an empty or crooked range";
	if (v->count && r->start < v->last_end)
		v->fault = "ranges out of order, or overlapping";
	if (v->count && r->start == v->last_end && r->kind == v->last_kind && r->tag == v->last_tag && r->kind != RANGE_INSTRUMENT)
		v->fault = "neighbours that should be one";
	if ((r->left && nodes[r->left].priority > r->priority) || (r->right && nodes[r->right].priority > r->priority))
		v->fault = "a child above its parent's priority";
	v->count++;
	v->claimed += r->start >= v->from && r->end <= v->to;
	v->last_end = r->end;
	v->last_kind = r->kind;
	v->last_tag = r->tag;
	if (v->see)
		v->see(v, r);
	visit_tree(v, r->right, depth + 1);
}

/* The whole structure is sound. Returns its visit. */
static struct visit check_structure(uint64_t from, uint64_t to, void (*see)(struct visit *, const struct range *))
{
	const struct range *nodes = array();
	struct visit v = { .from = from, .to = to, .see = see };
	uint64_t unused = 0;

	visit_tree(&v, nodes[0].left, 1);
	for (uint32_t i = nodes[0].right; i && unused <= nodes[0].start; i = nodes[i].right) {
		unused++;
		if (nodes[i].kind != RANGE_FREE)
			v.fault = "a node in use in the list of unused ones";
	}
	if (!v.fault && v.count + unused + 1 != nodes[0].start)
		v.fault = "a node neither in the tree nor in the list of unused ones";
	if (!v.fault && nodes[0].start > nodes[0].end)
		v.fault = "more nodes than there is room for";
	return v;
}

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
	for (uint64_t page = (r->start - PLACE) / PAGE_BYTES; page < (r->end - PLACE) / PAGE_BYTES; page++, pages_seen++)
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
		fail_msg("from %#lx the model has pages %lu to %lu, kind %u; found %d: %#lx to %#lx, kind %u", address, start, end,
			 model[first].kind, found, range.start, range.end, range.kind);
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

/* Growth: each in a process of its own, where the set is still in its first, embedded array. */

static bool still_mapped(const void *address, size_t bytes)
{
	static char copy[RANGES_EMBEDDED * sizeof(struct range)];

	return sys_read_memory(getpid(), (uint64_t)address, copy, bytes) == (long)bytes;
}

/* The array at hand is the instrument's own memory, to its last page. */
static void must_claim_own_array(void)
{
	const struct range *nodes = array();
	struct range range;

	must(ranges_find((uint64_t)nodes, &range));
	must(range.kind == RANGE_INSTRUMENT);
	must(range.start <= (uint64_t)nodes);
	must(range.end >= (uint64_t)(nodes + nodes[0].end));
}

static void grow_by_claims(void)
{
	struct range *old[16], *first = array();
	uint32_t arrays = 0;
	uint64_t room = 0;

	for (uint64_t i = 0; i < 5000; i++) {
		if (array()[0].end != room) {
			old[arrays++] = array();
			room = array()[0].end;
			must(arrays < 16);
		}
		ranges_claim(PLACE + 2 * i * PAGE_BYTES, PLACE + (2 * i + 1) * PAGE_BYTES, RANGE_OWN_ANON, i);
		if (array() != first)
			must_claim_own_array();
	}
	must(room >= 5000 && arrays > 5);
	for (uint32_t i = 0; i < arrays; i++) {
		struct range range;

		must(still_mapped(old[i], RANGES_EMBEDDED * sizeof(struct range)));
		must(i == 0 || (ranges_find((uint64_t)old[i], &range) && range.start <= (uint64_t)old[i] && range.kind == RANGE_INSTRUMENT));
	}
	must(!check_structure(0, 0, NULL).fault);
}

static void the_array_grows_and_old_ones_stay_mapped_and_claimed(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(grow_by_claims), 0);
}

/* A drop in the middle of a range needs a node too, so it can be what makes the array grow. */
static void grow_by_drops(void)
{
	const struct range *first = array();
	uint64_t step = 8, at;

	ranges_claim(PLACE, PLACE + 4096 * PAGE_BYTES, RANGE_OWN_ANON, 0);
	for (at = 1; at < 4096; at += step) {
		ranges_drop(PLACE + at * PAGE_BYTES, PLACE + (at + 1) * PAGE_BYTES);
		if (array() != first)
			must_claim_own_array();
	}
	must(array() != first);
	must(ranges_lost() == 0);
}

static void an_array_that_a_drop_made_grow_is_claimed_as_well(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(grow_by_drops), 0);
}

static void claim_without_memory(void)
{
	struct rlimit limit, none;
	struct range range;

	must(getrlimit(RLIMIT_AS, &limit) == 0);
	none = limit;
	none.rlim_cur = 4096;
	must(setrlimit(RLIMIT_AS, &none) == 0);
	for (uint64_t i = 0; i < 200; i++)
		ranges_claim(PLACE + 2 * i * PAGE_BYTES, PLACE + (2 * i + 1) * PAGE_BYTES, RANGE_OWN_ANON, i);
	must(ranges_lost() > 200 - RANGES_EMBEDDED && ranges_lost() < 200);
	must(!check_structure(0, 0, NULL).fault);
	must(check_structure(0, 0, NULL).count == 200 - ranges_lost());
	setrlimit(RLIMIT_AS, &limit);
	ranges_claim(PLACE + 1000 * PAGE_BYTES, PLACE + 1001 * PAGE_BYTES, RANGE_OWN_ANON, 0);
	must(ranges_find(PLACE + 1000 * PAGE_BYTES, &range) && range.start == PLACE + 1000 * PAGE_BYTES);
	must_claim_own_array();
}

static void claims_without_memory_are_counted_as_lost_and_harm_nothing(void **state)
{
	(void)state;
	assert_int_equal(status_of_child(claim_without_memory), 0);
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
		ranges_drop(PLACE + 2 * (i * 7919 % MANY) * PAGE_BYTES, PLACE + (2 * (i * 7919 % MANY) + 1) * PAGE_BYTES);
	v = check_structure(PLACE, PLACE + 2 * MANY * PAGE_BYTES, NULL);
	assert_null(v.fault);
	assert_int_equal(v.claimed, MANY / 2);
	claim_pages(0, 2 * MANY, RANGE_OWN_FILE, 3);
	assert_range(MANY, 0, 2 * MANY, RANGE_OWN_FILE, 3);
	ranges_drop(PLACE, PLACE + 2 * MANY * PAGE_BYTES);
	assert_int_equal(check_structure(PLACE, PLACE + 2 * MANY * PAGE_BYTES, NULL).claimed, 0);
	assert_int_equal(ranges_lost(), 0);
}

/* Threads and signal handlers */

#define THREADS 4
static uint64_t faults;

static uint64_t area_of(uint64_t number)
{
	return PLACE + (number + 1) * 0x1000000UL;
}

/* One claim and one drop in the caller's own area, looked up in between. */
static void claim_and_drop(uint64_t number, uint64_t i)
{
	uint64_t start = area_of(number) + i % 64 * 2 * PAGE_BYTES;
	struct range range;

	ranges_claim(start, start + PAGE_BYTES, RANGE_OWN_ANON, i);
	if (!ranges_find(start, &range) || range.start != start || range.end != start + PAGE_BYTES || range.tag != i)
		__atomic_fetch_add(&faults, 1, __ATOMIC_RELAXED);
	if (i % 3)
		ranges_drop(start, start + PAGE_BYTES);
}

static void *use_own_area(void *number)
{
	for (uint64_t i = 0; i < 20000; i++)
		claim_and_drop((uintptr_t)number, i);
	return NULL;
}

static void check_and_drop_areas(uint64_t areas)
{
	assert_null(check_structure(0, 0, NULL).fault);
	assert_int_equal(faults, 0);
	ranges_drop(area_of(0), area_of(areas));
	assert_int_equal(check_structure(area_of(0), area_of(areas), NULL).claimed, 0);
}

static void threads_in_different_areas_do_not_disturb_each_other(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_own_area, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_and_drop_areas(THREADS);
}

static volatile uint64_t alarms;

static void on_alarm(int signal)
{
	(void)signal;
	claim_and_drop(1, alarms++);
}

/* The mask that was there before comes back; a handler that comes at any moment finds the set whole and the lock free. */
static void a_signal_handler_may_claim_and_drop_at_any_moment(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART }, old;
	struct itimerval often = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };
	sigset_t before = { 0 }, after = { 0 };

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &before);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	for (uint64_t i = 0; alarms < 300; i++)
		claim_and_drop(0, i);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(memcmp(&before, &after, sizeof(before)), 0);
	assert_int_equal(this_signals.depth, 0);
	check_and_drop_areas(2);
}

static void use_after_fork(void)
{
	ranges_unlock_after_fork();
	claim_and_drop(0, 1);
	must(faults == 0);
}

static void fork_in_the_middle_of_a_change(void)
{
	ranges_forked();
	must(ranges_lost() == 1); /* the change that somebody else was in the middle of */
	claim_and_drop(0, 1);
	must(faults == 0);
}

static void a_forked_child_has_a_set_that_nobody_has_locked(void **state)
{
	(void)state;
	ranges_lock_for_fork();
	assert_int_equal(status_of_child(use_after_fork), 0);
	assert_int_equal(status_of_child(fork_in_the_middle_of_a_change), 0);
	ranges_unlock_after_fork();
	claim_and_drop(0, 1);
	check_and_drop_areas(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_array_grows_and_old_ones_stay_mapped_and_claimed),
		cmocka_unit_test(an_array_that_a_drop_made_grow_is_claimed_as_well),
		cmocka_unit_test(claims_without_memory_are_counted_as_lost_and_harm_nothing),
		cmocka_unit_test(neighbours_become_one_range_only_with_the_same_kind_and_tag),
		cmocka_unit_test(a_claim_in_the_middle_leaves_what_was_below_and_above),
		cmocka_unit_test(an_empty_claim_or_drop_changes_nothing),
		cmocka_unit_test(random_claims_and_drops_agree_with_the_model),
		cmocka_unit_test(random_claims_and_drops_of_another_seed_agree_with_the_model),
		cmocka_unit_test(threads_in_different_areas_do_not_disturb_each_other),
		cmocka_unit_test(a_signal_handler_may_claim_and_drop_at_any_moment),
		cmocka_unit_test(a_forked_child_has_a_set_that_nobody_has_locked),
		cmocka_unit_test(a_hundred_thousand_ranges_in_any_order_stay_a_shallow_tree),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
