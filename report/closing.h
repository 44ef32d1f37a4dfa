/* SPDX-License-Identifier: MIT */
/*
 * What the dead could not record. A program that was killed has no last word, one that could not load the library has
 * none at all: the runner, which waits for it, writes into the recording what the kernel says.
 */
#ifndef PAGEGAP_CLOSING_H
#define PAGEGAP_CLOSING_H

#include "launch.h"
#include "recording.h"

/* How the program ended, by the kernel. */
struct departure {
	int    status;                  /* as of waitpid(2) */
	uint64_t end_ns;
	struct usage usage;             /* of the process alone; a field may be CAPTURE_UNKNOWN */
	uint64_t max_rss_bytes;         /* CAPTURE_UNKNOWN: not known apart from its children's */
	struct capture_oom oom;         /* set before: it is asked for while the process is a zombie */
};

/* Reads it and waits for the process, which must have ended. */
void departure_of(pid_t pid, struct departure *departure);

/*
 * closing_write - complete the recording of a program that has ended
 *
 * Its newest capture gets what was not recorded; a program that left none gets one. Says one line on standard error
 * when the program could not be observed.
 */
void closing_write(const struct launch *launch, const struct departure *departure);

#endif
