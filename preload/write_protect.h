/* SPDX-License-Identifier: MIT */
/*
 * Which pages a process writes, told by the kernel: mappings are registered with a userfaultfd in its asynchronous
 * write-protect mode (Linux 6.7: Documentation/admin-guide/mm/userfaultfd.rst, UFFD_FEATURE_WP_ASYNC), in which
 * nobody is asked and nothing waits. A write to a protected page clears a bit, system calls' writes as well, and the
 * ioctl PAGEMAP_SCAN reads the bits. After a fork the pages are write-protected anyway, so that it costs no fault.
 * The registration lives as long as its descriptor, which kept.h keeps; whether it still does is asked before each
 * reading. A mapping can have one userfaultfd only: when the program asks for one itself, all of ours are taken back
 * for good.
 */
#ifndef PAGEGAP_WRITE_PROTECT_H
#define PAGEGAP_WRITE_PROTECT_H

#include <stdbool.h>
#include <stdint.h>

/* Where all of these run: in the only thread of a forked child, or under cow.c's lock. */

/* Makes ready to watch; at once true when it is. False: this kernel, a filter or a limit does not allow it. */
bool write_protect_begin(void);

/* Registers a mapping. False: it cannot be. */
bool write_protect_add(uint64_t start, uint64_t end);

/* To be asked with each scan that protects: what it protected is watched as long as this says so. */
bool write_protect_stands(int pagemap);

/* In a forked child: what it inherited is its parent's. */
void write_protect_forked(void);

/* Takes all back; what is watched next begins anew. */
void write_protect_end(void);

/* The program is about to use userfaultfd itself. Any thread. */
void write_protect_step_back(void);

#endif
