/* SPDX-License-Identifier: MIT */
/*
 * What the parts of copy-on-write share. cow.c follows the forks; cow_windows.c watches, from each fork on, what is
 * written of that which it shared; cow_birth.c notes what a child inherited; cow_left.c hears of memory that goes, and
 * cow_pending.c puts off what there is too much of;
 * cow_looks.c tells what has become of what was inherited, cow_heap.c of that of it which is heap, and cow_course.c
 * keeps what the looks found.
 */
#ifndef PAGEGAP_COW_INTERNAL_H
#define PAGEGAP_COW_INTERNAL_H

#include "capture.h"
#include "cow.h"
#include "page_runs.h"
#include "pages.h"
#include "run_flags.h"
#include "smaps.h"

#define COW_MAPPINGS 1000               /* a process that has more is not watched, and most of it is scanned as one */
#define COW_REGIONS  64                 /* the child may stand on the smallest of stacks: this and the like is static */
#define COW_ENTRIES  512                /* of pagemap, read at a time */
#define USER_END     0x7ffffffff000UL   /* of the address space, with four levels of page tables */

/* cow.c. Everything here is under one lock, or in the only thread of a forked child. */

/* What the kernel has, or the option --cow= asks for, from the best on. */
enum cow_tier { TIER_UNKNOWN, TIER_WRITE_PROTECT, TIER_SCAN, TIER_PAGEMAP, TIER_SMAPS, TIER_NONE };
extern enum cow_tier cow_tier HIDDEN;

extern uint64_t cow_own_forks HIDDEN;          /* of this process */
bool cow_has_children(void);                   /* that are not known to have ended */

struct cow_scratch {
	struct page_region regions[COW_REGIONS];
	uint64_t entries[COW_ENTRIES];
	struct smaps smaps;
	struct mapping mapping;
};
extern struct cow_scratch cow_scratch HIDDEN;

bool cow_has_children(void);                    /* that it forked, and that live as far as it knows */

void cow_lock(void);
bool cow_try_lock(void);
void cow_unlock(void);

uint64_t cow_minor_faults(void);                /* of this process; 0: not known */

/* Is the mapping one whose pages two processes can share until one of them writes? */
bool cow_is_shareable(const struct mapping *mapping);

/* Does a fork hand it on? */
bool cow_is_forked(const struct mapping *mapping);

/* A list of runs, and its second array when it needs one. False: there are too many. */
bool cow_add_run(struct page_runs runs, uint64_t **more, uint64_t start, uint64_t end);

/* cow_birth.c */

struct cow_birth {
	uint64_t first[FIRST_RUNS], *more;
	uint64_t used;
	struct run_flags flags;         /* written since, by this process; left since */
	bool     known;                 /* this image began with a fork, and what it inherited is here */
	bool     watched;               /* all of it was protected at once */
	bool     unseen;                /* some of it may have been written unseen since */
	struct capture_cow_row unmapped[CAPTURE_ROWS]; /* pages flagged RUN_SETTLED */
};
extern struct cow_birth cow_birth HIDDEN;

static inline struct page_runs cow_birth_runs(void)
{
	return (struct page_runs){ cow_birth.first, cow_birth.more, &cow_birth.used };
}

static inline bool cow_birth_is_watched(void)
{
	return cow_birth.known && cow_birth.watched && !cow_birth.unseen;
}

/* Adds pages that were inherited. False: there are too many runs. */
bool cow_birth_add(uint64_t start, uint64_t end);

/* Forgets all that was added. */
void cow_birth_clear(void);

/* Some of [start, end) was inherited, and has not left yet; it does now. */
bool cow_birth_holds(uint64_t start, uint64_t end);
void cow_birth_leave(uint64_t start, uint64_t end);

/* Of [start, end), which has left, what was inherited is counted in a row for good. CAPTURE_ROWS: in none. */
void cow_birth_settle(uint64_t start, uint64_t end, int row);

/*
 * Notes what is there now, without watching: the best that the tier allows and the kernel can do. COW_UNKNOWN: nothing.
 */
enum capture_cow_method cow_birth_note(int pagemap);

/* The process is so large that reading its maps costs less than looking at its pages. */
bool cow_is_large(void);

/* cow_windows.c */

struct cow_window {
	uint64_t first[FIRST_RUNS], *more;
	uint64_t used;
	bool     open;                  /* watched since it began … */
	bool     closed;                /* … and no longer, since the last child has ended; what leaves is still told */
	bool     huge;                  /* some of it in huge pages */
	struct run_flags flags;         /* left since it began */
};

struct cow_windows {
	struct cow_window window[2];    /* the one that is, and the one that was or will be */
	uint32_t current;               /* index of the former */
	uint64_t written_before;        /* in windows that have ended, and of what has been left in this one */
	bool     gaps;                  /* that lacks something: a fork was not watched, or a write may be unseen */
};
extern struct cow_windows cow_windows HIDDEN;

static inline struct cow_window *cow_window(void)
{
	return &cow_windows.window[cow_windows.current];
}

static inline struct page_runs cow_window_runs(struct cow_window *window)
{
	return (struct page_runs){ window->first, window->more, &window->used };
}

/*
 * Ends the window that is, and begins the next. @in_child: with the list of what was inherited. @until_ns: not to
 * take longer. False: it cannot be watched; then what is protected of it does no harm.
 */
bool cow_window_begin(int pagemap, bool in_child, uint64_t until_ns);

/*
 * Adds the pages of [start, end) that were written in the window that is, and flags those of them that were inherited.
 * Where the kernel does not tell, or does not watch any more, that is known from now on.
 */
void cow_window_note_written(int pagemap, uint64_t start, uint64_t end, uint64_t *pages);

/* Some of [start, end) was shared when the window that is began, and has not left yet; it does now. */
bool cow_window_holds(uint64_t start, uint64_t end);
void cow_window_leave(uint64_t start, uint64_t end);

/* In a forked child: none has been there. */
void cow_windows_forked(void);

/* Has the kernel merged pages of this process with equal ones? Then what was written is not known. */
void cow_windows_expect_merging(void);

/* capture->cow.written_pages as of now. */
void cow_note_written(void);

/* cow_left.c */

/* Under the lock: [start, end) has been given back, and nobody has asked what of it had been written. */
void cow_leave_unasked(uint64_t start, uint64_t end);

/* cow_pending.c */

/* May the kernel be asked what was written of memory that is given back? When asking began, or 0: it has taken enough. */
uint64_t cow_asking_begins(void);
void cow_asking_ends(uint64_t began_ns);

/* Under the lock: memory that is about to be given back without asking. Asks about all memory instead, now and then. */
void cow_note_unasked(uint64_t start, uint64_t end);

/*
 * cow_put_off - the same, but cow_leave_unasked is called for it when the lock is taken next
 *
 * Takes no lock, and makes no system call. False, and nothing done: there is no room, or nothing has been noted so far.
 */
bool cow_put_off(uint64_t start, uint64_t end);
void cow_take_pending(void);                    /* under the lock */
void cow_end_unasked(void);                     /* at the end of the image */
void cow_pending_forked(void);

/* cow_looks.c */

/* The look that is under way. */
struct cow_look {
	int  pagemap;
	bool failed;
	bool registered;                /* what was inherited lies in mappings that are watched, or is gone */
	struct capture_cow seen;
};
extern struct cow_look cow_look HIDDEN;

enum cow_fate { COW_GONE, COW_SHARED, COW_ALONE };

/* Counts pages of which all but what was written is known. @flags: of run_flags.h */
void cow_look_count(struct capture_cow_row *row, uint64_t pages, unsigned flags, enum cow_fate fate);
void cow_look_add(struct capture_cow_row *sum, const struct capture_cow_row *pages);

/* cow_course.c: a look that is whole, as one of many; and where in memory it was */

void cow_regions_begin(void);
void cow_regions_add(uint64_t start, uint64_t end, enum capture_row row, const struct capture_cow_row *pages);

/* The same, for good: it is being unmapped. */
void cow_regions_leave(uint64_t start, uint64_t end, enum capture_row row, const struct capture_cow_row *pages);
void cow_regions_forked(void);

/* Writes both down. @last: however soon after the last sample. */
void cow_course_note(uint64_t now, const struct capture_cow_row *sum, bool last);

/* In a forked child: when the first look at it is due. */
void cow_looks_forked(void);

/*
 * Around the ledger of an image's end. False: there is nothing to look at; or not all that was written is in
 * capture->cow now.
 */
bool cow_last_look_begins(void);
bool cow_last_look_ends(bool taken);

/* cow_heap.c: what a ledger says of the heap, page by page */

/* Room for a byte for each page that is mapped, before the ledger that will account for it. */
void cow_heap_open(void);
void cow_heap_close(void);

/* As the ledger tells it: struct ledger_observer. */
void cow_heap_begin(uint64_t start, uint64_t end);
void cow_heap_run(uint64_t start, uint64_t end, uint32_t flags);
void cow_heap_pages(uint64_t page, uint64_t pages, uint64_t requested, uint64_t slack);

/* Is this the segment at hand, and was there room for it? If so, its pages can be counted in their rows. */
bool cow_heap_is_at(uint64_t start, uint64_t end);
void cow_heap_sort(struct capture_cow_row *whole);

#endif
