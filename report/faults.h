/* SPDX-License-Identifier: MIT */
/*
 * The page faults of everything that the runner started, by process image and by the row of the ledger whose memory it
 * was. Samples are counted as they come; when an image ends, its counts go into its capture, so that what is kept here
 * grows with the processes that are alive and not with faults.
 */
#ifndef PAGEGAP_FAULTS_H
#define PAGEGAP_FAULTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "launch.h"

struct faults;

enum faults_mode { FAULTS_OFF, FAULTS_COUNT, FAULTS_SAMPLE, FAULTS_ALL };

/*
 * faults_open - before the program is started, by the thread that starts it
 *
 * Returns NULL when nothing is to be sampled or the kernel refuses, after a line that says so where it was asked for.
 */
struct faults *faults_open(enum faults_mode mode, bool asked);

/* When the program has been started. */
void faults_begin(struct faults *faults, const struct launch *launch);

/* Descriptors to poll; @polls: NULL only counts them. */
size_t faults_polls(const struct faults *faults, struct pollfd *polls);

/* Takes in what has come. Whenever a descriptor is readable, and now and then. */
void faults_drain(struct faults *faults);

/* The last samples; all counts into the captures; the end. After the first process has been waited for and closed. */
void faults_close(struct faults *faults);

#endif
