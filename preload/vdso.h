/* SPDX-License-Identifier: MIT */
/* Functions that the vDSO answers: vdso.c. */
#ifndef PAGEGAP_VDSO_H
#define PAGEGAP_VDSO_H

#include "sys.h"

/* Once per image: whether they are to be counted, and libc's clock for the instrument. */
void vdso_begin(void) COLD;
void vdso_forked(void) COLD;

#endif
