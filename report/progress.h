/* SPDX-License-Identifier: MIT */
/* A line on a terminal while something takes more than a second. One at a time. */
#ifndef PAGEGAP_PROGRESS_H
#define PAGEGAP_PROGRESS_H

#include <stddef.h>

void progress_begin(const char *what, size_t of);
void progress_at(size_t done);
void progress_end(void);        /* takes the line away again */

#endif
