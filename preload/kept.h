/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the last ledger will need, for a program that is about to lock itself in: a new root directory without /proc, a
 * limit on descriptors, a system call filter. They are opened just before, close-on-exec and with high numbers; whether a number
 * still is what was opened is checked each time, since the program may close and reuse it.
 */
#ifndef PAGEGAP_KEPT_H
#define PAGEGAP_KEPT_H

#include <stdbool.h>

/* Keeps a userfaultfd, which watches as long as it is open. False: there is no place for it, and it is closed. */
bool kept_watch(int fd);
int kept_watching(void);                        /* its number now; -1: none, or the program has closed it after all */
void kept_watch_ends(void);

/* Opens what is not open yet. */
void kept_open(void);

/* In a forked child: closes them, for they tell of the parent. */
void kept_forked(void);

/*
 * kept_file - open a file of the calling process through what was kept
 * @name: as in /proc/self, e.g. "smaps"
 *
 * Returns a descriptor, or a negated errno. Close it with sys_close, which leaves a kept one open.
 */
int kept_file(const char *name);

bool kept_owns(int fd);

/* For the wrappers of close and its relatives: to the program, what is kept is not there. All make a system call only when asked of one. */
bool kept_hides(int fd);
int kept_first(unsigned first, unsigned last);  /* the lowest that lies between; -1: none does */
void kept_make_way(int fd);                     /* the program wants this number */

#endif
