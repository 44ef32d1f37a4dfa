/* SPDX-License-Identifier: MIT */
/*
 * Which calls of a log are meant: one expression, the same for what is recorded and for what is shown.
 *
 *   openat,read        these calls             failed             those that failed
 *   %file              those of a service      slower=10ms        that took at least so long (ns, us, ms, s)
 *   %path %desc …      those that take one     path=/etc          with a path that begins so, or a descriptor of such a file
 *   !close             all but this
 *
 * Items have commas between them. What is said of calls is taken in order, and begins with all where the first of it has a ! or where
 * there is none; the conditions on the right must all hold.
 */
#ifndef PAGEGAP_LOG_FILTER_H
#define PAGEGAP_LOG_FILTER_H

#include "log_call.h"

/* Fills @wish. Returns NULL, or what is wrong, for one line, to be freed. */
char *log_filter_wish(const char *expression, struct log_wish *wish);

/* Everything. */
void log_filter_all(struct log_wish *wish);

/* Only numbers of calls that are wanted by the second one, too, and conditions that are no stricter there. */
bool log_filter_is_within(const struct log_wish *wish, const struct log_wish *other);

/*
 * A call that did not return has not failed, and has taken long. Signals are meant wherever no condition is; their numbers are not those
 * of calls.
 */
bool log_filter_matches(const struct log_wish *wish, const struct log_call *call);

/* A call that does not come back (exit, rt_sigreturn): without a result it is whole. */
bool log_never_returns(unsigned number);

#endif
