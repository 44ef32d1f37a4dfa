/* SPDX-License-Identifier: MIT */
/*
 * A program that has put itself under a seccomp filter may be killed for a system call that it would never make, so the instrument
 * makes none that the filter does not allow. It sees the filters go in, keeps copies, and asks them first, as the kernel would.
 */
#ifndef PAGEGAP_SANDBOX_H
#define PAGEGAP_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#define HIDDEN __attribute__((visibility("hidden"))) /* of a declaration: reached directly, not through the global offset table */

struct sock_fprog;

extern uint32_t sandbox_active HIDDEN; /* a filter is in force: every system call of the instrument asks sandbox_call */

/*
 * sandbox_prepare, sandbox_enter - around the call that installs a filter
 * @program: the filter, or NULL for strict mode
 *
 * To be called before it with what will be installed, and after it with whether it was.
 */
void sandbox_prepare(const struct sock_fprog *program);
void sandbox_enter(bool installed);

/* Makes the system call if all filters allow it; returns a negated errno, without making it, if one does not. */
long sandbox_call(long number, long a, long b, long c, long d, long e, long f);

#endif
