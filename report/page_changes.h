/* SPDX-License-Identifier: MIT */
/*
 * When pages of one process became its own, or no longer its: a page can have several such times, and a range that was
 * let go has one for all of its pages.
 */
#ifndef PAGEGAP_PAGE_CHANGES_H
#define PAGEGAP_PAGE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_CHANGES_NEVER UINT64_MAX

struct page_change { uint64_t page, at_ns; };           /* address / 4096; 0: unused, for nothing is ever there */
struct pages_left { uint64_t first, end, at_ns; bool moved; }; /* pages; end is behind the last one */

struct page_changes {
	struct page_change *changes;                    /* a hash table, in which a page can be more than once */
	size_t used, room;                              /* the latter a power of two, or 0 */
	struct pages_left *lefts;
	size_t lefts_used, lefts_room;
};

/* The last change of a page until a time, 0: none; the first after a time, PAGE_CHANGES_NEVER: none. */
uint64_t page_changes_last(const struct page_changes *changes, uint64_t page, uint64_t until_ns);
uint64_t page_changes_first(const struct page_changes *changes, uint64_t page, uint64_t after_ns);

/*
 * When what happened at a time is over for certain: a sample is taken at the end of a fault that takes some
 * microseconds, and what is let go is noted before it goes.
 */
uint64_t page_changes_settled(const struct page_changes *changes, uint64_t page, uint64_t at_ns);

/* What happened at a time was that the page was moved to another address. */
bool page_changes_moved(const struct page_changes *changes, uint64_t page, uint64_t at_ns);

void page_changes_add(struct page_changes *changes, uint64_t page, uint64_t at_ns);
/* Moves a change that is there to a later time; false: there is none. */
bool page_changes_move(struct page_changes *changes, uint64_t page, uint64_t from_ns, uint64_t to_ns);
void page_changes_leave(struct page_changes *changes, uint64_t first, uint64_t end, uint64_t at_ns, bool moved);

/*
 * page_changes_merge - adds what another one has up to a time, before which this one has nothing: of each page one
 * change, for it does not matter any more which
 */
void page_changes_merge(struct page_changes *into, const struct page_changes *from, uint64_t until_ns);
/* Forgets all up to a time; PAGE_CHANGES_NEVER: all. */
void page_changes_forget(struct page_changes *changes, uint64_t until_ns);

#endif
