/* SPDX-License-Identifier: MIT */
/* Memory that was asked for and refused: how often, how much, and against which limits the first time. */
#ifndef PAGEGAP_EXHAUSTION_H
#define PAGEGAP_EXHAUSTION_H

#include "instrument.h"

/*
 * exhaustion_note - a request was refused for want of memory
 * @bytes: asked for; UINT64_MAX where that is more than a number can say
 *
 * The first time, the limits are read and a ledger is taken, but not for more than any process can have, nor for
 * explicit huge pages. The caller is in a wrapper, behind the call that failed, and holds no lock. Keeps errno.
 */
void exhaustion_note(enum capture_request request, uint64_t bytes) COLD;

/* The same if the call failed with ENOMEM, and not for another reason, which errno tells. */
void exhaustion_note_errno(enum capture_request request, uint64_t bytes) COLD;

#endif
