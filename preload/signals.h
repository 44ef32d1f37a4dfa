/* SPDX-License-Identifier: MIT */
/*
 * Blocking signals around what must not be interrupted, and least of all left by a longjmp: locks held, tables half changed. Nests,
 * so that only the outermost pair costs system calls.
 */
#ifndef PAGEGAP_SIGNALS_H
#define PAGEGAP_SIGNALS_H

#include "sys.h"

struct signals {
	uint32_t depth;
	uint64_t mask;                  /* the program's, while depth is not 0 */
};

extern __thread struct signals this_signals __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void signals_block(void)
{
	uint64_t mask;

	if (!this_signals.depth) { /* a handler that comes before the block finds depth 0 and leaves it so */
		mask = sys_block_signals();
		this_signals.mask = mask;
	}
	this_signals.depth++;
}

static inline void signals_restore(void)
{
	if (!--this_signals.depth)
		sys_restore_signals(this_signals.mask);
}

#endif
