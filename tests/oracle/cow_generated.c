/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write and page faults of a generated scenario that is known page by page. A seed gives a family of
 * processes, memory of several sorts, and a list of steps in which they write, read, give back, move, fork and end.
 * All of that is planned before the first step; pipes pass the turn from process to process, so that the steps happen
 * in their order. When all others have ended, the first process plays the same list to a model (cow_model.h) and
 * prints what pagegap must have seen: one JSON object a line, for cow_generated.jq. The plan lies in shared memory,
 * and playing it touches no other memory than it says.
 * usage: cow_generated SEED ZERO_PAGE (1 where the kernel has one, see zero_page.c)
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

/* In shared memory. */
static struct world {
	struct dice dice;
	int    family, order;
	bool   extra[EXTRAS];
	int    actors, parent[MODEL_ACTORS];
	struct planned planned[MODEL_ACTORS];
	enum model_sort sorts[MODEL_AREAS];
	uint32_t sizes[MODEL_AREAS];
	int    areas;
	struct step steps[STEPS];
	int    used, next;

	int    turn[MODEL_ACTORS][2];   /* a pipe for each */
	int    zeros;                   /* /dev/zero */
	bool   huge_come;
	pid_t  pids[MODEL_ACTORS];
	struct {
		int64_t low;            /* its own count, before it ended */
		int64_t all;            /* what wait4 said, those included whom it had waited for */
	} faults[MODEL_ACTORS];
	int    reaper[MODEL_ACTORS];
	struct model model;
} *world;

/* Of each process. */
static char *base[MODEL_AREAS], *landing[MODEL_AREAS];
static void *block[MODEL_AREAS];
static int self;
static int to_thread[2], from_thread[2];

static void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

/* Planning */

static uint32_t roll(uint32_t below)
{
	return (uint32_t)dice_roll(&world->dice, below);
}

static bool one_in(uint32_t n)
{
	return roll(n) == 0;
}

static struct step *add_step(enum action action, int actor)
{
	struct step *step = &world->steps[world->used++];

	REQUIRE(world->used < STEPS);
	*step = (struct step){ .action = action, .actor = actor, .by_thread = world->extra[THREADS] && one_in(3) };
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
	world->sorts[world->areas] = sort;
	world->sizes[world->areas] = pages;
	world->planned[0].high[world->areas++] = pages;
}

static void choose_areas(void)
{
	add_area(OWN, 100 + roll(900));
	add_area(OWN, 16 + roll(300));
	if (!one_in(4))
		add_area(PRIVATE_FILE, 16 + roll(400));
	if (world->extra[FREES] || !one_in(4))
		add_area(LARGE_BLOCK, 64 + roll(900));
	if (one_in(2))
		add_area(HEAP_BLOCK, 8 + roll(16));
	if (one_in(2))
		add_area(SHARED_MEMORY, 16 + roll(64));
	if (one_in(2))
		add_area(STACK_PART, STACK_PAGES);
	if (world->extra[HUGE])
		add_area(OWN_HUGE, HUGE_PAGES * (1 + roll(2)));
}

static bool can_unmap(enum model_sort sort)
{
	return sort == OWN || sort == PRIVATE_FILE;
}

/* What else than writing and reading a process may do to an area. False: nothing. */
static bool plan_change(int actor, int area)
{
	struct planned *plan = &world->planned[actor];
	const enum model_sort sort = world->sorts[area];
	uint32_t mapped = plan->high[area] - plan->low[area], pages = 1 + roll(mapped / 2);

	switch (GIVES_BACK + roll(FREES - GIVES_BACK + 1)) {
	case GIVES_BACK:
		if (!world->extra[GIVES_BACK] || !(can_unmap(sort) || sort == LARGE_BLOCK))
			return false;
		add_pages(GIVE_BACK, actor, area, plan->low[area] + roll(mapped - pages), pages, 1);
		return true;
	case UNMAPS:
		if (!world->extra[UNMAPS] || !can_unmap(sort))
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
		if (!world->extra[MOVES] || !can_unmap(sort) || plan->moved[area])
			return false;
		add_pages(MOVE, actor, area, plan->low[area], mapped, 1);
		plan->moved[area] = true;
		return true;
	default:
		if (!world->extra[FREES] || sort != LARGE_BLOCK)
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
		actor = (int)roll((uint32_t)world->actors);
	while (!world->planned[actor].alive);
	return actor;
}

/* Somebody writes what a process has just let go, or moved. */
static void plan_write_after(const struct step *change)
{
	const int actor = anybody(), area = change->area;
	const struct planned *plan = &world->planned[actor];
	uint32_t first = change->first, end = first + change->pages;

	first = first > plan->low[area] ? first : plan->low[area];
	end = end < plan->high[area] ? end : plan->high[area];
	if (first < end)
		add_pages(WRITE, actor, area, first, end - first, 1);
}

/* A process does something to some pages of one of its areas. */
static void plan_work(int actor)
{
	struct planned *plan = &world->planned[actor];
	int area = (int)roll((uint32_t)world->areas);
	uint32_t mapped = plan->high[area] - plan->low[area], pages;
	const bool quiet = world->extra[LETS_GO] && !actor && world->planned[1].alive;
	enum action action = WRITE;

	if (mapped < 4)
		return;
	if ((quiet || one_in(3)) && plan_change(actor, area)) {
		plan_write_after(&world->steps[world->used - 1]);
		return;
	}
	if (quiet)
		return;
	if (one_in(5))
		action = READ;
	else if (world->extra[READS_INTO] && one_in(3))
		action = WRITE_BY_READ;
	pages = 1 + roll(mapped / 2);
	add_pages(action, actor, area, plan->low[area] + roll(mapped - pages), pages, 1 + roll(3));
}

/* Two processes take turns at the same pages. */
static void plan_page_by_page(int one, int other)
{
	int area = (int)roll(2);
	uint32_t low = world->planned[one].low[area], high = world->planned[one].high[area];

	if (world->planned[other].low[area] > low)
		low = world->planned[other].low[area];
	if (world->planned[other].high[area] < high)
		high = world->planned[other].high[area];
	for (uint32_t page = low; page < high && page < low + 30; page += 1 + roll(3)) {
		bool first = one_in(2);

		add_pages(WRITE, first ? one : other, area, page, 1, 1);
		if (!one_in(4))
			add_pages(WRITE, first ? other : one, area, page, 1, 1);
	}
}

static void plan_fork(int child)
{
	struct step *step = add_step(FORK, world->parent[child]);

	step->other = child;
	world->planned[child] = world->planned[world->parent[child]];
	world->planned[child].alive = true;
}

static void choose_family(void)
{
	static const int parents[FAMILIES][MODEL_ACTORS] = {
		[ONE_CHILD] = { -1, 0 }, [SIBLINGS] = { -1, 0, 0, 0 }, [NESTED] = { -1, 0, 1 },
		[NESTED_THREE_DEEP] = { -1, 0, 1, 2 }, [MIXED] = { -1, 0, 1, 0 },
	};
	static const int sizes[FAMILIES] = { 2, 4, 3, 4, 4 };

	world->actors = sizes[world->family];
	if (world->family == SIBLINGS && one_in(2))
		world->actors = 3;
	for (int actor = 0; actor < world->actors; actor++)
		world->parent[actor] = parents[world->family][actor];
}

static void plan_forks(void)
{
	for (int child = 1; child < world->actors; child++) {
		plan_fork(child);
		if (world->order == AT_RANDOM || one_in(4))
			plan_work(anybody());
	}
}

static void plan_writes(void)
{
	switch (world->order) {
	case PARENTS_FIRST:
		for (int i = 0; i < 3 * world->actors; i++)
			plan_work(i / 3);
		break;
	case CHILDREN_FIRST:
		for (int i = 3 * world->actors; i--;)
			plan_work(i / 3);
		break;
	case PAGE_BY_PAGE:
		for (int child = 1; child < world->actors; child++)
			plan_page_by_page(world->parent[child], child);
		break;
	case AFTER_THE_OTHER:
		for (int i = 3; i < 3 * world->actors; i++)
			plan_work(i / 3);
		break;
	default:
		for (int i = 0; i < 12; i++)
			plan_work(anybody());
	}
}

static bool has_children(int actor)
{
	for (int child = actor + 1; child < world->actors; child++)
		if (world->parent[child] == actor && world->planned[child].alive)
			return true;
	return false;
}

/* Orphans are the first process's children: it is a subreaper. */
static void plan_end(int actor, bool killed)
{
	int reaper = world->planned[world->parent[actor]].alive ? world->parent[actor] : 0;
	struct step *step = add_step(killed ? KILL : END, actor);

	step->other = reaper;
	step->by_thread = false;
	world->reaper[actor] = reaper;
	world->planned[actor].alive = false;
	step = add_step(REAP, reaper);
	step->other = actor;
	step->by_thread = false;
}

static void plan_ends(void)
{
	int killed = world->extra[KILLS] ? 1 + (int)roll((uint32_t)world->actors - 1) : 0;
	int left = world->actors - 1;

	while (left) {
		int actor = anybody();

		if (!actor || (has_children(actor) && !world->extra[OUTLIVES]))
			continue;
		if (has_children(actor) && one_in(2))
			continue;
		plan_end(actor, actor == killed);
		left--;
		for (int i = 0; i < 2; i++)
			if (world->order == AFTER_THE_OTHER || one_in(2))
				plan_work(anybody());
	}
	add_step(END, 0)->by_thread = false;
}

static void plan(uint64_t seed)
{
	world->dice.state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	world->family = (int)(seed % FAMILIES);
	world->order = (int)((seed + seed / FAMILIES) % ORDERS); /* 25 seeds have all pairs */
	for (int i = 0; i < EXTRAS; i++)
		world->extra[i] = one_in(i == KILLS ? 8 : 3);
	world->extra[OUTLIVES] &= world->family >= NESTED;
	choose_family();
	choose_areas();
	world->planned[0].alive = true;
	for (int area = 0; area < world->areas; area++) {
		/* Huge pages come as wholes, and the stack may be probed when it is made. */
		bool whole = world->sorts[area] == OWN_HUGE || world->sorts[area] == STACK_PART;

		add_pages(WRITE, 0, area, 0, whole ? world->sizes[area] : 1 + roll(world->sizes[area]), 1);
	}
	for (int i = 0; i < 2 * world->areas; i++)
		plan_work(0);
	plan_forks();
	plan_writes();
	plan_ends();
}

static void say_scenario(uint64_t seed)
{
	oracle_print("{\"seed\":%llu,\"family\":\"%s\",\"order\":\"%s\",\"extras\":[", (unsigned long long)seed,
		     families[world->family], orders[world->order]);
	for (int i = 0, said = 0; i < EXTRAS; i++)
		if (world->extra[i])
			oracle_print("%s\"%s\"", said++ ? "," : "", extras[i]);
	oracle_print("]}\n");
}

/* Playing */

static char *page_at(int area, uint32_t page)
{
	return base[area] + page * PAGE;
}

static void map_own(int area, size_t bytes)
{
	base[area] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(base[area] != MAP_FAILED);
	madvise(base[area], bytes, MADV_NOHUGEPAGE); /* fails where there are none */
}

static void map_huge(int area, size_t bytes)
{
	const size_t huge = HUGE_PAGES * PAGE;
	char *p = mmap(NULL, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	base[area] = (char *)(((uintptr_t)p + huge - 1) / huge * huge);
	madvise(base[area], bytes, MADV_HUGEPAGE);
}

/* Its pages are in the page cache. */
static void map_file(int area, size_t bytes)
{
	char name[] = "cow.XXXXXX", byte;
	int fd = mkstemp(name);

	REQUIRE(fd >= 0 && unlink(name) == 0 && ftruncate(fd, (off_t)bytes) == 0);
	for (size_t at = 0; at < bytes; at += PAGE)
		REQUIRE(pread(fd, &byte, 1, (off_t)at) == 1);
	base[area] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	REQUIRE(base[area] != MAP_FAILED && close(fd) == 0);
}

static void allocate_block(int area, size_t bytes)
{
	block[area] = opaque(malloc(bytes + PAGE));
	REQUIRE(block[area] != NULL);
	base[area] = (char *)(((uintptr_t)block[area] + PAGE - 1) / PAGE * PAGE);
	madvise(base[area], bytes, MADV_NOHUGEPAGE);
}

static void make_areas(char *stack)
{
	for (int area = 0; area < world->areas; area++) {
		const size_t bytes = world->sizes[area] * PAGE;

		switch (world->sorts[area]) {
		case OWN_HUGE:
			map_huge(area, bytes);
			break;
		case HEAP_BLOCK:
		case LARGE_BLOCK:
			allocate_block(area, bytes);
			break;
		case PRIVATE_FILE:
			map_file(area, bytes);
			break;
		case SHARED_MEMORY:
			base[area] = shared(bytes);
			break;
		case STACK_PART:
			base[area] = stack;
			break;
		default:
			map_own(area, bytes);
		}
		if (world->extra[MOVES] && can_unmap(world->sorts[area])) {
			landing[area] = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			REQUIRE(landing[area] != MAP_FAILED);
		}
	}
}

static void pass(const int *pipe, char byte)
{
	REQUIRE(write(pipe[1], &byte, 1) == 1);
}

static char await(const int *pipe)
{
	char byte;

	REQUIRE(read(pipe[0], &byte, 1) == 1);
	return byte;
}

static void use_pages(const struct step *step)
{
	for (uint32_t page = step->first; page < step->first + step->pages; page += step->stride) {
		volatile char *at = page_at(step->area, page);

		if (step->action == WRITE)
			*at = (char)(self + 1);
		else if (step->action == READ)
			(void)*at;
		else
			REQUIRE(read(world->zeros, (char *)at, 1) == 1);
	}
}

static int64_t own_faults(void)
{
	struct rusage usage;

	REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt + usage.ru_majflt;
}

/* The turn goes to who waits for the end, and nobody else acts before that has come. */
static void end(const struct step *step)
{
	world->faults[self].low = own_faults();
	world->next++;
	pass(world->turn[step->other], 0);
	if (step->action == KILL)
		raise(SIGKILL);
	_exit(0);
}

static void reap(int child)
{
	struct rusage usage;
	int status;

	REQUIRE(wait4(world->pids[child], &status, 0, &usage) == world->pids[child]);
	REQUIRE(status == 0 || status == SIGKILL);
	world->faults[child].all = usage.ru_minflt + usage.ru_majflt;
}

static void play(void);

static void fork_child(int child)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (!pid) {
		self = child;
		play();
	}
	world->pids[child] = pid;
}

static void perform(const struct step *step)
{
	char *at = step->pages ? page_at(step->area, step->first) : NULL;

	switch (step->action) {
	case GIVE_BACK:
		REQUIRE(madvise(at, step->pages * PAGE, MADV_DONTNEED) == 0);
		break;
	case UNMAP:
		REQUIRE(munmap(at, step->pages * PAGE) == 0);
		break;
	case MOVE:
		REQUIRE(mremap(at, step->pages * PAGE, step->pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       landing[step->area] + step->first * PAGE) != MAP_FAILED);
		base[step->area] = landing[step->area];
		break;
	case FREE:
		free(block[step->area]);
		break;
	case FORK:
		fork_child(step->other);
		break;
	case REAP:
		reap(step->other);
		break;
	case END:
	case KILL:
		end(step);
		break;
	default:
		use_pages(step);
	}
}

static void *second_thread(void *unused)
{
	for (;;) {
		(void)await(to_thread);
		perform(&world->steps[world->next]);
		pass(from_thread, 0);
	}
	return unused;
}

/* A process takes its steps, on whichever thread it has. */
static void play(void)
{
	pthread_t thread;

	if (self)
		(void)await(world->turn[self]);
	if (world->extra[THREADS]) {
		REQUIRE(pipe(to_thread) == 0 && pipe(from_thread) == 0);
		REQUIRE(pthread_create(&thread, NULL, second_thread, NULL) == 0);
	}
	for (;;) {
		const struct step *step = &world->steps[world->next];

		if (step->actor != self) {
			pass(world->turn[step->actor], 0);
			(void)await(world->turn[self]);
			continue;
		}
		if (step->action == END && !self)
			return;
		if (step->by_thread) {
			pass(to_thread, 0);
			(void)await(from_thread);
		} else {
			perform(step);
		}
		world->next++;
	}
}

/* Knowing */

static void tell_model(struct model *model, const struct step *step)
{
	for (uint32_t page = step->first; page < step->first + step->pages; page += step->stride) {
		switch (step->action) {
		case WRITE:
		case WRITE_BY_READ:
			model_write(model, step->actor, step->area, page, step->action == WRITE_BY_READ);
			break;
		case READ:
			model_read(model, step->actor, step->area, page);
			break;
		default:
			model_leave(model, step->actor, step->area, page, step->action == GIVE_BACK,
				    step->action == MOVE);
		}
	}
	if (step->action == FORK)
		model_fork(model, step->actor, step->other);
	else if (step->action == END || step->action == KILL)
		model_end(model, step->actor, step->action == KILL);
}

static void run_model(bool zero_page)
{
	struct model *model = &world->model;

	memcpy(model->sorts, world->sorts, sizeof(model->sorts));
	memcpy(model->sizes, world->sizes, sizeof(model->sizes));
	model->zero_page = zero_page;
	model->huge_come = world->huge_come;
	model_begin(model);
	for (int i = 0; i < world->used; i++)
		tell_model(model, &world->steps[i]);
}

static const char *const row_names[] = { "anon", "heap", "file", "stack" };

static void say_ranges(const char *name, const struct model_range *ranges)
{
	oracle_print(",\"%s\":{", name);
	for (int row = 0; row < MODEL_ROWS; row++)
		oracle_print("%s\"%s\":[%lld,%lld]", row ? "," : "", row_names[row], (long long)ranges[row].low,
			     (long long)ranges[row].high);
	oracle_print("}");
}

static void say_pages(const char *name, const int64_t *pages)
{
	oracle_print(",\"%s\":{", name);
	for (int row = 0; row < MODEL_ROWS; row++)
		oracle_print("%s\"%s\":%lld", row ? "," : "", row_names[row], (long long)pages[row]);
	oracle_print("}");
}

static void say_flag(const char *name, bool flag)
{
	oracle_print(",\"%s\":%s", name, flag ? "true" : "false");
}

static void say_fork(int child, bool side_child)
{
	const struct model_fork *fork = &world->model.processes[child].fork;
	const struct model_side *side = side_child ? &fork->child : &fork->parent;

	oracle_print("{\"pid\":%d,\"fork\":%d,\"side\":\"%s\"", world->pids[side_child ? child : world->parent[child]],
		     world->pids[child], side_child ? "child" : "parent");
	say_flag("forked", fork->forked);
	say_flag("killed", fork->killed);
	say_flag("outlived", fork->outlived);
	say_ranges("copied", side->copied);
	say_ranges("reused", side->reused);
	say_pages("inherited", fork->inherited);
	say_pages("still_shared", fork->shared);
	say_pages("unshared", fork->unshared);
	say_pages("gone", fork->gone);
	say_pages("written_gone", fork->written_gone);
	say_pages("pieces", fork->pieces);
	say_pages("zero", fork->zero);
	oracle_print("}\n");
}

/* What wait4 said includes those whom the process had waited for. */
static void say_process(int actor)
{
	const struct model_process *process = &world->model.processes[actor];
	int64_t all = world->faults[actor].all;

	for (int child = 1; child < world->actors; child++)
		if (actor && world->reaper[child] == actor)
			all -= world->faults[child].all;
	oracle_print("{\"process\":%d,\"name\":%d,\"usage\":[%lld,%lld]", world->pids[actor], actor,
		     (long long)world->faults[actor].low, (long long)(actor ? all : -1));
	oracle_print(",\"in_kernel\":[%lld,%lld]", (long long)process->in_kernel.low,
		     (long long)process->in_kernel.high);
	say_flag("killed", process->fork.killed);
	say_ranges("faults", process->faults);
	say_pages("copied_once", process->copied_once);
	oracle_print("}\n");
}

int main(int argc, char **argv)
{
	char stack[(STACK_PAGES + 1) * PAGE];
	uint64_t seed;

	REQUIRE(argc == 3);
	seed = strtoull(argv[1], NULL, 10);
	world = shared(sizeof(*world));
	plan(seed);
	say_scenario(seed);
	make_areas((char *)(((uintptr_t)opaque(stack) + PAGE - 1) / PAGE * PAGE));
	REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	world->pids[0] = getpid();
	world->zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	REQUIRE(world->zeros >= 0);
	for (int actor = 0; actor < world->actors; actor++)
		REQUIRE(pipe(world->turn[actor]) == 0);
	for (int area = 0; area < world->areas; area++)
		if (world->sorts[area] == OWN_HUGE) {
			*(volatile char *)base[area] = 1;
			world->huge_come = pages_present(base[area], HUGE_PAGES * PAGE, 1) == HUGE_PAGES;
		}
	play();
	run_model(argv[2][0] == '1');
	for (int actor = 1; actor < world->actors; actor++) {
		say_fork(actor, true);
		say_fork(actor, false);
	}
	world->faults[0].low = own_faults();
	for (int actor = 0; actor < world->actors; actor++)
		say_process(actor);
	oracle_flush();
	return 0;
}
