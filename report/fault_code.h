/* SPDX-License-Identifier: MIT */
/*
 * Whether a fault was a read or a write: told by the instruction that took it. No sample says it, so the instruction is read from the
 * file that is mapped there, which outlives the process, or else from the process; what a file's code does is remembered.
 */
#ifndef PAGEGAP_FAULT_CODE_H
#define PAGEGAP_FAULT_CODE_H

#include "fault_pages.h"
#include "fault_rings.h"

struct fault_code;      /* where an image has mapped which code */
struct fault_modules;   /* the code of files, for all images */

struct fault_modules *fault_modules_new(void);
void fault_modules_free(struct fault_modules *modules);

struct fault_code *fault_code_new(void);
struct fault_code *fault_code_share(struct fault_code *code);
void fault_code_drop(struct fault_code *code);

/* Something was mapped, to execute or not; @code is replaced by a copy of its own when somebody else holds it too. */
void fault_code_map(struct fault_modules *modules, struct fault_code **code, const struct fault_event *event);

enum fault_access fault_code_access(struct fault_modules *modules, const struct fault_code *code, const struct fault_event *event);

#endif
