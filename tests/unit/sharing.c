/* SPDX-License-Identifier: MIT */
/*
 * Who shares a page when it is written: random families, which fork, write, let go, execute and end, compared with an
 * obvious model that counts who has each copy of each page; and the cases at which order is not certain.
 *
 * links: report/sharing.c report/page_changes.c report/memory.c report/complain.c report/escape.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../report/sharing.h"
#include "random.h"

#define PAGES  48
#define FIRST  0x7f0000000000ULL
#define MOST   12                       /* processes at a time */
#define ALL    400000                   /* processes over all */
#define STEPS  150000
#define STEP_NS 1000000ULL              /* far enough apart to be certain */
#define NOBODY UINT32_MAX

/* What the sharing is told from outside. */
struct outside {
	struct sharing *sharing;
	uint64_t finished;              /* forks of which nobody counts any more */
	enum sharing_birth births;
	struct sharer *lets_go;         /* when asked, tells of … */
	uint64_t from, to, at_ns;
	bool moves;                     /* … to other addresses */
};

static enum sharing_birth birth_of(void *context, void *image)
{
	(void)image;
	return ((struct outside *)context)->births;
}

static void refresh(void *context, void *image)
{
	struct outside *outside = context;

	(void)image;
	if (!outside->lets_go)
		return;
	sharing_left(outside->lets_go, outside->from, outside->to, outside->at_ns, outside->moves);
	outside->lets_go = NULL;
}

static void finished(void *context, const struct sharing_fork *fork)
{
	(void)fork;
	((struct outside *)context)->finished++;
}

static struct outside begin(bool pieces_are_copied)
{
	return (struct outside){ .from = pieces_are_copied };
}

static void open_sharing(struct outside *outside)
{
	struct sharing_means means = { outside, birth_of, refresh, finished, 15000, outside->from != 0 };

	outside->from = 0;
	outside->sharing = sharing_new(&means);
}

/* The model */

struct process {
	uint32_t parent;                /* that forked it; NOBODY */
	uint32_t last_child;
	struct sharer *sharer;
	uint32_t copy[PAGES];           /* 0: it has let it go, and nothing is written there any more */
	bool changed[PAGES];            /* since its birth */
	bool written[PAGES];            /* since its last fork */
};

static struct process living[MOST];
static uint32_t number[MOST];           /* of a living one, over all; NOBODY: nobody is there */
static uint32_t parents[ALL];           /* of everybody */
static uint32_t holders[ALL];           /* of copies; those of which nobody is left are used again */
static uint32_t unused_copies[ALL];
static uint32_t unused, copies, born;

static uint32_t new_copy(void)
{
	uint32_t copy = unused ? unused_copies[--unused] : ++copies;

	holders[copy] = 1;
	return copy;
}

static void leave_copy(uint32_t copy)
{
	if (copy && !--holders[copy])
		unused_copies[unused++] = copy;
}

static uint32_t place(uint32_t of)
{
	for (uint32_t i = 0; i < MOST; i++)
		if (number[i] == of)
			return i;
	return NOBODY;
}

static void begin_process(uint32_t at, uint32_t parent)
{
	number[at] = born;
	parents[born++] = parent;
	living[at].parent = parent;
	living[at].last_child = NOBODY;
	memset(living[at].written, 0, sizeof(living[at].written));
	memset(living[at].changed, 0, sizeof(living[at].changed));
}

static void begin_program(uint32_t at)
{
	begin_process(at, NOBODY);
	living[at].sharer = NULL;
	for (size_t page = 0; page < PAGES; page++)
		living[at].copy[page] = new_copy();
}

static void end_process(struct outside *outside, uint32_t at, uint64_t now)
{
	for (size_t page = 0; page < PAGES; page++)
		leave_copy(living[at].copy[page]);
	if (living[at].sharer)
		sharing_end(outside->sharing, living[at].sharer, now);
	number[at] = NOBODY;
}

static uint64_t fork_process(uint32_t at, uint64_t now)
{
	uint32_t child = place(NOBODY);
	struct process *parent = &living[at];

	if (child == NOBODY || born == ALL)
		return 0;
	begin_process(child, number[at]);
	parent->last_child = number[child];
	memcpy(living[child].copy, parent->copy, sizeof(parent->copy));
	for (size_t page = 0; page < PAGES; page++)
		holders[parent->copy[page]] += parent->copy[page] != 0;
	memset(parent->written, 0, sizeof(parent->written));
	living[child].sharer = sharing_fork(&parent->sharer, parent, &living[child], (pid_t)number[child], now);
	return 1;
}

/* Somebody in the line of a child of this process has a copy. */
static bool line_has(uint32_t parent, uint32_t child, uint32_t copy, size_t page)
{
	for (uint32_t i = 0; i < MOST; i++) {
		uint32_t ancestor = number[i];

		if (ancestor == NOBODY || number[i] == parent || living[i].copy[page] != copy)
			continue;
		while (ancestor != child && ancestor != NOBODY)
			ancestor = parents[ancestor];
		if (ancestor == child)
			return true;
	}
	return false;
}

static void write_page(struct outside *outside, uint32_t at, size_t page, uint64_t now)
{
	struct process *process = &living[at];
	uint32_t copy = process->copy[page];
	bool shared = copy && holders[copy] > 1;
	struct sharing_write write;

	if (!copy || process->written[page] || !process->sharer)
		return;
	write = sharing_write(outside->sharing, process->sharer, FIRST + page * 4096 + 123, 4096, true, false, now);
	assert_int_equal(write.verdict, shared ? SHARING_COPIED : SHARING_REUSED);
	assert_int_equal(write.pages, 1);
	if (process->parent != NOBODY && !process->changed[page]) {
		assert_null(write.fork);
	} else {
		assert_non_null(write.fork);
		if (shared)
			assert_true(line_has(number[at], (uint32_t)write.fork->child, copy, page));
		else
			assert_int_equal(write.fork->child, process->last_child);
	}
	sharing_release(outside->sharing, write.fork);
	process->written[page] = process->changed[page] = true;
	if (!shared)
		return;
	holders[copy]--;
	process->copy[page] = new_copy();
}

/* Some pages go; of those that are touched again at once, nobody shares anything. */
static void let_go(struct outside *outside, struct random *random, uint32_t at, uint64_t now)
{
	struct process *process = &living[at];
	size_t first = random_below(random, PAGES), end = first + 1 + random_below(random, 4);
	bool again = random_percent(random, 70);

	if (!process->sharer)
		return;
	end = end > PAGES ? PAGES : end;
	outside->lets_go = process->sharer;
	outside->from = FIRST + first * 4096;
	outside->to = FIRST + end * 4096;
	outside->at_ns = now;
	sharing_next_round(outside->sharing);
	refresh(outside, NULL);
	for (size_t page = first; page < end; page++) {
		bool was = process->copy[page];
		struct sharing_write write;

		leave_copy(process->copy[page]);
		process->copy[page] = 0;
		process->changed[page] = true;
		if (!again || !was)
			continue;
		process->copy[page] = new_copy();
		process->written[page] = true;
		write = sharing_write(outside->sharing, process->sharer, FIRST + page * 4096, 4096, true, false,
				      now + 1);
		assert_int_equal(write.verdict, SHARING_NONE);
	}
}

static uint32_t somebody(struct random *random)
{
	uint32_t at;

	do
		at = (uint32_t)random_below(random, MOST);
	while (number[at] == NOBODY);
	return at;
}

static void play(struct random *random, unsigned forks, unsigned ends, unsigned lefts)
{
	struct outside outside = begin(false);
	uint64_t now = STEP_NS, forked = 0, most = 0;

	open_sharing(&outside);
	unused = copies = born = 0;
	for (uint32_t i = 0; i < MOST; i++)
		number[i] = NOBODY;
	begin_program(0);
	for (size_t step = 0; step < STEPS; step++, now += STEP_NS) {
		uint32_t at = somebody(random);
		unsigned chance = (unsigned)random_below(random, 1000);

		if (chance < forks) {
			forked += fork_process(at, now);
		} else if (chance < forks + ends) {
			end_process(&outside, at, now);
			if (random_percent(random, 20) || born == ALL) /* it executes another program */
				begin_program(at);
			for (uint32_t i = at = 0; i < MOST; i++)
				at += number[i] != NOBODY;
			if (!at)
				begin_program(0);
		} else if (chance < forks + ends + lefts) {
			let_go(&outside, random, at, now);
		} else {
			write_page(&outside, at, random_below(random, PAGES), now);
		}
		most = sharing_kept(outside.sharing) > most ? sharing_kept(outside.sharing) : most;
	}
	for (uint32_t i = 0; i < MOST; i++)
		if (number[i] != NOBODY)
			end_process(&outside, i, now += STEP_NS);
	assert_int_equal(sharing_kept(outside.sharing), 0);
	assert_int_equal(outside.finished, forked);
	assert_true(forked > 100);
	assert_true(most < 4ULL * MOST * PAGES * MOST);
	sharing_free(outside.sharing);
}

static void each_write_is_judged_as_the_model_does(void **state)
{
	struct random fixed = { FIXED_SEED }, moment = random_of_moment("sharing");

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct random *random = i ? &moment : &fixed;

		play(random, 30, 30, 2);        /* small families, which come and go */
		play(random, 60, 40, 2);        /* as many as there is room for */
		play(random, 5, 4, 0);          /* few forks, many writes */
		play(random, 200, 190, 1);      /* hardly any writes */
	}
}

/* Cases */

#define PAGE(number) (FIRST + (number) * 4096)

static struct sharing_write writes(struct outside *outside, struct sharer *sharer, uint64_t page, uint64_t now)
{
	struct sharing_write write = sharing_write(outside->sharing, sharer, PAGE(page), 4096, true, false, now);

	sharing_release(outside->sharing, write.fork);
	return write;
}

/* Each child goes on when its parent has ended, and so does the next: nothing of that is kept. */
static void families_without_end_take_no_room(void **state)
{
	(void)state;
	for (int ancestor = 0; ancestor < 2; ancestor++) {
		struct outside outside = begin(false);
		struct sharer *first = NULL, *parent = NULL, *child;
		uint64_t now = STEP_NS;

		open_sharing(&outside);
		if (ancestor)
			parent = sharing_fork(&first, &outside, &outside, 1, now += STEP_NS);
		for (pid_t pid = 2; pid < 20000; pid++) {
			child = sharing_fork(&parent, &outside, &outside, pid, now += STEP_NS);
			for (uint64_t page = 0; page < 8; page++) {
				writes(&outside, parent, page, now += STEP_NS);
				writes(&outside, child, page + 4, now += STEP_NS);
			}
			sharing_end(outside.sharing, parent, now += STEP_NS);
			parent = child;
			assert_true(sharing_kept(outside.sharing) <= 40);
		}
		sharing_end(outside.sharing, parent, now);
		if (ancestor)
			sharing_end(outside.sharing, first, now);
		assert_int_equal(sharing_kept(outside.sharing), 0);
		sharing_free(outside.sharing);
	}
}

/* And one that forks again and again, whose children end. */
static void children_without_number_take_no_room(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;
	uint64_t now = STEP_NS;

	(void)state;
	open_sharing(&outside);
	for (pid_t pid = 2; pid < 50000; pid++) {
		child = sharing_fork(&parent, &outside, &outside, pid, now += STEP_NS);
		assert_int_equal(writes(&outside, parent, 1, now += STEP_NS).verdict, SHARING_COPIED);
		assert_int_equal(writes(&outside, child, 1, now += STEP_NS).verdict, SHARING_REUSED);
		assert_int_equal(writes(&outside, child, 2, now += STEP_NS).verdict, SHARING_COPIED);
		sharing_end(outside.sharing, child, now += STEP_NS);
		assert_int_equal(writes(&outside, parent, 2, now += STEP_NS).verdict, SHARING_REUSED);
		assert_int_equal(sharing_kept(outside.sharing), 0);
	}
	sharing_end(outside.sharing, parent, now);
	sharing_free(outside.sharing);
}

/* Two faults at nearly the same moment may each have found the other one still there. */
static void what_happens_at_one_time_is_ambiguous(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	assert_int_equal(writes(&outside, parent, 1, 2 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, child, 1, 2 * STEP_NS + 500).verdict, SHARING_AMBIGUOUS);
	assert_int_equal(sharing_doubtful(child, 3 * STEP_NS), 1);
	assert_int_equal(writes(&outside, parent, 2, 2 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, child, 2, 2 * STEP_NS + 50000).verdict, SHARING_REUSED);
	assert_int_equal(sharing_doubtful(child, 3 * STEP_NS), 1);
	sharing_end(outside.sharing, child, 4 * STEP_NS);
	sharing_end(outside.sharing, parent, 4 * STEP_NS);
	sharing_free(outside.sharing);
}

/* While a process ends, its pages go one by one. */
static void what_is_written_while_another_one_ends_is_doubtful(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	for (uint64_t page = 0; page < 10; page++)
		assert_int_equal(writes(&outside, parent, page, (2 + page) * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(sharing_doubtful(child, 2 * STEP_NS), 10);
	assert_int_equal(sharing_doubtful(child, 9 * STEP_NS), 3);
	assert_int_equal(sharing_doubtful(child, 12 * STEP_NS), 0);
	for (uint64_t page = 10; page < 200; page++)
		writes(&outside, parent, page, (2 + page) * STEP_NS);
	assert_int_equal(sharing_doubtful(child, 190 * STEP_NS), 12);
	assert_int_equal(sharing_doubtful(child, 100 * STEP_NS), 200); /* more than are remembered: all */
	sharing_end(outside.sharing, child, 300 * STEP_NS);
	sharing_end(outside.sharing, parent, 300 * STEP_NS);
	sharing_free(outside.sharing);
}

/* What was let go is asked for when it matters; while a large range goes, it is not certain. */
static void what_is_let_go_is_nobody_elses_any_more(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	outside.lets_go = child;
	outside.from = PAGE(10);
	outside.to = PAGE(1010);
	outside.at_ns = 3 * STEP_NS;
	sharing_next_round(outside.sharing);
	assert_int_equal(writes(&outside, parent, 11, 2 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, parent, 12, 3 * STEP_NS + 20000).verdict, SHARING_AMBIGUOUS);
	assert_int_equal(writes(&outside, parent, 13, 4 * STEP_NS).verdict, SHARING_REUSED);
	assert_int_equal(writes(&outside, parent, 9, 4 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, child, 14, 4 * STEP_NS).verdict, SHARING_NONE);
	outside.lets_go = child;
	outside.from = PAGE(2000);
	outside.to = PAGE(2010);
	outside.at_ns = 5 * STEP_NS;
	outside.moves = true;
	sharing_next_round(outside.sharing);
	/* It still has it somewhere else, or not. */
	assert_int_equal(writes(&outside, parent, 2001, 6 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_left_unknown(child);
	assert_int_equal(writes(&outside, parent, 15, 6 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_end(outside.sharing, child, 7 * STEP_NS);
	/* The last one knows all. */
	assert_int_equal(writes(&outside, parent, 16, 8 * STEP_NS).verdict, SHARING_REUSED);
	sharing_end(outside.sharing, parent, 9 * STEP_NS);
	sharing_free(outside.sharing);
}

/* As long as it lives, it may share it still, wherever that is now. */
static void what_was_moved_away_may_be_shared_still(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	outside.lets_go = parent;
	outside.from = PAGE(10);
	outside.to = PAGE(20);
	outside.at_ns = 3 * STEP_NS;
	outside.moves = true;
	sharing_next_round(outside.sharing);
	assert_int_equal(writes(&outside, child, 11, 2 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, child, 12, 4 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_end(outside.sharing, parent, 5 * STEP_NS);
	assert_int_equal(writes(&outside, child, 13, 6 * STEP_NS).verdict, SHARING_REUSED);
	sharing_end(outside.sharing, child, 7 * STEP_NS);
	sharing_free(outside.sharing);
}

/* It is asked while its last child lives, and has let it go by then. */
static void what_is_let_go_after_the_last_child_is_known_already(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	outside.lets_go = parent;
	outside.from = PAGE(10);
	outside.to = PAGE(20);
	outside.at_ns = 4 * STEP_NS;
	sharing_next_round(outside.sharing);
	assert_int_equal(writes(&outside, child, 11, 2 * STEP_NS).verdict, SHARING_COPIED);
	sharing_end(outside.sharing, child, 3 * STEP_NS);
	assert_int_equal(writes(&outside, parent, 12, 5 * STEP_NS).verdict, SHARING_NONE);
	assert_int_equal(writes(&outside, parent, 21, 5 * STEP_NS).verdict, SHARING_REUSED);
	sharing_end(outside.sharing, parent, 6 * STEP_NS);
	sharing_free(outside.sharing);
}

/* What came from a file, say, is not what an ancestor has there; its relatives' writes are judged by that. */
static void what_is_written_unjudged_is_its_own(void **state)
{
	struct outside outside = begin(false);
	struct sharer *first = NULL, *parent, *child;

	(void)state;
	open_sharing(&outside);
	parent = sharing_fork(&first, &outside, &outside, 2, STEP_NS);
	sharing_write_unjudged(outside.sharing, parent, PAGE(1), 4096, 2 * STEP_NS);
	sharing_write_unjudged(outside.sharing, parent, PAGE(1), 4096, 3 * STEP_NS);
	sharing_write_unjudged(outside.sharing, parent, PAGE(1024), 2 << 20, 3 * STEP_NS);
	assert_int_equal(sharing_kept(outside.sharing), 1 + 512);
	assert_int_equal(writes(&outside, parent, 1, 4 * STEP_NS).verdict, SHARING_NONE);
	assert_int_equal(writes(&outside, first, 1, 4 * STEP_NS).verdict, SHARING_REUSED);
	child = sharing_fork(&parent, &outside, &outside, 3, 5 * STEP_NS);
	sharing_write_unjudged(outside.sharing, child, PAGE(2), 4096, 6 * STEP_NS);
	sharing_write_unjudged(outside.sharing, parent, PAGE(3), 4096, 6 * STEP_NS);
	assert_int_equal(writes(&outside, parent, 2, 7 * STEP_NS).verdict, SHARING_COPIED); /* the first one has it */
	sharing_end(outside.sharing, parent, 8 * STEP_NS);
	assert_int_equal(writes(&outside, child, 1, 9 * STEP_NS).verdict, SHARING_REUSED);
	assert_int_equal(writes(&outside, child, 1024 + 511, 9 * STEP_NS).verdict, SHARING_REUSED);
	assert_int_equal(writes(&outside, child, 2, 9 * STEP_NS).verdict, SHARING_NONE);
	assert_int_equal(writes(&outside, child, 3, 9 * STEP_NS).verdict, SHARING_COPIED);
	sharing_end(outside.sharing, first, 10 * STEP_NS);
	sharing_end(outside.sharing, child, 11 * STEP_NS);
	sharing_free(outside.sharing);
}

/* Alone, it shares nothing; but what it writes then, it has written since its birth when it forks. */
static void what_the_last_one_writes_is_shared_by_its_fork(void **state)
{
	struct outside outside = begin(false);
	struct sharer *first = NULL, *last, *child;
	struct sharing_write write;

	(void)state;
	open_sharing(&outside);
	last = sharing_fork(&first, &outside, &outside, 2, STEP_NS);
	sharing_end(outside.sharing, first, 2 * STEP_NS);
	write = sharing_write(outside.sharing, last, PAGE(1), 4096, false, false, 3 * STEP_NS);
	assert_int_equal(write.verdict, SHARING_REUSED); /* if it was there */
	assert_null(write.fork);
	child = sharing_fork(&last, &outside, &outside, 3, 4 * STEP_NS);
	write = sharing_write(outside.sharing, last, PAGE(1), 4096, true, false, 5 * STEP_NS);
	assert_int_equal(write.verdict, SHARING_COPIED);
	assert_non_null(write.fork);
	assert_int_equal(write.fork->child, 3);
	sharing_release(outside.sharing, write.fork);
	write = sharing_write(outside.sharing, last, PAGE(2), 4096, true, false, 5 * STEP_NS);
	assert_int_equal(write.verdict, SHARING_COPIED);
	assert_null(write.fork); /* not written since its birth */
	sharing_end(outside.sharing, child, 6 * STEP_NS);
	sharing_end(outside.sharing, last, 7 * STEP_NS);
	assert_int_equal(sharing_kept(outside.sharing), 0);
	sharing_free(outside.sharing);
}

static void where_samples_are_missing_all_is_ambiguous(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	assert_false(sharing_is_unsure(outside.sharing, parent));
	sharing_missing(outside.sharing, UINT64_MAX);
	assert_true(sharing_is_unsure(outside.sharing, parent));
	assert_int_equal(writes(&outside, parent, 1, 2 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_missing(outside.sharing, 3 * STEP_NS);
	assert_int_equal(writes(&outside, child, 2, 4 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_end(outside.sharing, child, 5 * STEP_NS);
	child = sharing_fork(&parent, &outside, &outside, 3, 6 * STEP_NS);
	assert_int_equal(writes(&outside, child, 2, 7 * STEP_NS).verdict, SHARING_COPIED);
	assert_int_equal(writes(&outside, parent, 2, 8 * STEP_NS).verdict, SHARING_REUSED);
	sharing_end(outside.sharing, child, 9 * STEP_NS);
	sharing_end(outside.sharing, parent, 9 * STEP_NS);
	sharing_free(outside.sharing);
}

/* The kernel takes a piece of a huge page over only when nobody else has any piece of it; older ones never do. */
static void huge_pages_are_shared_as_a_whole(void **state)
{
	(void)state;
	for (int older = 0; older < 2; older++) {
		struct outside outside = begin(older);
		struct sharer *parent = NULL, *child;
		struct sharing_write write;

		open_sharing(&outside);
		child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
		write = sharing_write(outside.sharing, child, PAGE(3), 4096, true, true, 2 * STEP_NS);
		assert_int_equal(write.verdict, SHARING_COPIED);
		write = sharing_write(outside.sharing, parent, PAGE(3), 4096, true, true, 3 * STEP_NS);
		assert_int_equal(write.verdict, SHARING_COPIED); /* the child has the other pieces */
		sharing_release(outside.sharing, write.fork);
		write = sharing_write(outside.sharing, child, PAGE(600), 4096, true, true, 4 * STEP_NS);
		sharing_end(outside.sharing, child, 5 * STEP_NS);
		write = sharing_write(outside.sharing, parent, PAGE(4), 4096, true, true, 6 * STEP_NS);
		assert_int_equal(write.verdict, older ? SHARING_AMBIGUOUS : SHARING_REUSED);
		sharing_release(outside.sharing, write.fork);
		write = sharing_write(outside.sharing, parent, PAGE(700), 2 << 20, true, true, 7 * STEP_NS);
		assert_int_equal(write.verdict, SHARING_REUSED); /* whole, by one fault */
		assert_int_equal(write.pages, 512);
		sharing_release(outside.sharing, write.fork);
		sharing_end(outside.sharing, parent, 8 * STEP_NS);
		sharing_free(outside.sharing);
	}
}

static void a_vfork_shares_nothing(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *first, *child;
	struct sharing_write write;

	(void)state;
	open_sharing(&outside);
	first = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	sharing_end(outside.sharing, first, 2 * STEP_NS);
	outside.births = SHARING_OF_ALL;
	child = sharing_fork(&parent, &outside, &outside, 3, 3 * STEP_NS);
	assert_int_equal(writes(&outside, parent, 2, 4 * STEP_NS).verdict, SHARING_REUSED);
	outside.births = SHARING_NOT_KNOWN;
	assert_int_equal(writes(&outside, parent, 3, 4 * STEP_NS).verdict, SHARING_AMBIGUOUS);
	sharing_end(outside.sharing, child, 4 * STEP_NS);
	write = sharing_write(outside.sharing, parent, PAGE(1), 4096, true, false, 5 * STEP_NS);
	assert_int_equal(write.verdict, SHARING_REUSED);
	assert_int_equal(write.fork->child, 2); /* the last one that shared anything */
	sharing_release(outside.sharing, write.fork);
	sharing_end(outside.sharing, parent, 6 * STEP_NS);
	sharing_free(outside.sharing);
}

/* 2,000,000 changes, then nothing more is certain until the family has ended. */
static void a_full_table_makes_all_ambiguous(void **state)
{
	struct outside outside = begin(false);
	struct sharer *parent = NULL, *child;
	uint64_t now = 2 * STEP_NS, page = 0;

	(void)state;
	open_sharing(&outside);
	child = sharing_fork(&parent, &outside, &outside, 2, STEP_NS);
	while (sharing_kept(outside.sharing) < 2000000)
		assert_int_equal(writes(&outside, child, page++, now += 100).verdict, SHARING_COPIED);
	writes(&outside, child, page++, now += 100);
	assert_int_equal(writes(&outside, child, page++, now += 100).verdict, SHARING_AMBIGUOUS);
	assert_int_equal(sharing_kept(outside.sharing), 2000000);
	assert_true(sharing_is_unsure(outside.sharing, parent));
	sharing_end(outside.sharing, child, now += STEP_NS);
	assert_int_equal(writes(&outside, parent, 1, now += STEP_NS).verdict, SHARING_REUSED);
	assert_int_equal(sharing_kept(outside.sharing), 0);
	sharing_end(outside.sharing, parent, now);
	sharing_free(outside.sharing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_write_is_judged_as_the_model_does),
		cmocka_unit_test(families_without_end_take_no_room),
		cmocka_unit_test(children_without_number_take_no_room),
		cmocka_unit_test(what_happens_at_one_time_is_ambiguous),
		cmocka_unit_test(what_is_written_while_another_one_ends_is_doubtful),
		cmocka_unit_test(what_is_let_go_is_nobody_elses_any_more),
		cmocka_unit_test(what_was_moved_away_may_be_shared_still),
		cmocka_unit_test(what_is_let_go_after_the_last_child_is_known_already),
		cmocka_unit_test(what_is_written_unjudged_is_its_own),
		cmocka_unit_test(what_the_last_one_writes_is_shared_by_its_fork),
		cmocka_unit_test(where_samples_are_missing_all_is_ambiguous),
		cmocka_unit_test(huge_pages_are_shared_as_a_whole),
		cmocka_unit_test(a_vfork_shares_nothing),
		cmocka_unit_test(a_full_table_makes_all_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
