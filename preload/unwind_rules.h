/* SPDX-License-Identifier: MIT */
/*
 * How to get from a function's frame to its caller's, at one address: what the unwind table that compilers write for exceptions (.eh_frame)
 * says there, in one word. Sources: System V ABI AMD64 3.7 and 4.2.4; DWARF 5, 6.4 "Call Frame Information"; Linux Standard Base,
 * "Exception Frames".
 */
#ifndef PAGEGAP_UNWIND_RULES_H
#define PAGEGAP_UNWIND_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* Where the frame's address is: the value that the stack pointer had before the call (CFA). */
enum unwind_frame {
	FRAME_LOST,                     /* the table does not say it, or in a way that no compiler uses */
	FRAME_OUTERMOST,                /* there is no caller: the table says so */
	FRAME_BY_STACK,                 /* stack pointer + offset */
	FRAME_BY_BASE,                  /* rbp + offset */
	FRAME_BEHIND_BASE,              /* what lies at rbp + offset: a stack that was aligned anew */
	FRAME_OF_SIGNAL,                /* the kernel's: all registers lie at fixed distances from the stack pointer */
};

/* Where the caller's rbp is. */
enum unwind_base {
	BASE_KEPT,                      /* in rbp */
	BASE_IN_FRAME,                  /* at the frame's address + offset */
	BASE_AT_BASE,                   /* where rbp points */
	BASE_LOST,
};

struct unwind_rule {
	enum unwind_frame frame;
	enum unwind_base base;
	int32_t frame_offset;           /* bytes */
	int32_t base_offset;
};

/*
 * unwind_rule - what to do at an address
 * @address: of code: of the call, not where it returns to, or the interrupted instruction
 * @known: false: nothing is loaded there, now; true: what is returned holds as long as what is loaded there stays loaded
 *
 * Reads the program's unwind tables, which are mapped as long as their code is. No lock, no system call, no memory; async-signal-safe.
 * FRAME_LOST everywhere with a libc before 2.35, which has no way to find a table without a lock.
 */
struct unwind_rule unwind_rule(uint64_t address, bool *known);

/* The same of one table: the parts of unwind_rule that need no loader. @end: of what may be read. */
struct unwind_table {
	const uint8_t *header;          /* PT_GNU_EH_FRAME */
	const uint8_t *start, *end;     /* of the object, in memory */
};
struct unwind_rule unwind_rule_in(const struct unwind_table *table, uint64_t address);

#endif
