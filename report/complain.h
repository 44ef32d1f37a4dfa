/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, in one line on standard error: what, where, what to do. And the exit statuses of the command itself.
 */
#ifndef PAGEGAP_COMPLAIN_H
#define PAGEGAP_COMPLAIN_H

enum {
	STATUS_GOOD = 0,
	STATUS_PARTIAL = 1,     /* report, snapshot: some of it could not be read; the rest was */
	STATUS_FAILED = 125,    /* the command itself failed; as env(1) */
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

/* Where complaints go: standard error; tests read them elsewhere, -1 is nowhere. */
extern int complain_fd;

/* Prints "pagegap: …\n", escaped, in one write. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
