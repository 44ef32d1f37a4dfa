/* SPDX-License-Identifier: MIT */
/*
 * The calling thread's stack, as code addresses. Written here and not taken from libunwind, because Debian's static libunwind cannot be
 * linked into a shared library, and the shared one allocates, takes locks (dl_iterate_phdr) and may be the program's own copy; it
 * is the oracle of the tests. Rules (unwind_rules.h) are kept in a table for all threads, so that a frame costs a look-up and two loads.
 */
#ifndef PAGEGAP_UNWIND_H
#define PAGEGAP_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

enum unwind_end {
	UNWIND_COMPLETE,                /* the outermost frame is the last one */
	UNWIND_DEEP,                    /* there are more than were asked for */
	UNWIND_LOST,                    /* code without an unwind table, or a stack that cannot be read */
};

/*
 * unwind - where the calling thread is
 * @addresses: filled, innermost first, from the first on that is not the library's own: of a call, the last byte of its instruction; of what a signal
 *	interrupted, the instruction
 * @most: so many at most
 *
 * Returns how many. No lock, no memory; a system call (process_vm_readv(2)) when the stack reaches where it was not seen before. Never
 * reads what is not mapped, whatever the stack holds. Async-signal-safe, keeps errno. Vector registers may be overwritten.
 */
unsigned unwind(uint64_t *addresses, unsigned most, enum unwind_end *end);

/*
 * unwind_begin - once, before the first walk
 * @start, @end: the library's own code, behind which walks begin
 * @rules_bits: 2 to this power rules are kept, 16 bytes each
 *
 * False: no memory.
 */
bool unwind_begin(const void *start, const void *end, uint32_t rules_bits);

/* Memory has been unmapped or protected: what was readable may no longer be. */
void unwind_forget_stacks(void);

/* Code has been unloaded: other code may come to lie there. */
void unwind_forget_code(void);

#endif
