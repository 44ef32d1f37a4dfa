/* SPDX-License-Identifier: MIT */
/*
 * Finding the function behind a wrapper when it is called for the first time. dlsym may lock and allocate, and a first call may come
 * from a signal handler; there are hundreds of wrappers, and a program uses few of them.
 */
#ifndef PAGEGAP_LOOKUP_H
#define PAGEGAP_LOOKUP_H

/*
 * lookup - the definition of a function that comes after this library in the order in which objects were loaded
 * @name: of the function
 *
 * The default version of it, else one that is only there for programs linked long ago. Returns NULL when there is none. No lock, no
 * system call; async-signal-safe. Objects at the end of the list may be unloaded meanwhile; libc is before them, and never goes.
 */
void *lookup(const char *name);

/* The same at the first call of a wrapper, kept in @place; NULL with errno where libc has none, so that nobody should have called it. */
void *lookup_once(void **place, const char *name) __attribute__((cold, noinline, visibility("hidden")));

#endif
