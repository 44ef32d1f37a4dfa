/* SPDX-License-Identifier: MIT */
/* Births and deaths of other processes, as this one sees them. */
#ifndef PAGEGAP_PROCESS_H
#define PAGEGAP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture.h"

/* Has forks announced that libc makes, whoever asks for them: fork, daemon, forkpty (pthread_atfork(3)). */
void process_register(void);

/* In a forked child that is found to be one. False: it is not ready to have a capture of its own, and will be soon. */
bool process_child_begins(void);

void process_born(pid_t child, enum capture_born how);
void process_waited(pid_t child, int status);

#endif
