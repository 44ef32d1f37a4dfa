/* SPDX-License-Identifier: MIT */
/*
 * A scenario of copy-on-write, made up from a seed before anything of it happens: a family of processes, memory of
 * several sorts, and the steps of all of them in one order. What is random is what they do; who may do what, and what
 * is mapped then, is known.
 */
#ifndef PAGEGAP_TESTS_COW_SCENARIO_H
#define PAGEGAP_TESTS_COW_SCENARIO_H

#include "cow_model.h"
#include "oracle.h"

#define STEPS      600
#define STACK_PAGES 16

enum action { WRITE, WRITE_BY_READ, READ, GIVE_BACK, UNMAP, MOVE, FREE, FORK, END, KILL, REAP };

struct step {
	enum action action;
	int  actor, other;              /* other: whom it forks or reaps; of who ends: who will reap it */
	int  area;
	uint32_t first, pages, stride;
	bool by_thread;                 /* by the second thread */
};

/* What a scenario may have. */
enum family { ONE_CHILD, SIBLINGS, NESTED, NESTED_THREE_DEEP, MIXED, FAMILIES };
enum order { PARENTS_FIRST, CHILDREN_FIRST, PAGE_BY_PAGE, AFTER_THE_OTHER, AT_RANDOM, ORDERS };
enum extra { THREADS, GIVES_BACK, UNMAPS, MOVES, FREES, READS_INTO, HUGE, LETS_GO, OUTLIVES, KILLS, EXTRAS };

static const char *const families[] = { "one child", "siblings", "nested", "nested three deep", "siblings and nested" };
static const char *const orders[] = {
	"parents first", "children first", "page by page", "only after the other has ended", "in any order",
};
static const char *const extras[] = {
	"forked by a second thread", "gives back", "unmaps", "moves", "frees", "writes by read(2)", "huge pages",
	"the first process does not write", "outlives its parent", "killed",
};

/* Of a process, while the plan is made. */
struct planned {
	bool alive;
	uint32_t low[MODEL_AREAS], high[MODEL_AREAS]; /* pages that are mapped */
	bool moved[MODEL_AREAS];
};

/* What there is, and what happens. Child numbers are higher than their parents'. */
struct scenario {
	struct dice dice;
	int    family, order;
	bool   extra[EXTRAS];
	int    actors, parent[MODEL_ACTORS];
	int    reaper[MODEL_ACTORS];    /* who waits for the end of each */
	struct planned planned[MODEL_ACTORS];
	enum model_sort sorts[MODEL_AREAS];
	uint32_t sizes[MODEL_AREAS];    /* pages */
	int    areas;
	struct step steps[STEPS];
	int    used;
};

static struct scenario *scenario;

static uint32_t roll(uint32_t below)
{
	return (uint32_t)dice_roll(&scenario->dice, below);
}

static bool one_in(uint32_t n)
{
	return roll(n) == 0;
}

static struct step *add_step(enum action action, int actor)
{
	struct step *step = &scenario->steps[scenario->used++];

	REQUIRE(scenario->used < STEPS);
	*step = (struct step){ .action = action, .actor = actor, .by_thread = scenario->extra[THREADS] && one_in(3) };
	return step;
}

static void add_pages(enum action action, int actor, int area, uint32_t first, uint32_t pages, uint32_t stride)
{
	struct step *step = add_step(action, actor);

	step->area = area;
	step->first = first;
	step->pages = pages;
	step->stride = stride;
}

static void add_area(enum model_sort sort, uint32_t pages)
{
	scenario->sorts[scenario->areas] = sort;
	scenario->sizes[scenario->areas] = pages;
	scenario->planned[0].high[scenario->areas++] = pages;
}

static void choose_areas(void)
{
	add_area(OWN, 100 + roll(900));
	add_area(OWN, 16 + roll(300));
	if (!one_in(4))
		add_area(PRIVATE_FILE, 16 + roll(400));
	if (scenario->extra[FREES] || !one_in(4))
		add_area(LARGE_BLOCK, 64 + roll(900));
	if (one_in(2))
		add_area(HEAP_BLOCK, 8 + roll(16));
	if (one_in(2))
		add_area(SHARED_MEMORY, 16 + roll(64));
	if (one_in(2))
		add_area(STACK_PART, STACK_PAGES);
	if (scenario->extra[HUGE])
		add_area(OWN_HUGE, HUGE_PAGES * (1 + roll(2)));
}

static bool can_unmap(enum model_sort sort)
{
	return sort == OWN || sort == PRIVATE_FILE;
}

/* What else than writing and reading a process may do to an area. False: nothing. */
static bool plan_change(int actor, int area)
{
	struct planned *plan = &scenario->planned[actor];
	const enum model_sort sort = scenario->sorts[area];
	uint32_t mapped = plan->high[area] - plan->low[area], pages = 1 + roll(mapped / 2);

	switch (GIVES_BACK + roll(FREES - GIVES_BACK + 1)) {
	case GIVES_BACK:
		if (!scenario->extra[GIVES_BACK] || !(can_unmap(sort) || sort == LARGE_BLOCK))
			return false;
		add_pages(GIVE_BACK, actor, area, plan->low[area] + roll(mapped - pages), pages, 1);
		return true;
	case UNMAPS:
		if (!scenario->extra[UNMAPS] || !can_unmap(sort))
			return false;
		if (one_in(2)) {
			add_pages(UNMAP, actor, area, plan->low[area], pages, 1);
			plan->low[area] += pages;
		} else {
			plan->high[area] -= pages;
			add_pages(UNMAP, actor, area, plan->high[area], pages, 1);
		}
		return true;
	case MOVES:
		if (!scenario->extra[MOVES] || !can_unmap(sort) || plan->moved[area])
			return false;
		add_pages(MOVE, actor, area, plan->low[area], mapped, 1);
		plan->moved[area] = true;
		return true;
	default:
		if (!scenario->extra[FREES] || sort != LARGE_BLOCK)
			return false;
		add_pages(FREE, actor, area, plan->low[area], mapped, 1);
		plan->high[area] = plan->low[area];
		return true;
	}
}

static int anybody(void)
{
	int actor;

	do
		actor = (int)roll((uint32_t)scenario->actors);
	while (!scenario->planned[actor].alive);
	return actor;
}

/* Somebody writes what a process has just let go, or moved. */
static void plan_write_after(const struct step *change)
{
	const int actor = anybody(), area = change->area;
	const struct planned *plan = &scenario->planned[actor];
	uint32_t first = change->first, end = first + change->pages;

	first = first > plan->low[area] ? first : plan->low[area];
	end = end < plan->high[area] ? end : plan->high[area];
	if (first < end)
		add_pages(WRITE, actor, area, first, end - first, 1);
}

/* A process does something to some pages of one of its areas. */
static void plan_work(int actor)
{
	struct planned *plan = &scenario->planned[actor];
	int area = (int)roll((uint32_t)scenario->areas);
	uint32_t mapped = plan->high[area] - plan->low[area], pages;
	const bool quiet = scenario->extra[LETS_GO] && !actor && scenario->planned[1].alive;
	enum action action = WRITE;

	if (mapped < 4)
		return;
	if ((quiet || one_in(3)) && plan_change(actor, area)) {
		plan_write_after(&scenario->steps[scenario->used - 1]);
		return;
	}
	if (quiet)
		return;
	if (one_in(5))
		action = READ;
	else if (scenario->extra[READS_INTO] && one_in(3))
		action = WRITE_BY_READ;
	pages = 1 + roll(mapped / 2);
	add_pages(action, actor, area, plan->low[area] + roll(mapped - pages), pages, 1 + roll(3));
}

/* Two processes take turns at the same pages. */
static void plan_page_by_page(int one, int other)
{
	int area = (int)roll(2);
	uint32_t low = scenario->planned[one].low[area], high = scenario->planned[one].high[area];

	if (scenario->planned[other].low[area] > low)
		low = scenario->planned[other].low[area];
	if (scenario->planned[other].high[area] < high)
		high = scenario->planned[other].high[area];
	for (uint32_t page = low; page < high && page < low + 30; page += 1 + roll(3)) {
		bool first = one_in(2);

		add_pages(WRITE, first ? one : other, area, page, 1, 1);
		if (!one_in(4))
			add_pages(WRITE, first ? other : one, area, page, 1, 1);
	}
}

static void plan_fork(int child)
{
	struct step *step = add_step(FORK, scenario->parent[child]);

	step->other = child;
	scenario->planned[child] = scenario->planned[scenario->parent[child]];
	scenario->planned[child].alive = true;
}

static void choose_family(void)
{
	static const int parents[FAMILIES][MODEL_ACTORS] = {
		[ONE_CHILD] = { -1, 0 }, [SIBLINGS] = { -1, 0, 0, 0 }, [NESTED] = { -1, 0, 1 },
		[NESTED_THREE_DEEP] = { -1, 0, 1, 2 }, [MIXED] = { -1, 0, 1, 0 },
	};
	static const int sizes[FAMILIES] = { 2, 4, 3, 4, 4 };

	scenario->actors = sizes[scenario->family];
	if (scenario->family == SIBLINGS && one_in(2))
		scenario->actors = 3;
	for (int actor = 0; actor < scenario->actors; actor++)
		scenario->parent[actor] = parents[scenario->family][actor];
}

static void plan_forks(void)
{
	for (int child = 1; child < scenario->actors; child++) {
		plan_fork(child);
		if (scenario->order == AT_RANDOM || one_in(4))
			plan_work(anybody());
	}
}

static void plan_writes(void)
{
	switch (scenario->order) {
	case PARENTS_FIRST:
		for (int i = 0; i < 3 * scenario->actors; i++)
			plan_work(i / 3);
		break;
	case CHILDREN_FIRST:
		for (int i = 3 * scenario->actors; i--;)
			plan_work(i / 3);
		break;
	case PAGE_BY_PAGE:
		for (int child = 1; child < scenario->actors; child++)
			plan_page_by_page(scenario->parent[child], child);
		break;
	case AFTER_THE_OTHER:
		for (int i = 3; i < 3 * scenario->actors; i++)
			plan_work(i / 3);
		break;
	default:
		for (int i = 0; i < 12; i++)
			plan_work(anybody());
	}
}

static bool has_children(int actor)
{
	for (int child = actor + 1; child < scenario->actors; child++)
		if (scenario->parent[child] == actor && scenario->planned[child].alive)
			return true;
	return false;
}

/* Orphans are the first process's children: it is a subreaper. */
static void plan_end(int actor, bool killed)
{
	int reaper = scenario->planned[scenario->parent[actor]].alive ? scenario->parent[actor] : 0;
	struct step *step = add_step(killed ? KILL : END, actor);

	step->other = reaper;
	step->by_thread = false;
	scenario->reaper[actor] = reaper;
	scenario->planned[actor].alive = false;
	step = add_step(REAP, reaper);
	step->other = actor;
	step->by_thread = false;
}

static void plan_ends(void)
{
	int killed = scenario->extra[KILLS] ? 1 + (int)roll((uint32_t)scenario->actors - 1) : 0;
	int left = scenario->actors - 1;

	while (left) {
		int actor = anybody();

		if (!actor || (has_children(actor) && !scenario->extra[OUTLIVES]))
			continue;
		if (has_children(actor) && one_in(2))
			continue;
		plan_end(actor, actor == killed);
		left--;
		for (int i = 0; i < 2; i++)
			if (scenario->order == AFTER_THE_OTHER || one_in(2))
				plan_work(anybody());
	}
	add_step(END, 0)->by_thread = false;
}

/* Fills in what @scenario points to: zeros until then. */
static void plan(uint64_t seed)
{
	scenario->dice.state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	scenario->family = (int)(seed % FAMILIES);
	scenario->order = (int)((seed + seed / FAMILIES) % ORDERS); /* 25 seeds have all pairs */
	for (int i = 0; i < EXTRAS; i++)
		scenario->extra[i] = one_in(i == KILLS ? 8 : 3);
	scenario->extra[OUTLIVES] &= scenario->family >= NESTED;
	choose_family();
	choose_areas();
	scenario->planned[0].alive = true;
	for (int area = 0; area < scenario->areas; area++) {
		/* Huge pages come as wholes, and the stack may be probed when it is made. */
		bool whole = scenario->sorts[area] == OWN_HUGE || scenario->sorts[area] == STACK_PART;

		add_pages(WRITE, 0, area, 0, whole ? scenario->sizes[area] : 1 + roll(scenario->sizes[area]), 1);
	}
	for (int i = 0; i < 2 * scenario->areas; i++)
		plan_work(0);
	plan_forks();
	plan_writes();
	plan_ends();
}

#endif
