/* SPDX-License-Identifier: MIT */
/* What an image and each of its threads did with their time: see times.c. */
#ifndef PAGEGAP_TIMES_H
#define PAGEGAP_TIMES_H

#include "instrument.h"

/* In the one thread of an image that begins, or of a forked child: from now on the process's figures are its own. */
void times_begin(void) COLD;

/* A thread has got its slot. @lost: it was another one's, which ended without a word */
void times_thread_begins(struct thread *thread, bool lost);

/* The calling thread leaves its slot. */
void times_thread_ends(struct thread *thread) COLD;

/* Brings the capture's times up to date; and of them only what getrusage tells. */
void times_read(void) COLD;
void times_read_usage(void) COLD;

/* Reads a small file of /proc into a buffer, NUL-terminated. False: it cannot be read. */
bool times_read_proc(const char *path, char *buffer, size_t room);

#endif
