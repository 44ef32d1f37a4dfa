/* SPDX-License-Identifier: MIT */
/* All that a process has started and what that has started, as far as it lives. */
#ifndef PAGEGAP_DESCENDANTS_H
#define PAGEGAP_DESCENDANTS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * descendants_signal - send a signal to all descendants of a process
 * @number: 0 only counts them
 *
 * Returns how many there were; those that have ended and were not waited for do not count. Who forks meanwhile may be
 * missed: ask again until there are none. A descendant whose parent has ended is found if @ancestor is a subreaper:
 * prctl(2).
 */
size_t descendants_signal(pid_t ancestor, int number);

#endif
