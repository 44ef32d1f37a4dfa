/* SPDX-License-Identifier: MIT */
/*
 * The last page faults of every processor, served or not: an access that the kernel refuses is a page fault that
 * nothing else counts. Written by the kernel into a small ring for each processor that overwrites its oldest, so that
 * nobody has to drain it and nothing is lost but the oldest; read when a process has ended.
 */
#ifndef PAGEGAP_LAST_FAULTS_H
#define PAGEGAP_LAST_FAULTS_H

#include "fault_rings.h"

struct last_faults;

/* last_faults_open - for a program that is about to be started, as fault_rings_open. NULL: the kernel refuses. */
struct last_faults *last_faults_open(void);
void last_faults_close(struct last_faults *last);

/* Not for a while; for everything that runs, and what it will start. */
void last_faults_pause(struct last_faults *last, bool pause);

/* Descriptors that become readable when some hundred have been written. @polls: NULL only counts them. */
size_t last_faults_polls(const struct last_faults *last, struct pollfd *polls);

/* Samples so far. */
uint64_t last_faults_taken(const struct last_faults *last);

/* Reads what is there now. */
void last_faults_read(struct last_faults *last);

/*
 * last_faults_of - the newest samples of a process, of what was read last
 * @until_ns: not those after it
 * @complete_since_ns: set to the moment since which none has been overwritten
 *
 * Returns how many of @room there are, the newest first. Half of the room is for the newest of all; the rest is for
 * the newest of each thread that is not among these.
 */
size_t last_faults_of(const struct last_faults *last, pid_t pid, uint64_t until_ns, struct fault_event *newest,
		      size_t room, uint64_t *complete_since_ns);

#endif
