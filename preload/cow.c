/* SPDX-License-Identifier: MIT */
/*
 * Windows and looks. A window begins with a fork, for both sides, and ends with the next fork of the same process or with its image:
 * its runs are the pages that were shared at its beginning, and each that is written in it counts once. A child's first window has the runs that
 * it was born with; those stay as they are, and looks tell what has become of them.
 */
#include "cow.h"

#include <string.h>

#include "capture.h"
#include "environment.h"
#include "instrument.h"
#include "ledger_internal.h"
#include "page_runs.h"
#include "pages.h"
#include "ranges.h"
#include "signals.h"
#include "smaps.h"
#include "write_protect.h"

#define LARGE      (16UL << 20)         /* resident bytes: reading maps costs less than looking at that many pages */
#define MAPPINGS   1000                 /* a process that has more is not watched, and most of it is scanned as one */
#define LOOK_NS    50000000ULL          /* at least between two looks at a living child's pages, … */
#define LOOK_SHARE 200                  /* … which may take 1/200 of its time */
#define ENTRIES    512                  /* of pagemap, read at a time */
#define REGIONS    64                   /* the child may stand on the smallest of stacks: this and the like is static */
#define USER_END   0x7ffffffff000UL     /* of the address space, with four levels of page tables */
#define BRIEF_NS   20000000ULL          /* a child that lives no longer is not worth watching, … */
#define BRIEF      4                    /* … and after so many in a row, the next is taken for one */
#define LEFT       64                   /* of what was left, the newest */
#define NOT_FORKED 64                   /* ranges that a fork does not share */
#define CHUNK      (32UL << 20)         /* bytes protected between two looks at the clock */
#define PROTECT_NS 2000000ULL           /* a parent may take so long over protecting its pages, … */
#define PROTECT_SHARE 4                 /* … or 1/4 of what the fork took; where page tables are shadowed, it takes more than the fork */
#define TRY_AGAIN  32                   /* forks after one at which that was not enough */

static struct {
	uint64_t first[FIRST_RUNS], *more;
	uint64_t used;
	bool     known;                 /* this image began with a fork, and what it inherited is here */
	uint64_t due_ns;                /* the next look while the child lives */
} birth;

struct window {
	uint64_t first[FIRST_RUNS], *more;
	uint64_t used;
	bool     open;                  /* watched since it began */
	bool     huge;                  /* some of it in huge pages */
	uint64_t lefts;                 /* cow.lefts when it began */
};

static struct window windows[2];        /* the one that is, and the one that was or will be */
static uint32_t current;                /* index of the former */
static uint64_t written_before;         /* in windows that have ended, and of what has been left in this one */
static bool     gaps;                   /* there was a fork that was not watched */
static bool     watch;                  /* the fork that is going on is to be watched */
static uint64_t fork_begins_ns;
static uint64_t parent_again;           /* the number of the fork at which the parent is to be watched again */
static uint64_t left[LEFT];             /* runs of memory that was unmapped, moved away or given back: a ring */
static uint64_t forks;                  /* of this process's own */
static uint64_t alone_until;            /* minor faults when a child was forked and no other lived */
static uint32_t children;               /* that are not known to have ended */
static uint32_t busy;                   /* a lock */
static uint32_t tier;                   /* enum tier */
static struct { uint64_t start, end; } not_forked[NOT_FORKED];
static uint32_t not_forked_used;
static bool     not_forked_lost;        /* there was no more room */

/* What a process and its children tell each other, in memory that they share. */
static struct family { uint32_t brief; } *family; /* children in a row that were */

enum tier { TIER_UNKNOWN, TIER_WRITE_PROTECT, TIER_SCAN, TIER_PAGEMAP, TIER_SMAPS, TIER_NONE };

static uint64_t entries[ENTRIES];
static struct page_region regions[REGIONS];
static struct smaps smaps;
static struct mapping mapping;

/* PAGEGAP_OPTIONS, cow=: what the kernel has, or less, so that the less can be looked at. */
static void choose_tier(void)
{
	static const struct { const char *name; enum tier tier; } ways[] = {
		{ "scan", TIER_SCAN }, { "pagemap", TIER_PAGEMAP }, { "smaps", TIER_SMAPS }, { "off", TIER_NONE },
	};
	char value[32];

	if (tier != TIER_UNKNOWN)
		return;
	tier = TIER_WRITE_PROTECT;
	if (!environment_option("cow", value, sizeof(value)))
		return;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(value, ways[i].name))
			tier = ways[i].tier;
}

static void lock(void)
{
	uint32_t tries = 0;

	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		sys_wait(&tries);
}

static bool try_lock(void)
{
	return !__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE);
}

/* A thread that forks holds what the last ledger needs: it must not wait for the thread that ends the process. */
static bool lock_unless_ending(void)
{
	uint32_t tries = 0;

	while (!try_lock()) {
		if (__atomic_load_n(&ending_begun, __ATOMIC_RELAXED))
			return false;
		sys_wait(&tries);
	}
	return true;
}

static void unlock(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static struct page_runs born_with(void)
{
	return (struct page_runs){ birth.first, birth.more, &birth.used };
}

static struct page_runs runs_of(struct window *window)
{
	return (struct page_runs){ window->first, window->more, &window->used };
}

/* @more: where the list has its second array, which it may need now. */
static bool add(struct page_runs runs, uint64_t **more, uint64_t start, uint64_t end)
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

static bool add_to_window(struct window *window, uint64_t start, uint64_t end)
{
	return add(runs_of(window), &window->more, start, end);
}

static bool add_to_birth(uint64_t start, uint64_t end)
{
	capture->cow.inherited_pages += (end - start) / PAGE_BYTES;
	return add(born_with(), &birth.more, start, end);
}

/* Counting pages that were not left since: the log, from a number on. */

struct tally { uint64_t since, pages; };

static void count_kept(void *context, uint64_t start, uint64_t end)
{
	struct tally *tally = context;
	const uint64_t lefts = capture->cow.lefts, from = lefts > LEFT ? lefts - LEFT : 0;
	uint64_t next;

	while (start < end) {
		bool gone = false;

		next = end;
		for (uint64_t i = max_u64(from, tally->since); i < lefts; i++) {
			uint64_t run = left[i % LEFT];

			if (run_start(run) <= start && start < run_end(run)) {
				gone = true;
				next = min_u64(end, run_end(run));
				break;
			}
			if (run_start(run) > start)
				next = min_u64(next, run_start(run));
		}
		if (!gone)
			tally->pages += (next - start) / PAGE_BYTES;
		start = next;
	}
}

/* Pages of [start, end) that were written in the window that is. False: the kernel does not tell. */
static bool count_written(int pagemap, uint64_t start, uint64_t end, uint64_t *pages)
{
	struct window *window = &windows[current];
	struct page_runs runs = runs_of(window);
	struct tally tally = { .since = window->lefts };

	if (!window->open)
		return false;
	while (start < end) {
		long found = pages_scan_watched(pagemap, &start, end, PAGES_ONLY_WRITTEN, false, regions, REGIONS);

		if (found < 0)
			return false;
		for (long i = 0; i < found; i++)
			page_runs_within(&runs, regions[i].start, regions[i].end, count_kept, &tally);
	}
	*pages += tally.pages;
	return true;
}

/* Beginning a window */

static bool is_forked(void)
{
	for (uint32_t i = 0; i < not_forked_used; i++)
		if (not_forked[i].start < mapping.end && mapping.start < not_forked[i].end)
			return false;
	return (uint64_t)fork_sentinel < mapping.start || (uint64_t)fork_sentinel >= mapping.end;
}

struct beginning {
	int      pagemap;
	bool     in_child;
	struct window *old, *new;
	struct tally before;            /* pages written in the old window */
	uint64_t until_ns;
};

/* Protects the pages of a mapping. What had been written since it was protected last belongs to the window before. */
static bool protect(struct beginning *b, uint64_t start, uint64_t end, bool files)
{
	struct page_runs old_runs = runs_of(b->old);

	while (start < end) {
		long found = pages_scan_watched(b->pagemap, &start, min_u64(end, start + CHUNK), PAGES_PROTECT, files, regions, REGIONS);

		if (found < 0 || (end - start > CHUNK && sys_now_ns(CLOCK_MONOTONIC) > b->until_ns))
			return false;
		for (long i = 0; i < found; i++) {
			if (b->old->open && regions[i].categories & PAGES_WRITTEN)
				page_runs_within(&old_runs, regions[i].start, regions[i].end, count_kept, &b->before);
			b->new->huge |= (regions[i].categories & PAGES_HUGE) != 0;
			if (!add_to_window(b->new, regions[i].start, regions[i].end) ||
			    (b->in_child && !add_to_birth(regions[i].start, regions[i].end)))
				return false;
		}
	}
	return true;
}

/* Registers and protects all that a fork shares, mapping by mapping: of anonymous ones no page needs to be looked at. */
static bool protect_mappings(struct beginning *b)
{
	int maps = proc_open(0, "maps");
	bool good = maps >= 0;
	uint32_t seen = 0;

	if (!good)
		return false;
	smaps_begin(&smaps, maps, false);
	while (good && smaps_next(&smaps, &mapping)) {
		good = ++seen <= MAPPINGS;
		if (mapping.shared || mapping.start >= USER_END || !strncmp(mapping.name, "[v", 2) || (!b->in_child && !is_forked()))
			continue; /* [v: vdso, vvar, vsyscall */
		good = good && write_protect_add(mapping.start, mapping.end) &&
		       protect(b, mapping.start, mapping.end, mapping.inode != 0);
	}
	sys_close(maps);
	return good && !smaps.error;
}

/* False: the window cannot be watched; then what is protected of it does no harm. */
static bool begin_window(int pagemap, bool in_child, uint64_t until_ns)
{
	struct window *old = &windows[current], *new = &windows[!current];
	struct beginning b = { pagemap, in_child, old, new, { .since = old->lefts }, until_ns };

	new->used = 0;
	new->huge = false;
	new->open = write_protect_begin() && (!old->open || write_protect_stands(pagemap)) && protect_mappings(&b);
	new->lefts = capture->cow.lefts;
	written_before += b.before.pages;
	gaps |= !new->open;
	old->open = false;
	current = !current;
	return new->open;
}

/* Without watching: what is there. */

/* An entry of pagemap for each page: before Linux 6.7. */
static bool note_entries(int fd, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t wanted = min_u64(ENTRIES, (end - start) / PAGE_BYTES);
		long got = sys_pread(fd, entries, wanted * sizeof(entries[0]), start / PAGE_BYTES * sizeof(entries[0]));

		if (got != (long)(wanted * sizeof(entries[0])))
			return false;
		for (uint64_t i = 0; i < wanted; i++, start += PAGE_BYTES)
			if (pages_entry_is_anonymous(entries[i]) && !add_to_birth(start, start + PAGE_BYTES))
				return false;
	}
	return true;
}

/* Notes the pages of a part of the address space. False: this kernel cannot tell, or there are too many runs. */
static bool note_part(int fd, uint64_t start, uint64_t end, bool files)
{
	while (start < end) {
		long found = pages_scan_anonymous(fd, &start, end, files, regions, REGIONS);

		if (found < 0)
			return false;
		for (long i = 0; i < found; i++)
			if (!add_to_birth(regions[i].start, regions[i].end))
				return false;
	}
	return true;
}

/* Mapping by mapping: of anonymous memory, which is most of a large process, no page needs to be looked at. */
static bool note_mappings(int fd, bool scans)
{
	int maps = proc_open(0, scans ? "maps" : "smaps");
	bool good = maps >= 0;
	uint32_t seen = 0;

	if (!good)
		return false;
	smaps_begin(&smaps, maps, !scans); /* where there is no scan, what has no page in it need not be looked at */
	while (good && smaps_next(&smaps, &mapping)) {
		if (++seen > MAPPINGS && scans) { /* asking for each would take longer than looking at their pages */
			good = note_part(fd, mapping.start, USER_END, true);
			break;
		}
		if (mapping.shared || mapping.start >= USER_END || !strncmp(mapping.name, "[v", 2)) /* vdso, vvar, vsyscall */
			continue;
		good = scans ? note_part(fd, mapping.start, mapping.end, mapping.inode != 0) :
		       !mapping.anonymous || note_entries(fd, mapping.start, mapping.end);
	}
	sys_close(maps);
	return good && !smaps.error;
}

/* Only how much there is. */
static bool note_total(void)
{
	int fd = proc_open(0, "smaps");
	bool good;

	if (fd < 0)
		return false;
	smaps_begin(&smaps, fd, true);
	while (smaps_next(&smaps, &mapping))
		if (!mapping.shared)
			capture->cow.inherited_pages += mapping.anonymous / PAGE_BYTES;
	good = !smaps.error;
	sys_close(fd);
	return good;
}

static bool is_large(void)
{
	uint64_t mapped, resident;

	return snapshot_read_statm(&mapped, &resident) && resident > LARGE;
}

static uint64_t minor_faults(void)
{
	struct rusage usage;

	return sys_failed(sys_call2(SYS_getrusage, RUSAGE_SELF, &usage)) ? 0 : (uint64_t)usage.ru_minflt;
}

/* A fork */

void cow_prepare_fork(void)
{
	choose_tier();
	if (!family && tier != TIER_NONE) {
		long result = sys_call6(SYS_mmap, 0, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (!sys_failed(result)) {
			family = (struct family *)result;
			ranges_claim_instrument((uint64_t)family, (uint64_t)family + PAGE_BYTES);
		}
	}
	/* Watching costs a small process a good part of a fork. */
	watch = tier == TIER_WRITE_PROTECT && !not_forked_lost &&
		(!family || __atomic_load_n(&family->brief, __ATOMIC_RELAXED) < BRIEF || is_large());
	fork_begins_ns = sys_now_ns(CLOCK_MONOTONIC);
}

void cow_fork_done(void)
{
	uint64_t now = sys_now_ns(CLOCK_MONOTONIC);
	int fd;

	if (!__atomic_load_n(&children, __ATOMIC_RELAXED))
		alone_until = minor_faults();
	capture->cow.own_forks = ++forks;
	capture->cow.written_pages = CAPTURE_UNKNOWN; /* until the end */
	if (tier != TIER_WRITE_PROTECT)
		return;
	signals_block();
	if (!lock_unless_ending()) { /* what is written now may be seen or not: nothing more is said of it */
		__atomic_store_n(&gaps, true, __ATOMIC_RELAXED);
		signals_restore();
		return;
	}
	fd = watch && forks >= parent_again ? proc_open(0, "pagemap") : -1;
	if (fd < 0) {
		windows[current].open = false;
		gaps = true;
	} else if (!begin_window(fd, false, now + max_u64(PROTECT_NS, (now - fork_begins_ns) / PROTECT_SHARE))) {
		parent_again = forks + TRY_AGAIN;
	} else if (capture->cow.method == COW_UNKNOWN) {
		capture->cow.method = COW_WRITE_PROTECT;
	}
	if (fd >= 0)
		sys_close(fd);
	unlock();
	signals_restore();
}

static void note_nothing(void)
{
	capture->cow.inherited_pages = birth.used = 0;
}

/* The best that the tier allows and the kernel can do. */
static enum capture_cow_method note_birth(int fd)
{
	note_nothing(); /* of what its parent may have been born with */
	if (tier == TIER_WRITE_PROTECT && watch && begin_window(fd, true, UINT64_MAX))
		return COW_WRITE_PROTECT;
	gaps = true;
	note_nothing();
	if (tier <= TIER_SCAN && (is_large() ? note_mappings(fd, true) : note_part(fd, 0, USER_END, true)))
		return COW_PAGEMAP;
	note_nothing();
	if (tier <= TIER_PAGEMAP && fd >= 0 && note_mappings(fd, false))
		return COW_PAGEMAP;
	note_nothing();
	if (note_total())
		return COW_SMAPS;
	note_nothing();
	return COW_UNKNOWN;
}

void cow_forked(void)
{
	int fd;

	busy = 0; /* another thread of the parent may have been looking */
	birth.known = gaps = windows[current].open = false;
	written_before = forks = parent_again = windows[current].lefts = 0;
	children = 0;
	write_protect_forked();
	capture->cow.written_pages = CAPTURE_UNKNOWN;
	if (tier == TIER_NONE)
		return;
	fd = proc_open(0, "pagemap");
	capture->cow.method = note_birth(fd);
	capture->cow.early_faults = minor_faults();
	birth.known = birth.used != 0;
	if (fd >= 0)
		sys_close(fd);
	birth.due_ns = sys_now_ns(CLOCK_MONOTONIC) + LOOK_NS;
}

void cow_child_born(void)
{
	__atomic_fetch_add(&children, 1, __ATOMIC_RELAXED);
}

/* A huge page that is protected is split when it is written, even when nobody else has it any more: not longer than necessary. */
void cow_child_gone(void)
{
	struct window *window;
	int fd;

	if (!__atomic_load_n(&children, __ATOMIC_RELAXED) || __atomic_sub_fetch(&children, 1, __ATOMIC_RELAXED))
		return;
	capture->cow.faults_beside_children += minor_faults() - alone_until;
	window = &windows[current];
	if (!window->open || !window->huge)
		return;
	signals_block();
	lock();
	fd = proc_open(0, "pagemap");
	if (fd < 0 || !write_protect_stands(fd) || !count_written(fd, 0, USER_END, &written_before))
		gaps = true;
	if (fd >= 0)
		sys_close(fd);
	window->open = false;
	capture->cow.watch_ended = 1;
	write_protect_end();
	unlock();
	signals_restore();
}

void cow_not_forked(uint64_t start, uint64_t end)
{
	signals_block();
	lock();
	if (not_forked_used < NOT_FORKED) {
		not_forked[not_forked_used].start = start;
		not_forked[not_forked_used++].end = end;
	} else {
		not_forked_lost = true;
	}
	write_protect_remove(start, end);
	unlock();
	signals_restore();
}

/* Memory that goes */

static bool holds_inherited(uint64_t start, uint64_t end)
{
	struct page_runs runs = born_with(), now = runs_of(&windows[current]);
	struct tally touched = { .since = 0 };

	if (birth.known)
		page_runs_within(&runs, start, end, count_kept, &touched);
	capture->cow.left_pages += touched.pages;
	if (windows[current].open && !touched.pages)
		page_runs_within(&now, start, end, count_kept, &touched);
	return touched.pages != 0;
}

static void log_left(uint64_t start, uint64_t end)
{
	uint64_t number = capture->cow.lefts;

	left[number % LEFT] = run_of(start, end);
	capture->cow.left[number % CAPTURE_LEFTS] = (struct capture_left){ sys_now_ns(CLOCK_MONOTONIC), start, end };
	if (number - windows[current].lefts >= LEFT) /* the first of this window is overwritten */
		gaps = true;
	__atomic_store_n(&capture->cow.lefts, number + 1, __ATOMIC_RELEASE);
}

void cow_trimmed(void)
{
	if (cow_watches())
		__atomic_store_n(&gaps, true, __ATOMIC_RELAXED);
}

bool cow_watches(void)
{
	return birth.known || windows[current].open;
}

/* What was written of it is counted before it goes, unless it is a block. */
static void let_go(uint64_t start, uint64_t end, bool block)
{
	int fd;

	if (likely(!cow_watches()) || instrument_state != INSTRUMENT_ON || !fork_sentinel[0])
		return;
	start = page_down(start);
	end = min_u64(page_up(end), USER_END);
	if (start >= end)
		return;
	signals_block();
	lock();
	if (holds_inherited(start, end)) {
		if (windows[current].open && !block) {
			fd = proc_open(0, "pagemap");
			if (fd < 0 || !write_protect_stands(fd) || !count_written(fd, start, end, &written_before))
				gaps = true;
			if (fd >= 0)
				sys_close(fd);
		}
		log_left(start, end);
	}
	unlock();
	signals_restore();
}

void cow_left(uint64_t start, uint64_t end)
{
	let_go(start, end, false);
}

void cow_block_left(uint64_t start, uint64_t end)
{
	let_go(start, end, true);
}

/*
 * Looks. What has become of the pages that were inherited, row by row. At the end the ledger of that moment tells most of it; before,
 * each of them is looked at.
 */

static struct {
	int  fd;                        /* pagemap */
	bool failed;
	bool watched;                   /* what was written in this window is all that was written */
	struct capture_cow seen;
	uint8_t *heap;                  /* of the segment of the heap at hand: a byte for each page, see below */
	uint64_t heap_room;             /* pages */
	uint64_t heap_start, heap_end;
} look;

static bool look_begins(void)
{
	memset(&look.seen, 0, sizeof(look.seen));
	look.fd = proc_open(0, "pagemap");
	look.failed = look.fd < 0 && capture->cow.method != COW_SMAPS;
	/* What was written in earlier windows is in no row. */
	look.watched = windows[current].open && !gaps && !written_before && write_protect_stands(look.fd);
	return !look.failed;
}

static void look_ends(bool good)
{
	look.seen.looked_at_ns = sys_now_ns(CLOCK_MONOTONIC);
	if (good && !look.failed) { /* whoever is killed in between has none: that is better than half of one */
		__atomic_store_n(&capture->cow.looked, 0, __ATOMIC_RELEASE);
		memcpy(capture->cow.rows, look.seen.rows, sizeof(look.seen.rows));
		capture->cow.heap_split = look.seen.heap_split;
		capture->cow.looked_at_ns = look.seen.looked_at_ns;
		__atomic_store_n(&capture->cow.looked, 1, __ATOMIC_RELEASE);
	}
	if (look.fd >= 0)
		sys_close(look.fd);
}

static struct capture_cow_row *row_at(enum capture_row row)
{
	return &look.seen.rows[row == ROW_HEAP_FREE ? ROW_HEAP_LIVE : row];
}

static void add_written(struct capture_cow_row *row, uint64_t start, uint64_t end)
{
	if (!look.watched || !count_written(look.fd, start, end, &row->written_pages))
		row->written_pages = CAPTURE_UNKNOWN;
}

/* Page by page. */
static void look_at(void *context, uint64_t start, uint64_t end)
{
	struct capture_cow_row *row = context;

	while (start < end && !look.failed) {
		uint64_t wanted = min_u64(ENTRIES, (end - start) / PAGE_BYTES);
		long got = sys_pread(look.fd, entries, wanted * sizeof(entries[0]), start / PAGE_BYTES * sizeof(entries[0]));

		look.failed = got != (long)(wanted * sizeof(entries[0]));
		for (uint64_t i = 0; i < wanted && !look.failed; i++) {
			struct tally kept = { 0 };

			count_kept(&kept, start + i * PAGE_BYTES, start + (i + 1) * PAGE_BYTES);
			row->inherited_pages++;
			if (!kept.pages || !pages_entry_is_anonymous(entries[i]))
				row->gone_pages++;
			else if (pages_entry_is_shared(entries[i]))
				row->shared_pages++;
			else
				row->unshared_pages++;
		}
		start += wanted * PAGE_BYTES;
	}
}

static void look_at_part(void *unused, uint64_t start, uint64_t end, enum capture_row row, enum ledger_backing backing)
{
	struct page_runs runs = born_with();

	(void)unused;
	(void)backing;
	page_runs_within(&runs, start, end, look_at, row_at(row));
	add_written(row_at(row), start, end);
}

/* With the lock held. */
static void look_again(void)
{
	if (look_begins())
		look_ends(!ledger_claims(capture, 0, look_at_part, NULL));
}

/* By the ledger. Of anonymous memory smaps has counted what is shared: of what was inherited, that is all of it, unless this process has forked. */

static void count_pages(void *context, uint64_t start, uint64_t end)
{
	*(uint64_t *)context += (end - start) / PAGE_BYTES;
}

/*
 * Pages of a part that were inherited and are still there. What libc has unmapped and mapped again at the same place, unseen, is in a
 * mapping that nobody watches.
 */
static uint64_t count_there(uint64_t start, uint64_t end)
{
	struct page_runs runs = born_with();
	struct tally tally = { 0 };

	while (start < end && !look.failed) {
		long found = windows[current].open ?
			pages_scan_watched(look.fd, &start, end, PAGES_ALL, false, regions, REGIONS) :
			pages_scan_anonymous(look.fd, &start, end, false, regions, REGIONS);

		look.failed = found < 0;
		for (long i = 0; i < found; i++)
			if (regions[i].categories & PAGES_RESIDENT)
				page_runs_within(&runs, regions[i].start, regions[i].end, count_kept, &tally);
	}
	return tally.pages;
}

static void ledger_begins(void)
{
	memset(&look.seen, 0, sizeof(look.seen));
	look.seen.heap_split = capture->cow.method != COW_SMAPS;
}

/*
 * The heap, page by page: in the bits of HEAP_OF the row that most of its bytes are in, and what the runs and the scans tell of it.
 */
enum { HEAP_OF = 3, HEAP_LIVE = 1, HEAP_SLACK = 2, HEAP_THERE = 4, HEAP_SHARED = 8, HEAP_WRITTEN = 16, HEAP_WATCHED = 32 };

static void heap_begins(uint64_t start, uint64_t end)
{
	uint64_t pages = (end - start) / PAGE_BYTES;

	look.heap_start = start;
	look.heap_end = pages <= look.heap_room ? end : start;
	if (pages > look.heap_room) /* it has grown meanwhile */
		look.seen.heap_split = 0;
	else
		memset(look.heap, 0, pages);
}

static void mark_heap(uint64_t start, uint64_t end, uint8_t bits)
{
	for (uint64_t page = max_u64(start, look.heap_start); page < min_u64(end, look.heap_end); page += PAGE_BYTES)
		look.heap[(page - look.heap_start) / PAGE_BYTES] |= bits;
}

static void heap_run(uint64_t start, uint64_t end, uint32_t flags)
{
	if (flags & PAGES_RESIDENT)
		mark_heap(start, end, HEAP_THERE | (flags & PAGES_SHARED ? HEAP_SHARED : 0));
}

static void heap_pages(uint64_t page, uint64_t pages, uint64_t requested, uint64_t slack)
{
	uint64_t unused = PAGE_BYTES - requested - slack;

	if (requested >= slack && requested >= unused)
		mark_heap(page, page + pages * PAGE_BYTES, HEAP_LIVE);
	else if (slack >= unused)
		mark_heap(page, page + pages * PAGE_BYTES, HEAP_SLACK);
}

static void mark_each(void *context, uint64_t start, uint64_t end)
{
	mark_heap(start, end, *(uint8_t *)context);
}

static void mark_heap_watched(void)
{
	struct page_runs runs = born_with();
	uint64_t start = look.heap_start;

	while (start < look.heap_end && windows[current].open && !look.failed) {
		long found = pages_scan_watched(look.fd, &start, look.heap_end, PAGES_ALL, false, regions, REGIONS);

		look.failed = found < 0;
		for (long i = 0; i < found; i++) {
			uint8_t bits = HEAP_WATCHED | (regions[i].categories & PAGES_WRITTEN ? HEAP_WRITTEN : 0);

			page_runs_within(&runs, regions[i].start, regions[i].end, mark_each, &bits);
		}
	}
}

static void sort_heap(void *unused, uint64_t start, uint64_t end)
{
	static const enum capture_row rows[] = { ROW_HEAP_FREE, ROW_HEAP_LIVE, ROW_HEAP_SLACK, ROW_HEAP_LIVE };
	const uint8_t there = HEAP_THERE | (windows[current].open ? HEAP_WATCHED : 0);

	(void)unused;
	for (uint64_t page = start; page < end; page += PAGE_BYTES) {
		uint8_t bits = look.heap[(page - look.heap_start) / PAGE_BYTES];
		struct capture_cow_row *row = &look.seen.rows[rows[bits & HEAP_OF]];
		struct tally kept = { 0 };

		count_kept(&kept, page, page + PAGE_BYTES);
		row->inherited_pages++;
		if (!kept.pages || (bits & there) != there)
			row->gone_pages++;
		else if (bits & HEAP_SHARED)
			row->shared_pages++;
		else
			row->unshared_pages++;
		if (kept.pages && bits & HEAP_WRITTEN && row->written_pages != CAPTURE_UNKNOWN)
			row->written_pages++;
	}
}

/* All that was inherited is a number; what is shared now was inherited, if this process has not forked. */
static void part_of_total(uint64_t start, uint64_t end, enum capture_row number, const struct capture_amounts *amounts)
{
	struct capture_cow_row *row = row_at(number);

	(void)start;
	(void)end;
	if (!amounts || forks || number == ROW_KERNEL)
		return;
	if (amounts->shared_bytes == CAPTURE_UNKNOWN) {
		look.failed = true;
		return;
	}
	row->inherited_pages += amounts->shared_bytes / PAGE_BYTES;
	row->shared_pages += amounts->shared_bytes / PAGE_BYTES;
}

static void part_of_ledger(uint64_t start, uint64_t end, enum capture_row number, const struct capture_amounts *amounts)
{
	struct page_runs runs = born_with();
	struct capture_cow_row *row = row_at(number);
	uint64_t inherited = 0, there;

	if (capture->cow.method == COW_SMAPS) {
		part_of_total(start, end, number, amounts);
		return;
	}
	page_runs_within(&runs, start, end, count_pages, &inherited);
	if (!inherited)
		return;
	if (number == ROW_HEAP_FREE && start == look.heap_start && end == look.heap_end) {
		mark_heap_watched();
		page_runs_within(&runs, start, end, sort_heap, NULL);
		for (int i = ROW_HEAP_LIVE; i <= ROW_HEAP_FREE && !look.watched; i++)
			look.seen.rows[i].written_pages = CAPTURE_UNKNOWN;
		return;
	}
	if (!amounts || amounts->shared_bytes == CAPTURE_UNKNOWN || forks || tier == TIER_PAGEMAP) {
		page_runs_within(&runs, start, end, look_at, row);
	} else {
		there = count_there(start, end);
		row->inherited_pages += inherited;
		row->gone_pages += inherited - there;
		row->shared_pages += min_u64(there, amounts->shared_bytes / PAGE_BYTES);
		row->unshared_pages += there - min_u64(there, amounts->shared_bytes / PAGE_BYTES);
	}
	add_written(row, start, end);
}

static struct ledger_observer observer = {
	.begin = ledger_begins, .part = part_of_ledger, .heap_begin = heap_begins, .heap_run = heap_run, .heap_pages = heap_pages,
};

static void note_written_now(void)
{
	uint64_t pages = written_before;
	int pagemap = proc_open(0, "pagemap");

	if (pagemap < 0 || gaps || (windows[current].open && (!write_protect_stands(pagemap) || !count_written(pagemap, 0, USER_END, &pages))))
		pages = CAPTURE_UNKNOWN;
	__atomic_store_n(&capture->cow.written_pages, pages, __ATOMIC_RELAXED);
	if (pagemap >= 0)
		sys_close(pagemap);
}

void cow_tick(uint64_t now)
{
	uint64_t due = __atomic_load_n(&birth.due_ns, __ATOMIC_RELAXED), spent;

	if (likely(!birth.known) || now < due || !__atomic_compare_exchange_n(&birth.due_ns, &due, UINT64_MAX, false,
									      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return;
	if (try_lock()) {
		look_again();
		note_written_now();
		unlock();
	}
	spent = sys_now_ns(CLOCK_MONOTONIC) - now;
	__atomic_store_n(&birth.due_ns, now + spent + max_u64(LOOK_NS, spent * LOOK_SHARE), __ATOMIC_RELAXED);
}

/* Room for a byte for each page that is mapped, before the ledger that will account for it. */
static void make_heap_room(void)
{
	uint64_t mapped = 0, resident;

	look.heap_room = 0;
	if (!snapshot_read_statm(&mapped, &resident))
		return;
	look.heap = sys_reserve(page_up(mapped / PAGE_BYTES));
	if (!look.heap)
		return;
	look.heap_room = mapped / PAGE_BYTES;
	ranges_claim_instrument((uint64_t)look.heap, (uint64_t)look.heap + page_up(look.heap_room));
}

static void free_heap_room(void)
{
	if (!look.heap_room)
		return;
	ranges_drop((uint64_t)look.heap, (uint64_t)look.heap + page_up(look.heap_room));
	sys_unmap(look.heap, page_up(look.heap_room));
}

/* All that was written is in the rows. */
static void note_written_rows(void)
{
	uint64_t pages = 0;

	for (size_t row = 0; row < CAPTURE_ROWS; row++)
		pages += look.seen.rows[row].written_pages;
	__atomic_store_n(&capture->cow.written_pages, pages, __ATOMIC_RELAXED);
}

bool cow_ending(bool executes_at_once)
{
	if (family && birth.known) {
		bool brief = sys_now_ns(CLOCK_MONOTONIC) - capture->start_ns < BRIEF_NS;

		__atomic_store_n(&family->brief, brief ? family->brief + 1 : 0, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&children, __ATOMIC_RELAXED)) { /* that live on, or were never waited for */
		capture->cow.faults_beside_children += minor_faults() - alone_until;
		alone_until = minor_faults();
	}
	if (capture->cow.method == COW_UNKNOWN)
		return false;
	signals_block(); /* until cow_ended: a handler may unmap, and wait for this thread */
	lock();
	if ((birth.known || capture->cow.method == COW_SMAPS) && !executes_at_once && look_begins()) {
		make_heap_room();
		observer.tid = sys_gettid();
		ledger_observer = &observer;
		return true;
	}
	if (capture->cow.method == COW_WRITE_PROTECT)
		note_written_now();
	unlock();
	signals_restore();
	return false;
}

void cow_ended(bool taken)
{
	ledger_observer = NULL;
	free_heap_room();
	look_ends(taken);
	if (taken && look.watched && !look.failed)
		note_written_rows();
	else if (capture->cow.method == COW_WRITE_PROTECT)
		note_written_now();
	unlock();
	signals_restore();
}
