/* SPDX-License-Identifier: MIT */
/*
 * Whose each part of an address space was when it was last looked at: what the ledger's evidence said, without what the
 * kernel has reported as mapped anew since. A forked child begins with its parent's, so it is shared and counted.
 */
#ifndef PAGEGAP_FAULT_SPACE_H
#define PAGEGAP_FAULT_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/capture.h"

struct fault_space;

/* Looks at a running process. NULL: it cannot be read, or has ended. */
struct fault_space *fault_space_of(const struct capture *capture, pid_t pid);

/* What an ended one recorded of its largest mappings with its last ledger; NULL: nothing. */
struct fault_space *fault_space_recorded(const struct capture *capture);

struct fault_space *fault_space_share(struct fault_space *space);
void fault_space_drop(struct fault_space *space);

/* A part of an address space. CAPTURE_ROWS: nobody knows whose it is. */
struct fault_part { uint64_t start, end; enum capture_row row; enum ledger_backing backing; };

/* The part that an address lies in. @space may be NULL. */
struct fault_part fault_space_part(const struct fault_space *space, uint64_t address);

#endif
