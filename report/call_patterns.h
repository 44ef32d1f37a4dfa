/* SPDX-License-Identifier: MIT */
/* Habits that cost a program system calls, found in the figures alone: each a rule with a bound above which it is worth a note. */
#ifndef PAGEGAP_CALL_PATTERNS_H
#define PAGEGAP_CALL_PATTERNS_H

#include "calls.h"
#include "page.h"

#define CALL_PATTERNS 16

struct call_pattern {
	const char *name;               /* of the rule */
	char text[240];
	uint64_t weight;                /* calls that it is about: the more, the earlier it is said */
};

/* Those that the figures show, the heaviest first. Returns how many. */
size_t call_patterns(const struct call_figures *figures, size_t count, struct call_pattern patterns[CALL_PATTERNS]);

/* Prints at most so many. */
void text_call_patterns(struct page *page, const struct call_figures *figures, size_t count, size_t most);

#endif
