/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write: what a fork shared, what of it either side wrote, and what was still shared in the end. Nothing in
 * the program is touched for that. Where the kernel has it, both sides are watched from the fork on
 * (write_protect.h), and it is exact which pages they wrote. What is still shared shows in bit 56 of
 * /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst), at the child's end and now and then before. In which
 * order the two sides wrote, the runner knows.
 */
#ifndef PAGEGAP_COW_H
#define PAGEGAP_COW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Around a fork, on its thread: before it; then in the parent, or in the only thread of the child, as early as can be.
 */
void cow_prepare_fork(void);
void cow_fork_done(void);
void cow_forked(void);

/* In the parent, as it learns of them. Any thread. */
void cow_child_born(void);
void cow_child_gone(void);

/*
 * Memory that forks will not share, or will share again: MADV_DONTFORK, MADV_WIPEONFORK and their opposites. And memory
 * that was unmapped: what is mapped there next is shared again. Any thread.
 */
void cow_advised(uint64_t start, uint64_t end, int advice);
void cow_unmapped(uint64_t start, uint64_t end);

/* Memory is about to be unmapped, moved away or given back. Any thread. */
void cow_left(uint64_t start, uint64_t end);
void cow_moved(uint64_t start, uint64_t end);
void cow_given_back(uint64_t start, uint64_t end); /* what is mapped there stays that */
void cow_heap_left(uint64_t start, uint64_t end);  /* libc is about to unmap what it mapped for a block */

/* What libc mapped for a block may be unmapped; and afterwards, if it was, one of these. Any thread. */
void cow_heap_may_leave(uint64_t start, uint64_t end);
void cow_heap_has_left(uint64_t start, uint64_t end);
void cow_heap_has_moved(uint64_t start, uint64_t end);

void cow_trimmed(void);                         /* libc gave back what only it knows: touched again, it looks written */
bool cow_watches(void);                         /* some of what cow_left could be told may matter */

/*
 * Now and then while a child lives, since it may be killed: brings what is recorded up to date. Any thread, with
 * signals blocked.
 */
void cow_tick(uint64_t now);

/*
 * cow_ending - at the end of an image, before its memory goes
 *
 * Returns true when a ledger is to be taken now, which will be listened to; and cow_ended is to be told whether it was.
 */
bool cow_ending(bool executes_at_once);          /* with signals blocked when it returns true, until cow_ended */
void cow_ended(bool taken);

#endif
