/* SPDX-License-Identifier: MIT */
/* What a comparison comes to, in words. All are to be freed. */
#ifndef PAGEGAP_COMPARE_WORDS_H
#define PAGEGAP_COMPARE_WORDS_H

#include "comparison.h"

/* The program and its arguments, for one line, escaped. */
char *words_of_command(const struct comparison *comparison);

/* "17 % less time, no difference in peak resident memory" */
char *words_of_verdict(const struct comparison *comparison, const struct candidate *candidate);

/* How to have the best of them; NULL: there is none that is better. */
char *words_of_advice(const struct comparison *comparison);

/* What is unusual or must be known, ended by NULL. */
char **words_of_notes(const struct comparison *comparison);

/* "exit 1", "signal 11 (SIGSEGV)" */
char *words_of_end(int status);

#endif
