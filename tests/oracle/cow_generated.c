/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write and page faults of a generated scenario (cow_scenario.h) that is known page by page. All of it is
 * planned before the first step; pipes pass the turn from process to process, so that the steps happen in their order.
 * When all others have ended, the first process plays the same list to a model (cow_model.h) and prints what pagegap
 * must have seen: one JSON object a line, for cow_generated.jq. The plan lies in shared memory, and playing it touches
 * no other memory than it says.
 * usage: cow_generated SEED ZERO_PAGE (1 where the kernel has one, see zero_page.c)
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cow_scenario.h"

/* In shared memory. */
static struct world {
	struct scenario scenario;
	int    next;                    /* step */
	int    turn[MODEL_ACTORS][2];   /* a pipe for each */
	int    zeros;                   /* /dev/zero */
	bool   huge_come;
	pid_t  pids[MODEL_ACTORS];
	struct {
		int64_t low;            /* its own count, before it ended */
		int64_t all;            /* what wait4 said, those included whom it had waited for */
	} faults[MODEL_ACTORS];
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

static void say_scenario(uint64_t seed)
{
	oracle_print("{\"seed\":%llu,\"family\":\"%s\",\"order\":\"%s\",\"extras\":[", (unsigned long long)seed,
		     families[scenario->family], orders[scenario->order]);
	for (int i = 0, said = 0; i < EXTRAS; i++)
		if (scenario->extra[i])
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
	for (int area = 0; area < scenario->areas; area++) {
		const size_t bytes = scenario->sizes[area] * PAGE;

		switch (scenario->sorts[area]) {
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
		if (scenario->extra[MOVES] && can_unmap(scenario->sorts[area])) {
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
		perform(&scenario->steps[world->next]);
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
	if (scenario->extra[THREADS]) {
		REQUIRE(pipe(to_thread) == 0 && pipe(from_thread) == 0);
		REQUIRE(pthread_create(&thread, NULL, second_thread, NULL) == 0);
	}
	for (;;) {
		const struct step *step = &scenario->steps[world->next];

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

	memcpy(model->sorts, scenario->sorts, sizeof(model->sorts));
	memcpy(model->sizes, scenario->sizes, sizeof(model->sizes));
	model->zero_page = zero_page;
	model->huge_come = world->huge_come;
	model_begin(model);
	for (int i = 0; i < scenario->used; i++)
		tell_model(model, &scenario->steps[i]);
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

	oracle_print("{\"pid\":%d,\"fork\":%d,\"side\":\"%s\"",
		     world->pids[side_child ? child : scenario->parent[child]], world->pids[child],
		     side_child ? "child" : "parent");
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

	for (int child = 1; child < scenario->actors; child++)
		if (actor && scenario->reaper[child] == actor)
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
	scenario = &world->scenario;
	plan(seed);
	say_scenario(seed);
	make_areas((char *)(((uintptr_t)opaque(stack) + PAGE - 1) / PAGE * PAGE));
	REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	world->pids[0] = getpid();
	world->zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	REQUIRE(world->zeros >= 0);
	for (int actor = 0; actor < scenario->actors; actor++)
		REQUIRE(pipe(world->turn[actor]) == 0);
	for (int area = 0; area < scenario->areas; area++)
		if (scenario->sorts[area] == OWN_HUGE) {
			*(volatile char *)base[area] = 1;
			world->huge_come = pages_present(base[area], HUGE_PAGES * PAGE, 1) == HUGE_PAGES;
		}
	play();
	run_model(argv[2][0] == '1');
	for (int actor = 1; actor < scenario->actors; actor++) {
		say_fork(actor, true);
		say_fork(actor, false);
	}
	world->faults[0].low = own_faults();
	for (int actor = 0; actor < scenario->actors; actor++)
		say_process(actor);
	oracle_flush();
	return 0;
}
