/* SPDX-License-Identifier: MIT */
/* Forks, as both sides live through them: what is to be watched, and by which means; and the ends of children. */
#include "cow_internal.h"

#include <string.h>

#include "environment.h"
#include "instrument.h"
#include "ranges.h"
#include "signals.h"
#include "write_protect.h"

#define BRIEF_NS   20000000ULL          /* a child that lives no longer is not worth watching, … */
#define BRIEF      4                    /* … and after so many in a row, the next is taken for one */
#define NOT_FORKED 64                   /* ranges that a fork does not share */
#define PROTECT_NS 2000000ULL           /* a parent may take so long over protecting its pages, … */
#define PROTECT_SHARE 4                 /* … or 1/4 of what the fork took: more, where page tables are shadowed */
#define TRY_AGAIN  32                   /* forks after one at which that was not enough */

enum cow_tier cow_tier;
uint64_t cow_own_forks;
struct cow_scratch cow_scratch;

static bool     watch;                  /* the fork that is going on is to be watched */
static uint64_t fork_begins_ns;
static uint64_t parent_again;           /* the number of the fork at which the parent is to be watched again */
static uint64_t alone_until;            /* minor faults when a child was forked and no other lived */
static uint32_t children;               /* that are not known to have ended */
static uint32_t busy;                   /* a lock */
static struct not_forked { uint64_t start, end; int advice; } not_forked[NOT_FORKED];
static uint32_t not_forked_used;
static bool     not_forked_lost;        /* there was no more room */

/* What a process and its children tell each other, in memory that they share. */
static struct family { uint32_t brief; } *family; /* children in a row that were */

/* PAGEGAP_OPTIONS, cow=: what the kernel has, or less, so that the less can be looked at. */
static void choose_tier(void)
{
	static const struct { const char *name; enum cow_tier tier; } ways[] = {
		{ "scan", TIER_SCAN }, { "pagemap", TIER_PAGEMAP }, { "smaps", TIER_SMAPS }, { "off", TIER_NONE },
	};
	char value[32];

	if (cow_tier != TIER_UNKNOWN)
		return;
	cow_tier = TIER_WRITE_PROTECT;
	if (!environment_option("cow", value, sizeof(value)))
		return;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(value, ways[i].name))
			cow_tier = ways[i].tier;
}

void cow_lock(void)
{
	uint32_t tries = 0;

	while (!cow_try_lock())
		sys_wait(&tries);
}

bool cow_try_lock(void)
{
	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return false;
	cow_take_pending();
	return true;
}

/* A thread that forks holds what the last ledger needs: it must not wait for the thread that ends the process. */
static bool lock_unless_ending(void)
{
	uint32_t tries = 0;

	while (!cow_try_lock()) {
		if (__atomic_load_n(&ending_begun, __ATOMIC_RELAXED))
			return false;
		sys_wait(&tries);
	}
	return true;
}

void cow_unlock(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

bool cow_add_run(struct page_runs runs, uint64_t **more, uint64_t start, uint64_t end)
{
	const size_t bytes = MORE_RUNS * sizeof(uint64_t);

	if (page_runs_add(&runs, start, end))
		return true;
	if (*more)
		return false;
	*more = runs.more = sys_reserve(bytes);
	if (!*more)
		return false;
	ranges_claim_instrument((uint64_t)*more, (uint64_t)*more + bytes);
	return page_runs_add(&runs, start, end);
}

bool cow_is_shareable(const struct mapping *mapping)
{
	return !mapping->shared && mapping->start < USER_END &&
	       strncmp(mapping->name, "[v", 2); /* vdso, vvar, vsyscall */
}

bool cow_is_forked(const struct mapping *mapping)
{
	for (uint32_t i = 0; i < not_forked_used; i++)
		if (not_forked[i].start < mapping->end && mapping->start < not_forked[i].end)
			return false;
	return (uint64_t)fork_sentinel < mapping->start || (uint64_t)fork_sentinel >= mapping->end;
}

static void add_not_forked(uint64_t start, uint64_t end, int advice)
{
	if (start >= end)
		return;
	if (not_forked_used < NOT_FORKED)
		not_forked[not_forked_used++] = (struct not_forked){ start, end, advice };
	else
		not_forked_lost = true;
}

/* @advice: that which is taken back; 0: any. */
static void drop_not_forked(uint64_t start, uint64_t end, int advice)
{
	for (uint32_t i = 0; i < not_forked_used;) {
		struct not_forked old = not_forked[i];

		if (old.start >= end || start >= old.end || (advice && advice != old.advice)) {
			i++;
			continue;
		}
		not_forked[i] = not_forked[--not_forked_used];
		add_not_forked(old.start, min_u64(old.end, start), old.advice);
		add_not_forked(max_u64(old.start, end), old.end, old.advice);
	}
}

void cow_advised(uint64_t start, uint64_t end, int advice)
{
	end = page_up(end);
	signals_block();
	cow_lock();
	if (advice == MADV_DONTFORK || advice == MADV_WIPEONFORK)
		add_not_forked(start, end, advice);
	else
		drop_not_forked(start, end, advice == MADV_DOFORK ? MADV_DONTFORK : MADV_WIPEONFORK);
	cow_unlock();
	signals_restore();
}

void cow_unmapped(uint64_t start, uint64_t end)
{
	if (likely(!__atomic_load_n(&not_forked_used, __ATOMIC_RELAXED)))
		return;
	signals_block();
	cow_lock();
	drop_not_forked(start, page_up(end), 0);
	cow_unlock();
	signals_restore();
}

uint64_t cow_minor_faults(void)
{
	struct rusage usage;

	return sys_failed(sys_call2(SYS_getrusage, RUSAGE_SELF, &usage)) ? 0 : (uint64_t)usage.ru_minflt;
}

void cow_prepare_fork(void)
{
	choose_tier();
	if (!family && cow_tier != TIER_NONE) {
		long result = sys_call6(SYS_mmap, 0, PAGE_BYTES, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (!sys_failed(result)) {
			family = (struct family *)result;
			ranges_claim_instrument((uint64_t)family, (uint64_t)family + PAGE_BYTES);
		}
	}
	/* Watching costs a small process a good part of a fork. */
	watch = cow_tier == TIER_WRITE_PROTECT && !not_forked_lost &&
		(!family || __atomic_load_n(&family->brief, __ATOMIC_RELAXED) < BRIEF || cow_is_large());
	fork_begins_ns = sys_now_ns(CLOCK_MONOTONIC);
}

void cow_fork_done(void)
{
	uint64_t now = sys_now_ns(CLOCK_MONOTONIC);
	int fd;

	if (!__atomic_load_n(&children, __ATOMIC_RELAXED))
		alone_until = cow_minor_faults();
	capture->cow.own_forks = ++cow_own_forks;
	capture->cow.written_pages = CAPTURE_UNKNOWN; /* until the end */
	if (cow_tier != TIER_WRITE_PROTECT)
		return;
	signals_block();
	if (!lock_unless_ending()) { /* what is written beside this child is not told from what was before */
		__atomic_store_n(&cow_windows.gaps, true, __ATOMIC_RELAXED);
		signals_restore();
		return;
	}
	fd = watch && cow_own_forks >= parent_again ? proc_open(0, "pagemap") : -1;
	if (fd < 0) {
		cow_window()->open = cow_window()->closed = false;
		cow_windows.gaps = true;
	} else if (!cow_window_begin(fd, false, now + max_u64(PROTECT_NS, (now - fork_begins_ns) / PROTECT_SHARE))) {
		parent_again = cow_own_forks + TRY_AGAIN;
	} else if (capture->cow.method == COW_UNKNOWN) {
		capture->cow.method = COW_WRITE_PROTECT;
	}
	if (fd >= 0)
		sys_close(fd);
	cow_unlock();
	signals_restore();
}

static enum capture_cow_method begin_child(int pagemap)
{
	cow_birth_clear(); /* of what its parent may have been born with */
	cow_birth.watched = cow_tier == TIER_WRITE_PROTECT && watch && cow_window_begin(pagemap, true, UINT64_MAX);
	if (cow_birth.watched)
		return COW_WRITE_PROTECT;
	cow_windows.gaps = true;
	return cow_birth_note(pagemap);
}

void cow_forked(void)
{
	int fd;

	busy = 0; /* another thread of the parent may have been looking */
	cow_own_forks = parent_again = 0;
	children = 0;
	cow_birth.known = cow_birth.unseen = false;
	drop_not_forked(0, UINT64_MAX, MADV_DONTFORK); /* it is not here */
	cow_windows_forked();
	cow_pending_forked();
	capture->cow.written_pages = CAPTURE_UNKNOWN;
	if (cow_tier == TIER_NONE)
		return;
	fd = proc_open(0, "pagemap");
	capture->cow.method = begin_child(fd);
	capture->cow.early_faults = cow_minor_faults();
	cow_birth.known = cow_birth.used != 0;
	if (fd >= 0)
		sys_close(fd);
	cow_looks_forked();
}

bool cow_has_children(void)
{
	return __atomic_load_n(&children, __ATOMIC_RELAXED) != 0;
}

void cow_child_born(void)
{
	__atomic_fetch_add(&children, 1, __ATOMIC_RELAXED);
}

/*
 * A huge page that is protected is split when it is written, even when nobody else has it any more: not longer than
 * necessary. What this process was born with, its own parent may still have.
 */
void cow_child_gone(void)
{
	struct cow_window *window;
	int fd;

	if (!__atomic_load_n(&children, __ATOMIC_RELAXED) || __atomic_sub_fetch(&children, 1, __ATOMIC_RELAXED))
		return;
	capture->cow.faults_beside_children += cow_minor_faults() - alone_until;
	window = cow_window();
	if (!window->open || !window->huge || cow_birth_is_watched())
		return;
	signals_block();
	cow_lock();
	fd = proc_open(0, "pagemap");
	cow_window_note_written(fd, 0, USER_END, &cow_windows.written_before);
	if (fd >= 0)
		sys_close(fd);
	window->open = false;
	window->closed = true;
	capture->cow.watch_ended = 1;
	write_protect_end();
	cow_unlock();
	signals_restore();
}

/* In memory of the family: was this a brief life? And of the children that live on, or were never waited for. */
static void end_family(void)
{
	if (family && cow_birth.known) {
		bool brief = sys_now_ns(CLOCK_MONOTONIC) - capture->start_ns < BRIEF_NS;

		__atomic_store_n(&family->brief, brief ? family->brief + 1 : 0, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&children, __ATOMIC_RELAXED)) {
		capture->cow.faults_beside_children += cow_minor_faults() - alone_until;
		alone_until = cow_minor_faults();
	}
}

bool cow_ending(bool executes_at_once)
{
	end_family();
	cow_end_unasked();
	if (capture->cow.method == COW_UNKNOWN)
		return false;
	signals_block(); /* until cow_ended: a handler may unmap, and wait for this thread */
	cow_lock();
	if (!executes_at_once && cow_last_look_begins())
		return true;
	if (capture->cow.method == COW_WRITE_PROTECT)
		cow_note_written();
	cow_unlock();
	signals_restore();
	return false;
}

void cow_ended(bool taken)
{
	if (!cow_last_look_ends(taken) && capture->cow.method == COW_WRITE_PROTECT)
		cow_note_written();
	cow_unlock();
	signals_restore();
}
