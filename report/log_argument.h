/* SPDX-License-Identifier: MIT */
/*
 * What a KIND_ARGUMENT is, once the command beside it is known: the pointer of F_SETLK is a lock that the kernel reads, that of TCGETS is
 * filled, that of FUTEX_WAIT is a timeout, and F_DUPFD has a number. Whoever takes memory and whoever decodes it ask here alike.
 */
#ifndef PAGEGAP_LOG_ARGUMENT_H
#define PAGEGAP_LOG_ARGUMENT_H

#include <stdbool.h>

#include "syscalls.h"

struct log_argument {
	uint8_t  kind;                  /* an argument_kind that says the same; KIND_ARGUMENT: `bytes` bytes, which the command explains */
	bool     read, written;         /* by the kernel; only of KIND_ARGUMENT with bytes */
	uint16_t bytes;                 /* 0: a number, as far as we know, or nothing that is followed */
};

/* @index: of an argument, of whatever kind. What is no KIND_ARGUMENT is what it is. */
struct log_argument log_argument(const uint8_t kinds[SYSCALL_ARGUMENTS], const uint64_t arguments[6], unsigned index);

#endif
