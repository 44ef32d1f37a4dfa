/* SPDX-License-Identifier: MIT */
/* A directory for what is of no use afterwards, in $TMPDIR or /tmp. */
#ifndef PAGEGAP_SCRATCH_H
#define PAGEGAP_SCRATCH_H

/* A new one that only its owner can enter. NULL after a complaint. To be freed. */
char *scratch_make(void);

/* Removes a directory and the files in it, if it is there; directories in it must have been removed before. */
void scratch_clear(const char *directory);

#endif
