/* SPDX-License-Identifier: MIT */
/* The verbs of the command, and how they read their options: argp's tables and help, our own one-line complaints. */
#ifndef PAGEGAP_VERB_H
#define PAGEGAP_VERB_H

#include <argp.h>
#include <stdio.h>

#include "complain.h"
#include "report.h"

struct verb {
	const char *name;
	const char *summary;
	int (*main)(int argc, char **argv);     /* argv[0] is the verb; returns an exit status */
};

int verb_run(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_snapshot(int argc, char **argv);
int verb_compare(int argc, char **argv);
int verb_log(int argc, char **argv);

/*
 * verb_options - read the options of a verb
 * @argp: its table, without --help
 *
 * Returns -1 to go on; an exit status after --help, or after a complaint. Options end at the first argument that is
 * none.
 */
int verb_options(const struct argp *argp, int argc, char **argv, void *input);

/* The options that every report has; struct report_options is the input of the child parser. */
extern const struct argp report_argp;

/* Those of the page of system calls; the same input. --syscalls itself is the verb's own. */
extern const struct argp calls_argp;

/* A complaint from a parser: it ends verb_options with STATUS_FAILED. */
error_t verb_usage(struct argp_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Opens what is written to: a new file that only its owner reads, or a device or pipe. NULL after a complaint. */
FILE *report_create(const char *path);

/* Flushes and closes; false after a complaint about what could not be written. */
bool report_finish(FILE *to, const char *name);

/*
 * Descriptors 0, 1, 2 that are closed are filled with ones that fail when used, so that no other file can take their
 * place.
 */
void standard_descriptors(void);

#endif
