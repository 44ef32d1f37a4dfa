/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write: what a forked child inherited, and what of it is still shared when it ends. Nothing in the program is touched for
 * that: right after the fork the child notes which anonymous pages it has (PAGEMAP_SCAN, Linux 6.7), at its end, and now and then before it, it looks which of them
 * nobody else maps any more (bit 56 of /proc/PID/pagemap; Documentation/admin-guide/mm/pagemap.rst). Each page whose sharing ended
 * while both lived was copied once, by one of the two: whose write it was does not show.
 */
#ifndef PAGEGAP_COW_H
#define PAGEGAP_COW_H

#include <stdint.h>

/* In the only thread of a forked child, as early as can be. */
void cow_forked(void);

/* Now and then while it lives, since it may be killed: brings what is recorded up to date. Any thread, with signals blocked. */
void cow_tick(uint64_t now);

/* At the end of a forked child's image, before its memory goes. */
void cow_ending(void);

#endif
