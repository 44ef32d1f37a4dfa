/* SPDX-License-Identifier: MIT */
/*
 * A family is a tree of processes. A copy of a page belongs to the process that made it, from that write to its next
 * one; whoever was forked in between, and has not written it since, shares it. Before the first fork of all, everything
 * is the root's.
 *
 * One that has ended stays in the tree while at least two lines of descendants go out from it; with one line, that
 * takes its place.
 */
#include "sharing.h"

#include <stdlib.h>

#include "memory.h"
#include "page_changes.h"

#define PAGE_SHIFT   12
#define HUGE_PAGES   512U
#define CHANGES_MOST 2000000            /* of all processes: 64 MiB here, where a process has written that much */
#define LEFTS_MOST   256                /* of one process */
#define STEPS_MOST   20000              /* of one search: processes asked for a page */
#define LATEST       64                 /* of the writes judged by one process */

struct family {
	uint32_t living, members;       /* the latter with those that have ended and are still in the tree */
	uint64_t begun_ns;              /* since then all samples are needed */
	bool     unsure;                /* there was no room for all changes */
};

struct sharer {
	struct family *family;
	struct sharer *parent, *children; /* the youngest child first */
	struct sharer *older, *younger; /* among the children of its parent */
	uint64_t apart_ns;              /* since when its pages are not its parent's: its birth, or that of one … */
					/* … whose place it took */
	uint64_t born_ns;               /* its own birth by fork; 0: none */
	uint64_t forked_ns;             /* its last fork; 0: none */
	bool     ended;
	void    *image;
	uint64_t round;                 /* when it was asked last for what it let go */
	struct page_changes changes;
	struct sharing_fork *fork;      /* at apart_ns, or NULL */
	struct sharing_fork *last_ended; /* of its own forks, the newest whose line has ended, or NULL */
	uint64_t latest[LATEST];        /* when others' writes were judged by what it had: a ring */
	uint64_t judged, doubtful;
};

struct sharing {
	struct sharing_means means;
	uint64_t round;
	uint64_t kept;                  /* changes of pages */
	uint64_t missing_until_ns;
	/* Of the search at hand: */
	uint64_t now_ns;                /* what was let go is known beyond that */
	uint32_t steps;
	bool     perhaps;               /* it came across one that may have a copy, or not */
	uint64_t settled_ns;            /* when the last change that it came across is over */
};

/* A copy of a page. */
struct copy { struct sharer *owner; uint64_t since_ns; };

struct sharing *sharing_new(const struct sharing_means *means)
{
	struct sharing *sharing = memory_get(sizeof(*sharing));

	sharing->means = *means;
	sharing->round = 1;
	return sharing;
}

void sharing_free(struct sharing *sharing)
{
	free(sharing);
}

void sharing_release(struct sharing *sharing, struct sharing_fork *fork)
{
	if (!fork || --fork->holders)
		return;
	sharing->means.finished(sharing->means.context, fork);
	free(fork);
}

/* The tree */

static struct sharer *new_sharer(struct family *family, void *image)
{
	struct sharer *sharer = memory_get(sizeof(*sharer));

	sharer->family = family;
	sharer->image = image;
	family->living++;
	family->members++;
	return sharer;
}

struct sharer *sharing_fork(struct sharer **parent, void *parent_image, void *image, pid_t pid, uint64_t at_ns)
{
	struct sharer *child;

	if (!*parent)
		*parent = new_sharer(memory_get(sizeof(struct family)), parent_image);
	if ((*parent)->family->members == 1)
		(*parent)->family->begun_ns = at_ns;
	child = new_sharer((*parent)->family, image);
	child->parent = *parent;
	child->older = (*parent)->children;
	if (child->older)
		child->older->younger = child;
	(*parent)->children = child;
	(*parent)->forked_ns = child->apart_ns = child->born_ns = at_ns;
	child->fork = memory_get(sizeof(*child->fork));
	*child->fork = (struct sharing_fork){ .holders = 1, .child = pid, .at_ns = at_ns };
	return child;
}

static void forget(struct sharing *sharing, struct sharer *sharer, uint64_t until_ns)
{
	sharing->kept -= sharer->changes.used;
	page_changes_forget(&sharer->changes, until_ns);
	sharing->kept += sharer->changes.used;
}

static void drop(struct sharing *sharing, struct sharer *sharer)
{
	forget(sharing, sharer, PAGE_CHANGES_NEVER);
	sharing_release(sharing, sharer->fork);
	sharing_release(sharing, sharer->last_ended);
	if (!--sharer->family->members)
		free(sharer->family);
	free(sharer);
}

/* Puts another one, or NULL, where one is in the tree. */
static void replace(struct sharer *old, struct sharer *new)
{
	struct sharer *left = new ? new : old->older, *right = new ? new : old->younger;

	if (old->younger)
		old->younger->older = left;
	else if (old->parent)
		old->parent->children = left;
	if (old->older)
		old->older->younger = right;
	if (!new)
		return;
	new->parent = old->parent;
	new->older = old->older;
	new->younger = old->younger;
}

/* The last line of a fork has ended. What its parent takes over from now on belongs to the newest of its forks. */
static void end_fork(struct sharing *sharing, struct sharer *parent, struct sharing_fork *fork)
{
	if (parent->ended || (parent->last_ended && parent->last_ended->at_ns > fork->at_ns)) {
		sharing_release(sharing, fork);
		return;
	}
	sharing_release(sharing, parent->last_ended);
	parent->last_ended = fork;
}

/* The only child of one that has ended takes its place. */
static void succeed(struct sharing *sharing, struct sharer *old, struct sharer *child)
{
	struct sharing_fork *fork = child->fork;

	if (old->changes.lefts_used + child->changes.lefts_used > LEFTS_MOST) {
		old->changes.lefts_used = 0;
		old->family->unsure = true;
	}
	if (old->parent) { /* what it had made its own is still not its parent's */
		sharing->kept -= child->changes.used;
		page_changes_merge(&child->changes, &old->changes, child->apart_ns);
		sharing->kept += child->changes.used;
	}
	replace(old, child);
	child->apart_ns = old->apart_ns;
	child->fork = old->fork;
	old->fork = fork;
	drop(sharing, old);
}

/*
 * Nobody else is there. Which pages it has written since its birth is still asked; and it may have been asked already
 * for what it let go later.
 */
static void begin_anew(struct sharing *sharing, struct sharer *last, uint64_t at_ns)
{
	forget(sharing, last, last->born_ns ? last->born_ns : at_ns);
	last->family->begun_ns = at_ns;
	last->family->unsure = false;
}

/* @forked: it shared anything */
static void leave_tree(struct sharing *sharing, struct sharer *sharer, bool forked, uint64_t at_ns)
{
	struct sharer *parent;

	while (sharer && sharer->ended && !sharer->children) {
		parent = sharer->parent;
		replace(sharer, NULL);
		if (parent && forked) {
			end_fork(sharing, parent, sharer->fork);
			sharer->fork = NULL;
		}
		drop(sharing, sharer);
		sharer = parent;
		forked = true;
	}
	if (!sharer)
		return;
	if (sharer->ended && !sharer->children->older) {
		struct sharer *child = sharer->children;

		succeed(sharing, sharer, child);
		sharer = child;
	}
	if (sharer->family->members == 1)
		begin_anew(sharing, sharer, at_ns);
}

static enum sharing_birth birth_of(const struct sharing *sharing, const struct sharer *sharer)
{
	if (sharer->ended || !sharer->born_ns)
		return SHARING_BY_COPY;
	return sharing->means.birth_of(sharing->means.context, sharer->image);
}

void sharing_end(struct sharing *sharing, struct sharer *sharer, uint64_t at_ns)
{
	bool forked = birth_of(sharing, sharer) == SHARING_BY_COPY || sharer->children;

	sharer->ended = true;
	sharer->image = NULL;
	sharer->family->living--;
	sharing_release(sharing, sharer->last_ended);
	sharer->last_ended = NULL;
	leave_tree(sharing, sharer, forked, at_ns);
}

void sharing_doubt(struct sharer *child, uint64_t writes)
{
	child->parent->doubtful += writes;
	child->fork->by_parent.unplaced.ambiguous_pages += writes;
}

uint64_t sharing_doubtful(const struct sharer *sharer, uint64_t since_ns)
{
	uint64_t kept = sharer->judged < LATEST ? sharer->judged : LATEST, late = 0;

	for (uint64_t i = 0; i < kept; i++)
		late += sharer->latest[i] >= since_ns;
	return sharer->doubtful + (late == LATEST ? sharer->judged : late);
}

/* What was let go */

void sharing_left(struct sharer *sharer, uint64_t start, uint64_t end, uint64_t at_ns, bool moved)
{
	if (sharer->changes.lefts_used == LEFTS_MOST)
		sharer->family->unsure = true;
	else
		page_changes_leave(&sharer->changes, start >> PAGE_SHIFT, end >> PAGE_SHIFT, at_ns, moved);
}

void sharing_left_unknown(struct sharer *sharer)
{
	sharer->family->unsure = true;
}

void sharing_next_round(struct sharing *sharing)
{
	sharing->round++;
}

static void refresh(struct sharing *sharing, struct sharer *sharer)
{
	if (sharer->ended || sharer->round == sharing->round)
		return;
	sharer->round = sharing->round;
	sharing->means.refresh(sharing->means.context, sharer->image);
}

/* Searching */

/* The copy of a page that a process has, or had before it wrote it at that time. */
static struct copy copy_of(struct sharing *sharing, struct sharer *sharer, uint64_t page, uint64_t at_ns)
{
	struct copy copy = { sharer, 0 };

	for (;; at_ns = copy.owner->apart_ns, copy.owner = copy.owner->parent) {
		refresh(sharing, copy.owner);
		copy.since_ns = page_changes_last(&copy.owner->changes, page, at_ns);
		if (copy.since_ns || !copy.owner->parent)
			return copy;
	}
}

/*
 * Somebody else who has a copy, among a process that has had it from some time on and those that it forked since. NULL:
 * nobody, or the search took too long.
 */
static struct sharer *holder_of(struct sharing *sharing, struct sharer *sharer, uint64_t page, uint64_t from_ns,
				const struct sharer *besides)
{
	struct sharer *holder;
	uint64_t until, settled;

	if (++sharing->steps > STEPS_MOST)
		return NULL;
	refresh(sharing, sharer);
	until = page_changes_first(&sharer->changes, page, from_ns);
	if (until > sharing->now_ns)
		until = PAGE_CHANGES_NEVER;
	if (until == PAGE_CHANGES_NEVER && !sharer->ended && sharer != besides) {
		enum sharing_birth birth = birth_of(sharing, sharer);

		if (birth == SHARING_BY_COPY)
			return sharer;
		sharing->perhaps |= birth == SHARING_NOT_KNOWN;
	}
	if (until != PAGE_CHANGES_NEVER) {
		if (!sharer->ended || sharer->children) /* these may have been born with it where it is now */
			sharing->perhaps |= page_changes_is_moved(&sharer->changes, page, until);
		settled = page_changes_settled(&sharer->changes, page, until) + sharing->means.fault_ns;
		if (settled > sharing->settled_ns)
			sharing->settled_ns = settled;
	}
	for (struct sharer *child = sharer->children; child && child->apart_ns > from_ns; child = child->older) {
		if (child->apart_ns >= until)
			continue;
		holder = holder_of(sharing, child, page, child->apart_ns, besides);
		if (holder)
			return holder;
	}
	return NULL;
}

/* A piece of a huge page is taken over only when nobody else has any piece. */
static struct sharer *holder_of_piece(struct sharing *sharing, struct copy copy, uint64_t page,
				      const struct sharer *besides)
{
	uint64_t first = page / HUGE_PAGES * HUGE_PAGES;
	struct sharer *holder = NULL;

	for (uint64_t piece = first; piece < first + HUGE_PAGES && !holder && sharing->steps <= STEPS_MOST; piece++)
		if (page_changes_last(&copy.owner->changes, piece, copy.since_ns) == copy.since_ns)
			holder = holder_of(sharing, copy.owner, piece, copy.since_ns, besides);
	return holder;
}

/* Judging */

static struct sharing_fork *newest_fork(const struct sharing *sharing, const struct sharer *sharer)
{
	const struct sharer *child = sharer->children;
	struct sharing_fork *fork;

	while (child && birth_of(sharing, child) == SHARING_OF_ALL) /* of one that may be a fork, the write is ambiguous */
		child = child->older;
	fork = child ? child->fork : NULL;
	return !fork || (sharer->last_ended && sharer->last_ended->at_ns > fork->at_ns) ? sharer->last_ended : fork;
}

/* The fork whose line somebody is in, or the newest. */
static struct sharing_fork *fork_of(const struct sharing *sharing, const struct sharer *sharer,
				    const struct sharer *holder)
{
	while (holder && holder->parent != sharer)
		holder = holder->parent;
	return holder ? holder->fork : newest_fork(sharing, sharer);
}

/* A child that was born since the last change needs to know that one, too. */
static bool is_needed(const struct sharer *sharer, uint64_t change_ns)
{
	return sharer->children && sharer->children->apart_ns > change_ns;
}

static bool note_change(struct sharing *sharing, struct sharer *sharer, uint64_t page, uint64_t last_ns, uint64_t at_ns)
{
	if (last_ns && !is_needed(sharer, last_ns) && page_changes_move(&sharer->changes, page, last_ns, at_ns))
		return true;
	if (sharing->kept >= CHANGES_MOST)
		return false;
	page_changes_add(&sharer->changes, page, at_ns);
	sharing->kept++;
	return true;
}

/*
 * Of one that was forked, even when nobody is related to it any more: of each page that it shares with a child later, it
 * is asked whether it has written that since its own birth.
 */
static void note_write(struct sharing *sharing, struct sharer *sharer, uint64_t page, uint64_t last_ns, uint64_t at_ns)
{
	if (!sharer->family->unsure && (sharer->family->members > 1 || sharer->born_ns))
		sharer->family->unsure = !note_change(sharing, sharer, page, last_ns, at_ns);
}

static bool family_is_unsure(const struct sharing *sharing, const struct family *family)
{
	return family->unsure || family->begun_ns <= sharing->missing_until_ns;
}

bool sharing_is_unsure(const struct sharing *sharing, const struct sharer *sharer)
{
	return family_is_unsure(sharing, sharer->family);
}

void sharing_missing(struct sharing *sharing, uint64_t until_ns)
{
	sharing->missing_until_ns = until_ns;
}

static enum sharing_verdict judge(struct sharing *sharing, struct sharer *sharer, uint64_t page, bool huge,
				  uint64_t at_ns, struct sharer **holder)
{
	struct copy copy = copy_of(sharing, sharer, page, at_ns);

	sharing->now_ns = at_ns;
	sharing->steps = 0;
	sharing->perhaps = false;
	sharing->settled_ns = 0;
	*holder = holder_of(sharing, copy.owner, page, copy.since_ns, sharer);
	if (!*holder && huge)
		*holder = holder_of_piece(sharing, copy, page, sharer);
	if (sharing->steps > STEPS_MOST || family_is_unsure(sharing, sharer->family) || (!*holder && sharing->perhaps))
		return SHARING_AMBIGUOUS;
	if (*holder) {
		(*holder)->latest[(*holder)->judged++ % LATEST] = at_ns;
		return SHARING_COPIED;
	}
	if (at_ns < sharing->settled_ns) { /* the other one may have found this one still there, or not */
		sharer->doubtful++;
		return SHARING_AMBIGUOUS;
	}
	return huge && sharing->means.pieces_are_copied ? SHARING_AMBIGUOUS : SHARING_REUSED;
}

static uint64_t pages_of(uint64_t bytes)
{
	return bytes >> PAGE_SHIFT >= HUGE_PAGES ? HUGE_PAGES : 1;
}

/* A write before that may be followed by another first one. */
static uint64_t begin_of(const struct sharer *sharer)
{
	return sharer->forked_ns > sharer->born_ns ? sharer->forked_ns : sharer->born_ns;
}

struct sharing_write sharing_write(struct sharing *sharing, struct sharer *sharer, uint64_t address, uint64_t bytes,
				   bool known, bool huge, uint64_t at_ns)
{
	const uint64_t pages = pages_of(bytes), first = address >> PAGE_SHIFT & ~(pages - 1);
	const uint64_t begin_ns = begin_of(sharer);
	struct sharing_write write = { .verdict = SHARING_NONE, .known = known };
	struct sharer *holder = NULL;
	bool since_birth = false;

	refresh(sharing, sharer);
	for (uint64_t page = first; page < first + pages; page++) {
		uint64_t last = page_changes_last(&sharer->changes, page, at_ns);
		enum sharing_verdict verdict;

		if (last > begin_ns)
			continue;
		since_birth |= last > sharer->born_ns || !sharer->born_ns;
		verdict = judge(sharing, sharer, page, huge && pages == 1, at_ns, &holder);
		write.verdict = (uint8_t)(write.pages && verdict != write.verdict ? SHARING_AMBIGUOUS : verdict);
		write.pages++;
		note_write(sharing, sharer, page, last, at_ns);
	}
	if (write.verdict == SHARING_NONE || !since_birth)
		return write;
	write.fork = fork_of(sharing, sharer, holder);
	if (write.fork)
		write.fork->holders++;
	else
		write.verdict = SHARING_NONE;
	return write;
}

void sharing_write_unjudged(struct sharing *sharing, struct sharer *sharer, uint64_t address, uint64_t bytes, uint64_t at_ns)
{
	const uint64_t pages = pages_of(bytes), first = address >> PAGE_SHIFT & ~(pages - 1);

	refresh(sharing, sharer);
	for (uint64_t page = first; page < first + pages; page++) {
		uint64_t last = page_changes_last(&sharer->changes, page, at_ns);

		if (last <= begin_of(sharer))
			note_write(sharing, sharer, page, last, at_ns);
	}
}

uint64_t sharing_kept(const struct sharing *sharing)
{
	return sharing->kept;
}
