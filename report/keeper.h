/* SPDX-License-Identifier: MIT */
/* The process between the command and a run of the program: it starts it, listens to it, counts, and cleans up. */
#ifndef PAGEGAP_KEEPER_H
#define PAGEGAP_KEEPER_H

#include <sys/resource.h>
#include <sys/types.h>

#include "trial.h"

/* In memory that the command, the keeper and the program's process share; all zero at first. */
struct keeper_page {
	struct trial_result result;
	uint64_t start_ns;      /* when the program was executed */
	struct rusage before;   /* what its process had used by then */
};

/*
 * keeper_main - run a trial in the calling process
 * @command: the process that wants the result; with its end the program is ended
 *
 * All signals are blocked. SIGTERM asks to end the program, a second one to be quick about it. Returns when nothing of
 * the program is left.
 */
void keeper_main(const struct trial *trial, struct keeper_page *page, pid_t command);

#endif
