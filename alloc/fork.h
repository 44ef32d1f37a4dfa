/* SPDX-License-Identifier: MIT */
/*
 * Forks. All locks are held across one, so that the child's tables are whole, whatever other threads were doing; where there
 * is one thread alone none is needed, and none is waited for, as the fork may be in a handler that interrupted its holder.
 * From then on new blocks come from fresh slabs on both sides: filling a hole in a page that is still shared would
 * copy the page. That ends when no relative shares memory any more, or when so much was allocated anew that the
 * holes cost too much.
 */
#ifndef PAGEPOOL_FORK_H
#define PAGEPOOL_FORK_H

#include <stddef.h>
#include <stdint.h>

#include "lock.h"

/* Forks that were answered with fresh slabs, in this process and its ancestors. */
extern uint32_t fork_epoch;

/* Once, as early as can be: the handlers of pthread_atfork(3). */
void fork_register(void);

/* Maps the pages that tell of forks which call no handlers, and of relatives; for processes that are worth it. */
void fork_watch(void);

/*
 * At the start of a call that goes the long way: in a child that was born without the handlers, by a raw system call or
 * _Fork(3), puts things right, once; and does what could not be done when a handler of a signal forked.
 */
void fork_notice(void);

/* A fresh slab of so many pages is about to be made: counts towards the limit. */
void fork_slab_wanted(size_t pages);

/* While slabs are left alone: is it still worth it? No lock of the allocator is held. */
void fork_look_again(void);

#endif
