/* SPDX-License-Identifier: MIT */
/*
 * Starting the program: a directory for its recording, the instrument's variables in its environment, and everything
 * else exactly as the command itself was given it: signal mask and dispositions, descriptors, process group.
 */
#ifndef PAGEGAP_LAUNCH_H
#define PAGEGAP_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "log_make.h"
#include "trace.h"

struct launch {
	/* wanted */
	char  **arguments;              /* of the program, ended by NULL */
	const char *output;             /* directory of the recording; NULL: pagegap.NAME.PID here */
	const char *library;            /* path of libpagegap.so */
	char  *options;                 /* for PAGEGAP_OPTIONS, before what it says; NULL: none */
	const char *broker;             /* "name:token", empty: none */
	const struct log_header *log;   /* of the call log that is to be kept; NULL: none */
	struct trace trace;             /* how, where it is to be traced from outside */
	sigset_t mask;                  /* that the command was started with */
	struct sigaction child_action;  /* and its disposition of SIGCHLD */

	/* done */
	pid_t  pid;
	char  *directory;               /* absolute; NULL: there is none */
	uint64_t start_ns, start_realtime_ns;
	uint64_t minor_faults, major_faults; /* of its process before it was executed */
};

/*
 * Starts the program. Signals must be blocked. Returns -1 when it runs, or an exit status after a complaint when it
 * could not be executed; then nothing is left of it.
 */
int launch(struct launch *launch);

/*
 * A path of a library as LD_PRELOAD can have it; to be freed. ld.so(8) takes blanks and colons for separators: a path
 * with one is reached through a descriptor of this process.
 */
char *launch_preloadable(const char *library);

#endif
