/* SPDX-License-Identifier: MIT */
/* What /proc says of threads and processes that have just begun. */
#ifndef PAGEGAP_TRACE_BIRTHS_H
#define PAGEGAP_TRACE_BIRTHS_H

#include <sys/types.h>

#include "trace_image.h"

/* The process that a thread belongs to; 0: it is not known. */
pid_t trace_birth_process(pid_t tid);

/* Notes in an image what its process has executed. */
void trace_birth_follow(struct trace_image *image, pid_t pid);

#endif
