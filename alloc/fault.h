/* SPDX-License-Identifier: MIT */
/* What happens when the program misuses a block: one line on standard error, then abort(3). */
#ifndef PAGEPOOL_FAULT_H
#define PAGEPOOL_FAULT_H

/* @what is said of the pointer, and @call is what it was given to: "free", "realloc", … */
__attribute__((noreturn)) void fault(const char *call, const void *pointer, const char *what);

#endif
