/* SPDX-License-Identifier: MIT */
/*
 * One run of a program to be compared with others: what it used, with all that it started, what it wrote, how it ended;
 * and afterwards nothing of it is left. It runs below a keeper, a process of its own that adopts what the program
 * orphans, so that the kernel's sums over the keeper's children are this run's alone.
 */
#ifndef PAGEGAP_TRIAL_H
#define PAGEGAP_TRIAL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIAL_KEPT_BYTES (64 << 20)     /* of one output, at most */
#define TRIAL_SAID       256            /* bytes of the beginning of standard error */

enum { TRIAL_OUT, TRIAL_ERR, TRIAL_OUTPUTS };

/* What a program wrote to one of its two outputs. */
struct trial_output {
	uint64_t bytes;
	uint64_t hash;                  /* FNV-1a, 64 bits */
};

struct trial {
	char **arguments;               /* of the program, ended by NULL */
	char **environment;
	const char *input;              /* file; NULL: /dev/null */
	const char *recording;          /* observe it: the directory of its recording; NULL: run it as it is */
	int    keep[TRIAL_OUTPUTS];     /* files that get its outputs; -1: nobody wants them */
	sigset_t mask;                  /* that the command was started with */
	struct sigaction child_action;  /* and its disposition of SIGCHLD */
};

struct trial_result {
	bool   done;                    /* it ran to its own end */
	int    error;                   /* errno: it could not be run */
	bool   not_executable;          /* because of the program itself */
	int    status;                  /* as of waitpid(2) */
	uint64_t wall_ns;               /* from its execution until it ended; of those it started it waits for none */
	/* Of the program and all that it started: getrusage(2), RUSAGE_CHILDREN. */
	uint64_t user_ns, system_ns;
	uint64_t minor_faults, major_faults;
	uint64_t max_rss_bytes;         /* of the largest process */
	struct trial_output outputs[TRIAL_OUTPUTS];
	char   said[TRIAL_SAID];        /* how standard error begins */
	size_t said_bytes;
	size_t left_behind;             /* processes that ran on after the program; they were ended */
	size_t immortal;                /* processes that could not be ended */
};

/*
 * trial_run - run it and wait for its end
 * @signals: signalfd(2), non-blocking, of the signals that end the comparison and SIGCHLD; all of them are blocked
 * @tick: called four times a second, to show that something goes on; NULL: nobody looks
 *
 * Returns 0, or the signal that came: then the program was ended and the result is not done. -1 after a complaint.
 */
int trial_run(const struct trial *trial, struct trial_result *result, int signals, void (*tick)(void));

#endif
